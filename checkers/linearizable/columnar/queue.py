"""Queues whose values are distinct: values peeled off in an order in which they may be put and taken.

The same as ``distinct.fifo``, which says why, of all keys at once: as no slots of two keys touch, the values of one are
all peeled before those of the next.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from checkers.linearizable.columnar.calls import Calls
from checkers.linearizable.columnar.container import NOBODY, calls_of_pairs, pair
from checkers.linearizable.columnar.objects import VALID, Objects
from harness.compiled import compiled

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Ints = NDArray[np.int64]

ALGORITHM: Final = "bad-patterns"


def decide(calls: Calls, odd: NDArray[np.bool_]) -> Objects:
    """The verdict on every key; those with ``odd`` calls are left."""
    pairing = pair(calls, odd)
    pairs, empties = pairing.pairs, pairing.empties
    # A call that found nothing is a value put and taken in its slot.
    put_firsts = np.concatenate((pairs.put_firsts, empties.slots))
    take_firsts = np.concatenate((pairs.take_firsts, empties.slots))
    take_lasts = np.concatenate((pairs.take_lasts, empties.slots))
    outs = np.concatenate((np.minimum(pairs.put_lasts, pairs.take_lasts), empties.slots))
    keys = np.concatenate((pairs.keys, empties.keys))
    stuck = np.full((len(pairing.verdicts), 2), NOBODY, np.int64)
    arrays = put_firsts, take_firsts, outs, take_lasts
    order = _peel(*arrays, keys, stuck, *(np.argsort(each, kind="stable") for each in arrays))
    for key in np.flatnonzero(stuck[:, 0] != NOBODY).tolist():
        if pairing.verdicts[key] == VALID:
            values = stuck[key].tolist()
            pairing.refute(key, [*calls_of_pairs(pairs, [i for i in values if i < len(pairs)]),
                                 *(int(empties.calls[i - len(pairs)]) for i in values if i >= len(pairs))])  # fmt: skip
    putting = np.maximum.accumulate(put_firsts[order])
    taking = np.maximum.accumulate(np.maximum(take_firsts[order], putting))
    takes = np.concatenate((pairs.takes, empties.calls))[order]
    put, take = np.flatnonzero(order < len(pairs)), np.flatnonzero(takes != NOBODY)
    moments = np.concatenate(
        (putting[put] * (2 * len(order)) + 2 * put, taking[take] * (2 * len(order)) + 2 * take + 1)
    )
    placed = np.concatenate((pairs.puts[order[put]], takes[take]))[np.argsort(moments, kind="stable")]
    return pairing.objects(placed, ALGORITHM)


@compiled
def _peel(
    put_firsts: Ints, take_firsts: Ints, outs: Ints, take_lasts: Ints, keys: Ints, stuck: Ints,
    by_put: Ints, by_take: Ints, by_out: Ints, by_taken: Ints,
) -> Ints:  # fmt: skip
    """An order of the values; of a key where there is none two that must precede each other are ``stuck``, and its
    values are left out from there on."""
    count = len(keys)
    ready_for = np.zeros(count, np.int8)
    gone = np.zeros(count, np.bool_)
    ready, waiting = np.empty(count, np.int64), 0
    order, placed, removed = np.empty(count, np.int64), 0, 0
    puttable = takable = out = taken = 0
    while removed < count:
        while gone[by_out[out]]:
            out += 1
        while gone[by_taken[taken]]:
            taken += 1
        first_out, first_taken = outs[by_out[out]], take_lasts[by_taken[taken]]
        while puttable < count and put_firsts[by_put[puttable]] <= first_out:
            value = by_put[puttable]
            puttable += 1
            ready_for[value] += 1
            if ready_for[value] == 2:
                ready[waiting] = value
                waiting += 1
        while takable < count and take_firsts[by_take[takable]] <= first_taken:
            value = by_take[takable]
            takable += 1
            ready_for[value] += 1
            if ready_for[value] == 2:
                ready[waiting] = value
                waiting += 1
        if waiting > 0:
            waiting -= 1
            value = ready[waiting]
            if not gone[value]:
                gone[value] = True
                removed += 1
                order[placed] = value
                placed += 1
            continue
        key = keys[by_out[out]]
        stuck[key, 0], stuck[key, 1] = by_out[out], by_taken[taken]
        for value in range(count):
            if keys[value] == key and not gone[value]:
                gone[value] = True
                removed += 1
    return order[:placed]
