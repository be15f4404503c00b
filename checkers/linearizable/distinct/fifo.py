"""Queues whose values are distinct: an order of the values, found by taking away what may come first.

In a linearization the values are put and taken in one order, those never taken last. Real time forces value i before j
if j was put after i was put or taken, or taken after i was taken; and any order of the values that respects all this
gives a linearization: each operation as early as the order allows. So the values can be peeled: next may come what
nothing left must precede. Where nothing may, the value first put or taken and the value first taken force each other:
the bad pattern of Henzinger, Sezgin & Vafeiadis (2013) and of Bouajjani, Emmi, Enea & Hamza (2015).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from heapq import merge

from checkers.linearizable.distinct.pairing import Pair, Pairing, uncovered
from checkers.linearizable.distinct.verdict import Verdict
from checkers.linearizable.operation import Operation

ALGORITHM = "bad-patterns"


@dataclass(frozen=True, slots=True)
class _Value:
    """Slots, the last ones inclusive. An operation that found nothing is a value put and taken in one slot."""

    put_first: int
    out_last: int  # the last slot in which it can be both put and not yet taken by all means: min of both last slots
    take_first: int
    take_last: int
    operations: tuple[Operation, Operation | None] | Operation


def decide(pairing: Pairing) -> Verdict:
    """The verdict on values that were put before they were taken, once."""
    slots, refuted = uncovered(pairing)
    if refuted:
        return Verdict(ALGORITHM, refuted=refuted)
    values = [_value(each) for each in pairing.pairs]
    for operation, *_ in pairing.empties:
        slot = slots[operation.invoke]
        values.append(_Value(slot, slot, slot, slot, operation))
    order, stuck = _peel(values)
    if stuck:
        return Verdict(ALGORITHM, refuted=tuple(o for value in stuck for o in _operations(value)))
    return Verdict(ALGORITHM, order=tuple(_linearization([values[i] for i in order])))


def _value(each: Pair) -> _Value:
    out_last = min(each.put_last, each.take_last)
    return _Value(each.put_first, out_last, each.take_first, each.take_last, (each.put, each.take))


def _operations(value: _Value) -> list[Operation]:
    given = value.operations if isinstance(value.operations, tuple) else (value.operations,)
    return [operation for operation in given if operation is not None]


def _peel(values: Sequence[_Value]) -> tuple[list[int], list[_Value]]:
    """An order of the values; or, if there is none, two that must precede each other."""
    numbers = range(len(values))
    by_put = sorted(numbers, key=lambda i: values[i].put_first)
    by_take = sorted(numbers, key=lambda i: values[i].take_first)
    by_out = sorted(numbers, key=lambda i: values[i].out_last)
    by_taken = sorted(numbers, key=lambda i: values[i].take_last)
    ready_for = [0] * len(values)
    gone = [False] * len(values)
    puttable = takable = out = taken = 0
    order: list[int] = []
    ready: list[int] = []
    while len(order) < len(values):
        while gone[by_out[out]]:
            out += 1
        while gone[by_taken[taken]]:
            taken += 1
        first_out, first_taken = values[by_out[out]].out_last, values[by_taken[taken]].take_last
        while puttable < len(values) and values[by_put[puttable]].put_first <= first_out:
            _count(by_put[puttable], ready_for, ready)
            puttable += 1
        while takable < len(values) and values[by_take[takable]].take_first <= first_taken:
            _count(by_take[takable], ready_for, ready)
            takable += 1
        if not ready:
            return [], [values[by_out[out]], values[by_taken[taken]]]
        order.append(ready.pop())
        gone[order[-1]] = True
    return order, []


def _count(number: int, ready_for: list[int], ready: list[int]) -> None:
    ready_for[number] += 1
    if ready_for[number] == 2:
        ready.append(number)


def _linearization(values: Sequence[_Value]) -> list[Operation]:
    """Puts and takes, each in the order of the values and as early as that allows, merged by slot."""
    puts: list[tuple[int, int, int, Operation]] = []
    takes: list[tuple[int, int, int, Operation]] = []
    putting = taking = 0
    for i, value in enumerate(values):
        putting = max(putting, value.put_first)
        taking = max(taking, value.take_first, putting)
        if not isinstance(value.operations, tuple):
            takes.append((taking, i, 1, value.operations))
            continue
        put, take = value.operations
        puts.append((putting, i, 0, put))
        if take is not None:
            takes.append((taking, i, 1, take))
    return [each[3] for each in merge(puts, takes, key=lambda each: each[:3])]
