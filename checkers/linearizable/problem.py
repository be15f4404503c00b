"""One key's history as arrays for the search: every operation is a transition from an expected value to one it leaves.

A read of v expects v and leaves v, a write expects ANY, a CAS [a, b] expects a and leaves b; a CAS [a, a] is a read.

Operations that took effect are numbered by *rank*: the order of their completions. A configuration of the search says
which is the first rank k not yet placed, and which later ranks are placed already. Those are all *open* at k (invoked
before k completed), so a bit mask over slots, reused once an operation has completed, names them with few bits.

Operations that perhaps took effect differ only in their transition and their invocation: they are kept as classes, and
a configuration says how many of each class are used, of those classes that are counted.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections import defaultdict
from collections.abc import Container, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Final

from checkers.linearizable.model import Step
from checkers.linearizable.operation import Operation

ANY: Final = -1
OPEN_MAX: Final = 40_000_000


class TooLarge(MemoryError):
    """The history has too many operations open at once to be held in memory."""


def transition(step: Step) -> tuple[int, int]:
    """(expected value or ANY, value left) of a step of the register family."""
    if step.f == "read":
        return step.returned, step.returned
    if step.f == "write":
        return ANY, step.given[0]
    assert step.f == "cas", f"{step.f} is a step of a register"
    return step.given[0], step.given[1]


@dataclass(frozen=True, slots=True)
class OptionalClass:
    """Operations that perhaps took effect, interchangeable but for their invocations (ascending).

    ``counted`` False: taken to be inexhaustible once the first was invoked, which is more than happened; see
    ``checkers.linearizable.supply``.
    """

    expects: int
    leaves: int
    invokes: tuple[int, ...]
    operations: tuple[Operation, ...]
    counted: bool = False


@dataclass(frozen=True, slots=True)
class Problem:
    """All lists are indexed by rank. ``last_producer`` is the latest invocation, before the operation completes, of
    any operation that could make the value it expects (-1: none); ``open`` holds ranks in ascending order; ``cuts``
    are the ranks at which nothing is open (the first is 0, the last the number of ranks)."""

    initial: int
    operations: tuple[Operation, ...]
    expects: list[int]
    leaves: list[int]
    invokes: list[int]
    completes: list[int]
    bits: list[int]
    open: list[tuple[int, ...]]
    last_producer: list[int]
    cuts: tuple[int, ...]
    classes: tuple[OptionalClass, ...]

    def __len__(self) -> int:
        return len(self.operations)


def problem(required: Iterable[Operation], optional: Iterable[Operation], initial: int) -> Problem:
    """The arrays of one key's operations. Raises :class:`TooLarge`."""
    operations = tuple(sorted(required, key=completion))
    transitions = [transition(operation.step) for operation in operations]
    expects, leaves = [t[0] for t in transitions], [t[1] for t in transitions]
    invokes, completes = [operation.invoke for operation in operations], [completion(o) for o in operations]
    classes = _classes(optional, expects, completes)
    bits, opens = openings(invokes, completes)
    return Problem(
        initial=initial,
        operations=operations,
        expects=expects,
        leaves=leaves,
        invokes=invokes,
        completes=completes,
        bits=bits,
        open=opens,
        last_producer=_last_producers(expects, leaves, invokes, completes, classes),
        cuts=cuts(invokes, completes),
        classes=classes,
    )


def counting(arrays: Problem, numbers: Container[int]) -> Problem:
    """The problem with exactly these classes counted."""
    classes = (replace(each, counted=number in numbers) for number, each in enumerate(arrays.classes))
    return replace(arrays, classes=tuple(classes))


def completion(operation: Operation) -> int:
    """When an operation that took effect completed."""
    assert operation.complete is not None, "an operation that took effect has completed"
    return operation.complete


def openings(invokes: Sequence[int], completes: Sequence[int]) -> tuple[list[int], list[tuple[int, ...]]]:
    """A bit per rank, distinct among ranks open together; and the ranks open at each rank's completion."""
    by_invocation = sorted(range(len(invokes)), key=invokes.__getitem__)
    bits, opens = [0] * len(invokes), []
    running: list[int] = []
    free: list[int] = []
    slots, next_, total = 0, 0, 0
    for rank, complete in enumerate(completes):
        while next_ < len(invokes) and invokes[by_invocation[next_]] < complete:
            if not free:
                free.append(1 << slots)
                slots += 1
            bits[by_invocation[next_]] = free.pop()
            insort(running, by_invocation[next_])
            next_ += 1
        opens.append(tuple(running))
        total += len(running)
        if total > OPEN_MAX:
            raise TooLarge(f"more than {OPEN_MAX} pairs of operations open together")
        del running[0]  # the lowest rank open completes first
        free.append(bits[rank])
    return bits, opens


def cuts(invokes: Sequence[int], completes: Sequence[int]) -> tuple[int, ...]:
    """The ranks, the first and the last among them, before which all earlier operations had completed."""
    found = [len(invokes)]
    earliest_later = float("inf")
    for rank in range(len(invokes) - 1, 0, -1):
        earliest_later = min(earliest_later, invokes[rank])
        if completes[rank - 1] < earliest_later:
            found.append(rank)
    return tuple(dict.fromkeys([0, *reversed(found)]))


def _last_producers(
    expects: Sequence[int],
    leaves: Sequence[int],
    invokes: Sequence[int],
    completes: Sequence[int],
    classes: Sequence[OptionalClass],
) -> list[int]:
    producers: defaultdict[int, list[int]] = defaultdict(list)
    for expected, left, invoke in zip(expects, leaves, invokes, strict=True):
        if expected != left:
            producers[left].append(invoke)
    for each in classes:
        producers[each.leaves].extend(each.invokes)
    for invocations in producers.values():
        invocations.sort()
    latest = []
    for expected, complete in zip(expects, completes, strict=True):
        invocations = producers.get(expected, [])
        earlier = bisect_left(invocations, complete)
        latest.append(invocations[earlier - 1] if earlier else -1)
    return latest


def _classes(
    optional: Iterable[Operation], expects: Sequence[int], completes: Sequence[int]
) -> tuple[OptionalClass, ...]:
    """The optional operations worth considering, by class.

    One that nobody could observe, directly or through other optional ones, can be left out of any linearization; so
    can one invoked after all those had completed.
    """
    grouped: defaultdict[tuple[int, int], list[Operation]] = defaultdict(list)
    for operation in sorted(optional, key=lambda operation: operation.invoke):
        expected, left = transition(operation.step)
        if expected != left:
            grouped[expected, left].append(operation)
    observers: defaultdict[int, list[int]] = defaultdict(list)
    for rank, expected in enumerate(expects):
        if expected != ANY:
            observers[expected].append(rank)
    found = []
    for (expected, left), operations in sorted(grouped.items()):
        watched = [completes[rank] for value in _reachable(left, grouped) for rank in observers.get(value, ())]
        latest = max(watched, default=-1)
        useful = tuple(operation for operation in operations if operation.invoke < latest)
        if useful:
            positions = tuple(operation.invoke for operation in useful)
            found.append(OptionalClass(expected, left, positions, useful))
    return tuple(found)


def _reachable(value: int, optional: Iterable[tuple[int, int]]) -> set[int]:
    """The values that optional CASes can make of this one, itself included."""
    found, waiting = {value}, [value]
    while waiting:
        here = waiting.pop()
        for expected, left in optional:
            if expected == here and left not in found:
                found.add(left)
                waiting.append(left)
    return found
