"""Containers whose values are distinct: each value's put, and what took it, as intervals of slots.

The positions of an object's operations are numbered 0, 1, ...; *slot* x is the moment between positions x and x + 1, so
that an operation from i to c may take effect in any of the slots i to c - 1. A value is surely inside in the slots
from its put's completion up to the invocation of what took it (its *critical* slots). One never taken is taken after
the end, by nobody; a put without completion has no critical slots at all, nor has a value whose put and take overlap.

In a slot that is critical to no value the container may be taken to be empty: of the values inside, those whose take
was invoked can be taken just before, and all others' puts had not completed and may come just after. For queues,
stacks and priority queues alike this leaves a legal order (the values that remain, and their order, are the same); so
an operation that finds the container empty needs just such a slot.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass

from checkers.linearizable.model import EMPTY, UNKNOWN
from checkers.linearizable.operation import KeyHistory, Operation


@dataclass(slots=True)
class Pair:
    """One value: its put in the slots ``put_first`` to ``put_last``, its take likewise."""

    value: object
    put: Operation
    take: Operation | None
    put_first: int
    put_last: int
    take_first: int
    take_last: int

    @property
    def critical(self) -> tuple[int, int]:
        """The first and the last critical slot; there is none if the first comes after the last."""
        return self.put_last + 1, self.take_first - 1

    def operations(self) -> tuple[Operation, ...]:
        return (self.put,) if self.take is None else (self.put, self.take)


@dataclass(frozen=True, slots=True)
class Pairing:
    """``empties``: operations that found nothing, with their first and last slots. ``lost``: operations that may have
    taken nobody knows what, with their first slots, ascending. ``refuted``: operations that are impossible by
    themselves; then there are no pairs."""

    pairs: tuple[Pair, ...]
    empties: tuple[tuple[Operation, int, int], ...]
    lost: tuple[tuple[Operation, int], ...]
    refuted: tuple[Operation, ...] = ()


def pair(key: KeyHistory, nothing: object) -> Pairing | None:
    """The values of an object that begins as ``nothing``; None where they are not distinct, or where anything else is
    done than to put and to take."""
    if key.initial != nothing or any(operation.step.f not in ("put", "take") for operation in key.required):
        return None
    puts: dict[object, Operation] = {}
    takes: dict[object, Operation] = {}
    for operation in key.required:
        if operation.step.f == "put" and puts.setdefault(operation.step.given[0], operation) is not operation:
            return None
    lost, unseen = [], []
    for operation in key.optional:
        if operation.step.f == "put":
            unseen.append(operation)
        elif operation.step.returned is UNKNOWN:
            lost.append(operation)
        else:
            return None
    wanted = {operation.step.returned for operation in key.required if operation.step.f == "take"}
    for operation in unseen:
        value = operation.step.given[0]
        if value in wanted and puts.setdefault(value, operation) is not operation:
            return None
    for operation in key.required:
        if operation.step.f == "take" and operation.step.returned != EMPTY:
            value = operation.step.returned
            first = takes.setdefault(value, operation)
            if first is not operation:
                return Pairing((), (), (), (first, operation))
            if value not in puts or puts[value].invoke > _complete(operation):
                return Pairing((), (), (), (operation,))
    return _slots(key, puts, takes, lost)


def _complete(operation: Operation) -> int:
    assert operation.complete is not None, "what took effect has completed"
    return operation.complete


def _slots(
    key: KeyHistory, puts: dict[object, Operation], takes: dict[object, Operation], lost: Sequence[Operation]
) -> Pairing:
    empties = [o for o in key.required if o.step.f == "take" and o.step.returned == EMPTY]
    positions = [o.invoke for o in (*puts.values(), *takes.values(), *empties, *lost)]
    positions += [o.complete for o in (*puts.values(), *takes.values(), *empties) if o.complete is not None]
    at = {position: number for number, position in enumerate(sorted(positions))}
    end = len(at)
    pairs = []
    for value, put in puts.items():
        take = takes.get(value)
        pairs.append(
            Pair(
                value,
                put,
                take,
                at[put.invoke],
                end + 1 if put.complete is None else at[put.complete] - 1,
                end if take is None else at[take.invoke],
                end + 1 if take is None else at[_complete(take)] - 1,
            )
        )
    slots = tuple((o, at[o.invoke], at[_complete(o)] - 1) for o in empties)
    return Pairing(tuple(pairs), slots, tuple((o, at[o.invoke]) for o in sorted(lost, key=lambda o: o.invoke)))


class Cover:
    """The union of the critical slots of some values."""

    def __init__(self, pairs: Sequence[Pair]) -> None:
        self._begins: list[int] = []
        self._ends: list[int] = []
        for begin, end in sorted(p.critical for p in pairs if p.critical[0] <= p.critical[1]):
            if self._ends and begin <= self._ends[-1] + 1:
                self._ends[-1] = max(self._ends[-1], end)
            else:
                self._begins.append(begin)
                self._ends.append(end)

    def gap(self, slot: int) -> int:
        """The first slot from this one on that is not covered."""
        i = bisect_right(self._begins, slot) - 1
        return self._ends[i] + 1 if i >= 0 and slot <= self._ends[i] else slot


def chain(pairs: Sequence[Pair], first: int, last: int) -> list[Pair]:
    """As few values as possible whose critical slots cover all slots from ``first`` to ``last``, which are covered."""
    by_begin = sorted((p for p in pairs if p.critical[0] <= p.critical[1]), key=lambda p: p.critical[0])
    found: list[Pair] = []
    best: Pair | None = None
    next_ = 0
    while first <= last:
        while next_ < len(by_begin) and by_begin[next_].critical[0] <= first:
            if best is None or by_begin[next_].critical[1] > best.critical[1]:
                best = by_begin[next_]
            next_ += 1
        assert best is not None, "the slots are covered"
        assert best.critical[1] >= first, "the slots are covered"
        found.append(best)
        first = best.critical[1] + 1
    return found


def uncovered(pairing: Pairing) -> tuple[dict[int, int], tuple[Operation, ...]]:
    """A slot in which to find nothing, for each operation that did, by its invocation; or operations that refute it:
    the values surely inside during all of one."""
    cover = Cover(pairing.pairs) if pairing.empties else None
    slots: dict[int, int] = {}
    for operation, first, last in pairing.empties:
        assert cover is not None, "there are empties"
        slots[operation.invoke] = cover.gap(first)
        if slots[operation.invoke] > last:
            return {}, (operation, *operations_of(chain(pairing.pairs, first, last)))
    return slots, ()


def operations_of(pairs: Sequence[Pair]) -> tuple[Operation, ...]:
    return tuple(operation for each in pairs for operation in each.operations())
