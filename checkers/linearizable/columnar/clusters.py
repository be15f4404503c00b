"""Operations of one value on one key are a *cluster*: each gets its cluster's number."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from harness.compiled import compiled

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Ints = NDArray[np.int64]

_KINDS: Final = 3
_PROBES_PER_CALL: Final = 16  # values chosen to collide must not cost more than sorting does


def clusters(keys: Ints, kinds: NDArray[np.uint8], numbers: Ints) -> tuple[Ints, int]:
    """Of each operation the number of its cluster (by first appearance, or any), and how many there are."""
    groups = keys * _KINDS + kinds
    slots = np.full(1 << (2 * len(keys)).bit_length(), -1, np.int64)
    found = np.empty(len(keys), np.int64)
    count = _hashed(groups, numbers, slots, found, _PROBES_PER_CALL * len(keys))
    return (found, count) if count >= 0 else _sorted(groups, numbers)


@compiled
def _hashed(groups: Ints, numbers: Ints, slots: Ints, found: Ints, probes_max: int) -> int:
    """Numbers beside each other, as they are usual, stand beside each other: no mixing, which would scatter them."""
    mask = len(slots) - 1
    firsts = np.empty(len(groups), np.int64)
    count = probes = 0
    for i in range(len(groups)):
        slot = (numbers[i] + groups[i] * 0x1E3779B97F4A7C15) & mask
        while slots[slot] >= 0:
            first = firsts[slots[slot]]
            if numbers[first] == numbers[i] and groups[first] == groups[i]:
                break
            slot = (slot + 1) & mask
            probes += 1
        if probes > probes_max:
            return -1
        if slots[slot] < 0:
            slots[slot] = count
            firsts[count] = i
            count += 1
        found[i] = slots[slot]
    return count


def _sorted(groups: Ints, numbers: Ints) -> tuple[Ints, int]:
    order = np.lexsort((numbers, groups))
    new = np.ones(len(order), np.int64)
    new[1:] = (np.diff(numbers[order]) != 0) | (np.diff(groups[order]) != 0)
    found = np.empty(len(order), np.int64)
    found[order] = np.cumsum(new) - 1
    return found, int(new.sum())
