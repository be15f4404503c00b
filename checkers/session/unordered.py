"""Guarantees of registers of which the order of versions is not explicit: what the operations force, and no more.

Each guarantee demands that some versions be older than others. If these demands, and the order in which each session
wrote, contradict each other, no order of versions satisfies them: invalid. If all follow from the sessions' order of
writes, every order does: valid. Else the answer depends on an order that nobody told: unknown.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from checkers.session.operation import Operation, by_session
from checkers.session.ordered import Graph
from checkers.session.scene import Object
from checkers.session.violation import (
    MONOTONIC_READS,
    MONOTONIC_WRITES,
    READ_YOUR_WRITES,
    WRITES_FOLLOW_READS,
    Step,
    Violation,
)
from checkers.session.walk import frontiers, walk


def examine(name: str, each: Object) -> tuple[list[Violation], Step | None]:
    """The violations of one of the four guarantees, and a demand that the known order leaves open, if any."""
    found: list[Violation] = []
    doubt: Step | None = None
    graph = Graph()
    sessions = by_session([*each.happened, *(read for read in each.reads if read.clear)])
    writers = {write.session for write in each.happened}
    for operations in sessions.values():
        writes = [operation for operation in operations if operation.is_write]
        for write, before in frontiers(writes, writes):
            for first in before:
                step = Step(first, write, "session")
                if name != MONOTONIC_WRITES:
                    graph.add(step)
                elif len(writers) > 1:  # its own order is what is asked
                    doubt = doubt or step
        for demand in _demands(name, each, operations):
            if isinstance(demand, Violation):
                found.append(demand)
            elif not demand.first.precedes(demand.second):
                graph.add(demand)
                doubt = doubt or demand
    for cycle in graph.cycles():
        witness = tuple(dict.fromkeys(operation for step in cycle for operation in _certain(step)))
        found.append(Violation(name, each.key, _session(cycle), witness, steps=cycle))
    return found, doubt


def _session(cycle: Sequence[Step]) -> int:
    return next((step.reads[-1].session for step in cycle if step.reads), cycle[0].first.session)


def _certain(step: Step) -> Iterator[Operation]:
    """What must be certain, that the step be."""
    if step.reason == "session" or (len(step.reads) == 1 and step.reads[0].sources[:1] == (step.second,)):
        yield step.first  # a session's own write, acknowledged before
    yield from step.reads
    if len(step.reads) == 1 and step.reads[0].sources[:1] == (step.first,) and step.second.complete is not None:
        yield step.second


def _demands(name: str, each: Object, operations: Sequence[Operation]) -> Iterator[Step | Violation]:
    if name == WRITES_FOLLOW_READS:
        yield from _after_what_was_read(operations)
    elif name != MONOTONIC_WRITES:
        of = [operation for operation in operations if operation.is_write is (name == READ_YOUR_WRITES)]
        for read, before in frontiers(operations, of):
            for earlier in () if read.is_write else before:
                yield from _not_older(name, each, earlier, read)


def _not_older(name: str, each: Object, earlier: Operation, read: Operation) -> Iterator[Step | Violation]:
    expected = (earlier,) if earlier.is_write else earlier.sources
    if expected and not read.sources:
        yield Violation(name, each.key, read.session, (earlier, read), earlier, read)
    elif expected and expected[0] is not read.sources[0]:
        yield Step(expected[0], read.sources[0], "read", (read,) if earlier.is_write else (earlier, read))


def _after_what_was_read(operations: Sequence[Operation]) -> Iterator[Step]:
    """Each write comes after what its session had read since its last write (that one comes after what it had read)."""
    pending: list[Operation] = []
    for operation, newly, inside in walk(operations):
        for each in newly:
            if each.is_write:
                pending = [read for read in pending if not read.precedes(each)]
            elif each.sources:
                pending.append(each)
        own = [each for each in inside if not each.is_write and each.sources]
        if operation.is_write:
            for read in [*pending, *own]:
                yield Step(read.sources[0], operation, "read", (read,))


DEMANDS: Final = {
    READ_YOUR_WRITES: "a read shows at least what its session had written",
    MONOTONIC_READS: "a read shows at least what its session had read",
    MONOTONIC_WRITES: "writes take effect in their session's order",
    WRITES_FOLLOW_READS: "a write takes effect after what its session had read",
}
