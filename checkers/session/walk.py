"""Walks through one session's operations on one key, and says at each what came before it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from heapq import heappop, heappush

from checkers.session.operation import Operation


def walk(operations: Sequence[Operation]) -> Iterator[tuple[Operation, list[Operation], list[Operation]]]:
    """Each operation; those that come before it and came not before all earlier ones; and those that come before it
    only because they stand before it in its transaction. ``operations`` are in order of invocation."""
    waiting: list[tuple[int, int, Operation]] = []
    inside: list[Operation] = []
    for operation in operations:
        newly = []
        while waiting and waiting[0][0] < operation.invoke:
            newly.append(heappop(waiting)[2])
        inside = [each for each in inside if each.invoke == operation.invoke]
        yield operation, newly, list(inside)
        inside.append(operation)
        if operation.complete is not None:
            heappush(waiting, (operation.complete, operation.number, operation))


def frontiers(operations: Sequence[Operation], of: Iterable[Operation]) -> Iterator[tuple[Operation, list[Operation]]]:
    """Each operation with the last ones of ``of`` that come before it: all others that do come before one of these."""
    chosen = {each.number for each in of}
    done: list[Operation] = []
    for operation, newly, inside in walk(operations):
        for each in newly:
            if each.number in chosen:
                done = [*(other for other in done if not other.precedes(each)), each]
        own = [each for each in inside if each.number in chosen]
        yield operation, (_last([*done, *own]) if own else done)


def _last(operations: Sequence[Operation]) -> list[Operation]:
    return [each for each in operations if not any(each.precedes(other) for other in operations)]
