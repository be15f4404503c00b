"""Priority queues, and unordered ones, whose values are distinct: each taken where no greater one is surely inside.

The same as ``distinct.priority``, which says why, of all keys at once.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from checkers.linearizable.columnar.calls import Calls
from checkers.linearizable.columnar.container import NOBODY, Pairing, calls_of_pairs, chain, pair
from checkers.linearizable.columnar.objects import VALID, Objects
from harness.compiled import compiled

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Ints = NDArray[np.int64]

ALGORITHM: Final = "greatest-first"


def decide(calls: Calls, odd: NDArray[np.bool_], *, ordered: bool) -> Objects:
    """The verdict on every key; those with ``odd`` calls are left. ``ordered``: of priority queues."""
    pairing = pair(calls, odd)
    pairs = pairing.pairs
    slots = np.maximum(pairs.put_firsts, pairs.take_firsts)
    ranks = np.arange(len(pairs))  # the greatest first
    if ordered:
        greatest_first = np.argsort(calls.numbers[pairs.puts], kind="stable")[::-1].copy()
        ranks[greatest_first] = np.arange(len(pairs))
        _choose(greatest_first, slots, pairs.takes, pairs.take_lasts, pairs.begins, pairs.ends,
                int(pairing.bounds[-1]))  # fmt: skip
        _refute(pairing, slots, ranks)
    return pairing.objects(_placed(pairing, slots, ranks), ALGORITHM)


@compiled
def _choose(
    greatest_first: Ints, slots: Ints, takes: Ints, take_lasts: Ints, begins: Ints, ends: Ints, slot_count: int
) -> None:  # fmt: skip
    """Move each value that was taken to the first slot from its own on that is critical to no greater one; where that
    comes too late, nothing of the value is covered: its key is refuted."""
    free = np.arange(slot_count + 1)  # of each slot one, not before it, that comes not after the first free one
    for value in greatest_first:
        if takes[value] != NOBODY:
            slot = slots[value]
            while free[slot] != slot:
                free[slot] = free[free[slot]]
                slot = free[slot]
            slots[value] = slot
        if slots[value] > take_lasts[value]:
            continue
        slot = begins[value]
        while slot <= ends[value]:
            if free[slot] == slot:
                free[slot] = slot + 1
            free[slot] = free[free[slot]]
            slot = free[slot]


def _refute(pairing: Pairing, slots: Ints, ranks: Ints) -> None:
    """The keys in which a value has no slot: the greatest such value, and what covers all the slots it may have."""
    pairs = pairing.pairs
    late = np.flatnonzero(slots > pairs.take_lasts)
    for value in late[np.argsort(ranks[late])].tolist():
        key = int(pairs.keys[value])
        if pairing.verdicts[key] == VALID:
            earliest = int(max(pairs.put_firsts[value], pairs.take_firsts[value]))
            greater = (pairs.keys == key) & (ranks < ranks[value])
            covering = chain(pairs, greater, earliest, int(pairs.take_lasts[value]))
            pairing.refute(key, calls_of_pairs(pairs, [*covering, value]))


def _placed(pairing: Pairing, slots: Ints, ranks: Ints) -> Ints:
    """The calls in order: each take in its slot, its put as late as possible: straight before it, or at the end of an
    earlier slot; of several in a slot the greatest first, and last what found nothing."""
    pairs, empties = pairing.pairs, pairing.empties
    taken = np.flatnonzero(pairs.takes != NOBODY)
    putting = np.minimum(pairs.put_lasts, slots)
    late = (putting != slots) | (pairs.takes == NOBODY)
    many = len(pairs) + 1
    moments = np.concatenate(
        (
            ((putting * 2 + late) * many + ranks) * 2,
            ((slots[taken] * 2) * many + ranks[taken]) * 2 + 1,
            ((empties.slots * 2) * many + len(pairs)) * 2,
        )
    )
    calls = np.concatenate((pairs.puts, pairs.takes[taken], empties.calls))
    return calls[np.argsort(moments, kind="stable")]
