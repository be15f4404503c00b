"""One key that is put and appended to, where all pieces are distinct: what its answers reveal, taken as blocks.

An answer says which put it began with (or that nothing was put yet) and which appends followed, in their order. All that
the answers of one put show is its *run*: the put, the appends, and the gets in between, one after the other, with no
other put or append among them; so it takes effect as one block. Appends that nobody saw, like puts that nobody saw, can
stand anywhere between two blocks. With that, blocks are placed as the clusters of a register are (``zones``): a run whose
first completion comes before its last invocation must cover all between, any other may stand at one moment.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
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
    """``begin``: the put, None for what was there at first; ``content``: the longest answer, and the ``appends`` that
    it shows; ``gets`` by how many of these they saw."""

    content: Any
    begin: Operation | None = None
    first: bool = False
    appends: list[Operation] = field(default_factory=list)
    ends: dict[int, int] = field(default_factory=dict)  # length of the content after so many appends
    gets: dict[int, list[Operation]] = field(default_factory=dict)

    def operations(self) -> Iterator[Operation]:
        """In the order in which they take effect."""
        if self.begin is not None:
            yield self.begin
        yield from self.gets.get(0, ())
        for number, append in enumerate(self.appends, 1):
            yield append
            yield from self.gets.get(number, ())

    def widest(self) -> list[Operation]:
        """A get of the longest answer, if there is any."""
        return self.gets[max(self.gets)][:1] if self.gets else []


@dataclass(frozen=True, slots=True)
class _Block:
    """``first`` completion and ``last`` invocation, and the operations with these."""

    first: float
    last: float
    order: tuple[Operation, ...]
    ends: tuple[Operation, ...]


def decide(key: KeyHistory) -> Verdict | None:
    """The verdict; None where this method does not apply: pieces are not distinct, or can be read in two ways."""
    reading = _Reading.of(key)
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
    blocks.extend(_alone(each) for each in reading.unseen())
    return _placed(blocks)


def _refuted(operations: Iterable[Operation]) -> Verdict:
    found = {each.invoke: each for each in operations if each.complete is not None}
    return Verdict(ALGORITHM, refuted=tuple(sorted(found.values(), key=_complete)))


def _complete(operation: Operation) -> float:
    return inf if operation.complete is None else operation.complete


class _Reading:
    """The answers, as runs."""

    def __init__(self, key: KeyHistory, puts: dict[Any, Operation], appends: dict[Any, Operation]) -> None:
        (initial,) = key.initial
        self._runs = {content: _Run(content, put) for content, put in puts.items()}
        self._runs[initial] = _Run(initial, first=True)
        self._appends = appends
        self._empty = () if any(isinstance(piece, tuple) for piece in appends) else ""
        self._run_of: dict[int, tuple[_Run, Operation]] = {}  # of an append: its run, and a get that saw it there
        self._put_lengths = sorted({len(content) for content in self._runs if content is not None})
        self._piece_lengths = sorted({len(piece) for piece in appends})

    @staticmethod
    def of(key: KeyHistory) -> _Reading | None:
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
        prefixed = any(other[: len(one)] == one for one, other in pairwise(sorted(appends)))
        return None if prefixed or key.initial[0] in puts else _Reading(key, puts, appends)

    def runs(self) -> Iterator[_Run]:
        """Those that somebody saw."""
        return (run for run in self._runs.values() if run.gets)

    def unseen(self) -> Iterator[Operation]:
        """Puts and appends that took effect, which nobody saw."""
        puts = (run.begin for run in self._runs.values() if run.begin is not None and not run.gets)
        appends = (each for each in self._appends.values() if each.invoke not in self._run_of)
        return (each for each in (*puts, *appends) if each.complete is not None)

    def read(self, gets: Iterable[Operation]) -> Sequence[Operation]:
        """Put every get into its run; or operations that contradict each other."""
        for get in gets:
            answer = get.step.returned
            placed = [found for run in self._beginning(answer) if (found := self._pieces(run, answer)) is not None]
            if not placed:
                return (get,)
            if len(placed) > 1:
                raise _AmbiguousError
            run, pieces = placed[0]
            objection = self._add(run, pieces, get)
            if objection:
                return objection
        return ()

    def _beginning(self, answer: Any) -> Iterator[_Run]:
        """The runs whose put the answer may begin with."""
        if None in self._runs:
            yield self._runs[None]
        if answer is None:
            return
        for length in self._put_lengths:
            run = self._runs.get(answer[:length]) if length <= len(answer) else None
            if run is not None:
                yield run

    def _pieces(self, run: _Run, answer: Any) -> tuple[_Run, list[Operation]] | None:
        """What the answer shows to have been appended in the run; None if it cannot have been the run's."""
        begin = run.begin.step.given[0] if run.begin is not None else run.content if not run.appends else None
        raise NotImplementedError(begin, answer)
