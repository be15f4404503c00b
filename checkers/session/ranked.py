"""Guarantees where the order of an object's versions is explicit: every version has a rank, and ranks are compared.

The order is explicit where values are versions (an option), where one session alone wrote a register and did one thing
after the other, and in a list whose reads are prefixes of the longest one. What no read of a list shows comes after
what is shown.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from checkers.guard import Unsupported
from checkers.session.operation import Operation, by_session, value_of
from checkers.session.scene import Object, Scene
from checkers.session.violation import (
    MONOTONIC_READS,
    MONOTONIC_WRITES,
    READ_YOUR_WRITES,
    WRITES_FOLLOW_READS,
    Step,
    Violation,
)
from checkers.session.walk import walk
from checkers.value import show

NOTHING: Final = -1
"""The rank of what was there at the beginning."""


@dataclass(frozen=True, slots=True)
class Ranking:
    """``ranks``: each write's by its number. ``by``: what tells the order. ``longest``: of a list the longest read."""

    ranks: Mapping[int, int]
    by: str  # "versions", "session" or "list"
    longest: Operation | None = None

    def of_read(self, read: Operation) -> int:
        """The rank of the newest version that the read shows."""
        return self.ranks[read.sources[-1].number] if read.sources else NOTHING


def ranking(scene: Scene, each: Object) -> Ranking | None:
    """The explicit order of the object's versions; None if there is none."""
    if each.kind == "list":
        return _of_list(each)
    if each.kind == "set":
        return None
    if scene.versions:
        return _of_versions(each)
    writers = {write.session for write in each.happened}
    if len(writers) > 1 or not all(scene.linear[session] for session in writers):
        return None
    return Ranking({write.number: rank for rank, write in enumerate(each.happened)}, "session")


def _of_versions(each: Object) -> Ranking:
    for atom, writes in each.writes.items():
        if type(atom) is not int:
            raise Unsupported(f"operation {writes[0].invoke}: read the version {show(value_of(atom))}; expected an "
                              "integer, for values are versions here")  # fmt: skip
    happened = sorted({write.value for write in each.happened})  # type: ignore[type-var]
    versions = {version: rank for rank, version in enumerate(happened)}
    return Ranking({write.number: versions[write.value] for write in each.happened}, "versions")


def _of_list(each: Object) -> Ranking | None:
    longest = max(each.reads, key=lambda read: len(read.shown), default=None)
    if longest is None:
        return Ranking({write.number: 0 for write in each.happened}, "list")
    shown = longest.shown
    if not all(read.clear and read.shown == shown[: len(read.shown)] for read in each.reads):
        return None
    ranks = {write.number: len(shown) for write in each.happened}
    ranks.update((write.number, rank) for rank, write in enumerate(longest.sources))
    return Ranking(ranks, "list", longest)


def violations(name: str, each: Object, order: Ranking) -> Iterator[Violation]:
    """The violations of one of the four guarantees on one object."""
    judge = _JUDGES[name]
    reads = [read for read in each.reads if read.clear]
    for operations in by_session([*each.happened, *reads]).values():
        yield from judge(each, order, operations)


def _best(held: tuple[int, Operation] | None, operations: Sequence[Operation], rank: Callable[[Operation], int]
          ) -> tuple[int, Operation] | None:  # fmt: skip
    """The highest rank so far, and whose it is."""
    for operation in operations:
        if held is None or rank(operation) > held[0]:
            held = rank(operation), operation
    return held


def _maxima(
    operations: Sequence[Operation], rank: Callable[[Operation], int], *, writes: bool
) -> Iterator[tuple[Operation, tuple[int, Operation] | None]]:
    """Each operation with the highest rank of what came before it in its session: of writes, or of reads."""
    held: tuple[int, Operation] | None = None
    for operation, newly, inside in walk(operations):
        held = _best(held, [each for each in newly if each.is_write is writes], rank)
        yield operation, _best(held, [each for each in inside if each.is_write is writes], rank)


def _read_your_writes(each: Object, order: Ranking, operations: Sequence[Operation]) -> Iterator[Violation]:
    for read, held in _maxima(operations, lambda write: order.ranks[write.number], writes=True):
        if not read.is_write and held is not None and held[0] > order.of_read(read):
            behind = _behind(each, order, held[0], order.of_read(read))
            witness = _witness(order, held[1], held[1], read)
            yield Violation(READ_YOUR_WRITES, each.key, read.session, witness, held[1], read, staleness_versions=behind)


def _monotonic_reads(each: Object, order: Ranking, operations: Sequence[Operation]) -> Iterator[Violation]:
    for read, held in _maxima(operations, order.of_read, writes=False):
        if not read.is_write and held is not None and held[0] > order.of_read(read):
            behind = _behind(each, order, held[0], order.of_read(read))
            witness = _witness(order, held[1].sources[-1], held[1], read)
            yield Violation(MONOTONIC_READS, each.key, read.session, witness, held[1], read, staleness_versions=behind)


def _behind(each: Object, order: Ranking, expected: int, shown: int) -> int:
    return min(expected, len(order.longest.shown) if order.longest else expected) - shown


def _witness(order: Ranking, newest: Operation, earlier: Operation, read: Operation) -> tuple[Operation, ...]:
    """What must be certain: what was to be seen, the read, and, where only their session says which of the two versions
    is older, that version's write."""
    if order.by == "session" and read.sources and read.sources[-1].precedes(newest):
        return tuple(dict.fromkeys((read.sources[-1], earlier, read)))
    return earlier, read


def _monotonic_writes(each: Object, order: Ranking, operations: Sequence[Operation]) -> Iterator[Violation]:
    if order.by == "session":
        return
    for write, held in _maxima(operations, lambda write: order.ranks[write.number], writes=True):
        if write.is_write and held is not None and held[0] > order.ranks[write.number]:
            yield _out_of_order(MONOTONIC_WRITES, each, order, held[1], write)


def _writes_follow_reads(each: Object, order: Ranking, operations: Sequence[Operation]) -> Iterator[Violation]:
    if order.by == "session":
        return
    for write, held in _maxima(operations, order.of_read, writes=False):
        if write.is_write and held is not None and held[0] > order.ranks[write.number]:
            yield _out_of_order(WRITES_FOLLOW_READS, each, order, held[1], write)


def _out_of_order(name: str, each: Object, order: Ranking, earlier: Operation, write: Operation) -> Violation:
    """A write that stands before what its session had written or read before it."""
    reader = order.longest or (None if write.complete is not None else _reader(each, write))
    return Violation(name, each.key, write.session, (earlier, reader or write), earlier, write, reader=reader)


def _reader(each: Object, write: Operation) -> Operation | None:
    """A read that shows that a write of unknown outcome happened."""
    return next((read for read in each.reads if write in read.sources), None)


_JUDGES: Final = {
    READ_YOUR_WRITES: _read_your_writes,
    MONOTONIC_READS: _monotonic_reads,
    MONOTONIC_WRITES: _monotonic_writes,
    WRITES_FOLLOW_READS: _writes_follow_reads,
}


def shown_before(order: Ranking, older: Operation, newer: Operation) -> Step:
    """Why one version is older than the other."""
    reads = (order.longest,) if order.longest else ()
    return Step(older, newer, "session" if order.by == "session" else "shown", reads)
