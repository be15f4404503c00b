"""Priority queues, and unordered ones, whose values are distinct: the least value first, each in a slot of its own.

The least value constrains no other. It can be taken in any slot that is critical to no other value: there the rest of
the queue may be empty (``pairing``). So a history is linearizable if and only if each value has a slot, while it was
being taken and not before its put began, that is critical to no greater one; an operation that found nothing is less
than all values. The earliest such slots, and puts as late as possible, make a linearization. In an unordered queue
nothing is greater than anything.
"""

from __future__ import annotations

from typing import Any

from checkers.linearizable.distinct.pairing import Pair, Pairing, chain, operations_of, uncovered
from checkers.linearizable.distinct.verdict import Verdict
from checkers.linearizable.operation import Operation

ALGORITHM = "greatest-first"


def decide(pairing: Pairing, *, ordered: bool) -> Verdict:
    """The verdict on values that were put before they were taken, once; ``ordered`` in a priority queue."""
    slots, refuted = uncovered(pairing)
    if refuted:
        return Verdict(ALGORITHM, refuted=refuted)
    greatest_first = sorted(pairing.pairs, key=_greatness, reverse=True) if ordered else list(pairing.pairs)
    placed: list[tuple[tuple[int, int, int, int], Operation]] = []
    covered: dict[int, int] = {}  # a covered slot, and one not before the first that is not covered
    for number, each in enumerate(greatest_first):
        earliest = max(each.put_first, each.take_first)
        slot = _free(covered, earliest) if ordered and each.take is not None else earliest
        if slot > each.take_last:
            greater = chain(greatest_first[:number], earliest, each.take_last)
            return Verdict(ALGORITHM, refuted=operations_of([*greater, each]))
        _place(each, slot, number, placed)
        if ordered:
            _cover(covered, *each.critical)
    for operation, *_ in pairing.empties:
        placed.append(((slots[operation.invoke], 0, len(greatest_first), operation.invoke), operation))
    placed.sort(key=lambda each: each[0])
    return Verdict(ALGORITHM, order=tuple(operation for _, operation in placed))


def _greatness(each: Pair) -> Any:
    return each.value


def _place(each: Pair, slot: int, number: int, placed: list[tuple[tuple[int, int, int, int], Operation]]) -> None:
    """The take in its slot, the put as late as possible: straight before it, or at the end of an earlier slot."""
    putting = min(each.put_last, slot)
    together = putting == slot and each.take is not None
    placed.append(((putting, 0, number, 0) if together else (putting, 1, number, 0), each.put))
    if each.take is not None:
        placed.append(((slot, 0, number, 1), each.take))


def _free(covered: dict[int, int], slot: int) -> int:
    """The first slot from this one on that is not covered; the way there is shortened."""
    end = slot
    while end in covered:
        end = covered[end]
    while slot != end:
        covered[slot], slot = end, covered[slot]
    return end


def _cover(covered: dict[int, int], first: int, last: int) -> None:
    slot = _free(covered, first)
    while slot <= last:
        covered[slot] = slot + 1
        slot = _free(covered, slot + 1)
