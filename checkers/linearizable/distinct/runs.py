"""One key that is put and appended to, where all pieces are distinct: what its answers reveal, taken as blocks.

An answer says which put it began with (or that nothing was put yet) and which appends followed, in their order. All
that the answers of one put show is its *run*: the put, the appends, and the gets in between, one after the other, with
no other put or append among them; so it takes effect as one block. Appends that nobody saw, like puts that nobody saw,
can stand anywhere between two blocks. With that, blocks are placed as the clusters of a register are (``zones``): a run
whose first completion comes before its last invocation must cover all between, any other may stand at one moment.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from math import inf
from typing import Any

from checkers.linearizable.distinct.verdict import Verdict
from checkers.linearizable.operation import KeyHistory, Operation

ALGORITHM = "runs"


class _AmbiguousError(Exception):
    """An answer can be read in two ways."""


@dataclass(slots=True)
class _Run:
    """``begin``: the put, None for what was there at first, which left ``start``; ``longest``: the longest answer, and
    the ``appends`` that it shows; ``numbers``: how many of these a beginning of it has, by its length; ``gets`` by how
    many they saw."""

    start: Any
    begin: Operation | None
    longest: Any = None
    appends: list[Operation] = field(default_factory=list)
    numbers: dict[int, int] = field(default_factory=dict)
    gets: defaultdict[int, list[Operation]] = field(default_factory=lambda: defaultdict(list))

    def levels(self) -> Iterator[Sequence[Operation]]:
        """In the order in which they take effect; in any order within a level."""
        yield [self.begin] if self.begin is not None else []
        yield self.gets.get(0, [])
        for number, append in enumerate(self.appends, 1):
            yield [append]
            yield self.gets.get(number, [])

    def widest(self) -> Operation:
        """A get of the longest answer."""
        return self.gets[max(self.gets)][0]


@dataclass(frozen=True, slots=True)
class _Block:
    """``first`` completion and ``last`` invocation; ``proof``: the operations with these, and what shows their run."""

    first: float
    last: float
    order: tuple[Operation, ...]
    proof: tuple[Operation, ...]


def decide(key: KeyHistory) -> Verdict | None:
    """The verdict; None where this method does not apply: pieces are not distinct, or can be read in two ways."""
    reading = _reading(key)
    if reading is None:
        return None
    try:
        objection = reading.read(each for each in key.required if each.step.f == "get")
    except _AmbiguousError:
        return None
    if objection:
        return _refuted(objection)
    blocks = []
    for run in reading.runs():
        found = _block(run)
        if not isinstance(found, _Block):
            return _refuted(found)
        blocks.append(found)
    blocks.extend(_Block(_complete(each), each.invoke, (each,), (each,)) for each in reading.unseen())
    return _placed(blocks)


def _refuted(operations: Iterable[Operation]) -> Verdict:
    found = {each.invoke: each for each in operations if each.complete is not None}
    return Verdict(ALGORITHM, refuted=tuple(sorted(found.values(), key=_complete)))


def _complete(operation: Operation) -> float:
    return inf if operation.complete is None else operation.complete


def _reading(key: KeyHistory) -> _Reading | None:
    """None where two puts or appends are alike, or where one piece begins another one."""
    puts: dict[Any, Operation] = {}
    appends: dict[Any, Operation] = {}
    for each in (*key.required, *key.optional):
        if each.step.f == "get":
            continue
        known, content = (puts if each.step.f == "put" else appends), each.step.given[0]
        if content in known or (known is appends and not content):
            return None
        known[content] = each
    (initial,) = key.initial
    if initial in puts or any(other[: len(one)] == one for one, other in pairwise(sorted(appends))):
        return None
    return _Reading(initial, puts, appends)


class _Reading:
    """The answers, as runs."""

    def __init__(self, initial: Any, puts: Mapping[Any, Operation], appends: Mapping[Any, Operation]) -> None:
        self._runs = {content: _Run(content, put, content) for content, put in puts.items()}
        self._runs[initial] = _Run(initial, None, initial)
        self._appends = appends
        self._seen: dict[int, Operation] = {}  # a get that saw the append, by the append's invocation
        self._starts = sorted({len(content) for content in self._runs if content is not None})
        self._lengths = sorted({len(piece) for piece in appends})

    def runs(self) -> Iterator[_Run]:
        """Those that somebody saw."""
        return (run for run in self._runs.values() if run.gets)

    def unseen(self) -> Iterator[Operation]:
        """Puts and appends that took effect, which nobody saw."""
        for run in self._runs.values():
            if run.begin is not None and not run.gets and run.begin.complete is not None:
                yield run.begin
        for each in self._appends.values():
            if each.complete is not None and each.invoke not in self._seen:
                yield each

    def read(self, gets: Iterable[Operation]) -> Sequence[Operation]:
        """Put every get into its run; or return operations that contradict each other."""
        for get in gets:
            answer = get.step.returned
            found = [(run, pieces) for run in self._beginning(answer)
                     if (pieces := self._pieces(run, answer)) is not None]  # fmt: skip
            if not found:
                return (get,)
            if len(found) > 1:
                raise _AmbiguousError
            objection = self._add(*found[0], get)
            if objection:
                return objection
        return ()

    def _beginning(self, answer: Any) -> Iterator[_Run]:
        """The runs that the answer may begin as."""
        if None in self._runs:
            yield self._runs[None]
        if answer is not None:
            starts = (answer[:length] for length in self._starts if length <= len(answer))
            yield from (self._runs[start] for start in starts if start in self._runs)

    def _pieces(self, run: _Run, answer: Any) -> list[Operation] | None:
        """The appends that the answer shows beyond those known of the run, if it goes beyond; none if it is known; from
        the beginning if it is neither. None if it is no answer of the run."""
        if answer == run.start:
            return []
        if answer is None or (run.start is None and not answer):
            return None
        known = 0 if run.longest is None else len(run.longest)
        if known and len(answer) <= known and run.longest[: len(answer)] == answer:
            return [] if len(answer) in run.numbers else None
        if known and answer[:known] != run.longest:
            known = 0 if run.start is None else len(run.start)
        return self._parse(answer, known)

    def _parse(self, answer: Any, at: int) -> list[Operation] | None:
        found = []
        while at < len(answer):
            for length in self._lengths:
                piece = self._appends.get(answer[at : at + length])
                if piece is not None and at + length <= len(answer):
                    found.append(piece)
                    at += length
                    break
            else:
                return None
        return found

    def _add(self, run: _Run, pieces: Sequence[Operation], get: Operation) -> Sequence[Operation]:
        """The get joins the run, with what it saw; or is returned with one that contradicts it."""
        answer = get.step.returned
        if pieces and run.longest is not None and answer[: len(run.longest)] != run.longest:
            return (get, run.widest())
        length = 0 if run.longest is None else len(run.longest)
        for each in pieces:
            if each.invoke in self._seen:
                return (get, self._seen[each.invoke])
            self._seen[each.invoke] = get
            run.appends.append(each)
            length += len(each.step.given[0])
            run.numbers[length] = len(run.appends)
        if pieces:
            run.longest = answer
        run.gets[0 if answer == run.start else run.numbers[len(answer)]].append(get)
        return ()


def _block(run: _Run) -> _Block | Sequence[Operation]:
    """The run as a block; or operations of which one completed before one was invoked that comes before it."""
    order: list[Operation] = []
    latest: Operation | None = None
    for level in run.levels():
        for each in level:
            if latest is not None and _complete(each) < latest.invoke:
                return (latest, each, run.widest())
        for each in level:
            if latest is None or each.invoke > latest.invoke:
                latest = each
        order.extend(level)
    assert latest is not None, "a run has been seen"
    if run.begin is None:
        return _Block(-inf, latest.invoke, tuple(order), (latest, run.widest()))
    first = min(order, key=_complete)
    return _Block(_complete(first), latest.invoke, tuple(order), (first, latest, run.widest()))


def _placed(blocks: Sequence[_Block]) -> Verdict:
    """A moment for each block: where it must cover a zone, that; else any moment that no such zone covers."""
    covering = sorted((block for block in blocks if block.first < block.last), key=lambda block: block.first)
    for one, other in pairwise(covering):
        if other.first < one.last:
            return _refuted((*one.proof, *other.proof))
    begins = [block.first for block in covering]
    moments = [(block.first, 0, number, block) for number, block in enumerate(covering)]
    for number, block in enumerate(blocks):
        if block.first < block.last:
            continue
        moment, at = block.last, bisect_right(begins, block.last) - 1
        if at >= 0 and covering[at].last > moment:
            moment = covering[at].last
            if moment > block.first:
                return _refuted((*covering[at].proof, *block.proof))
        moments.append((moment, 1, number, block))
    moments.sort(key=lambda each: each[:3])
    return Verdict(ALGORITHM, order=tuple(operation for *_, block in moments for operation in block.order))
