"""Which write each read of a register saw, compiled, where every value tells: as ``register.sources`` has it.

A history in which that is not so, or in which something is wrong with a read, is left to that module: a value written
twice to one register, null written, a read of what nobody wrote, of what failed, of what its writer wrote over, or of
something else than its reader's own last write.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from checkers.transactional.columnar.placing import slot_of
from harness.columns import NULL, READ, READ_NULL, WRITE
from harness.compiled import allocation_free, compiled
from harness.history import FAIL, OK

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Bytes = NDArray[np.uint8]
    Ints = NDArray[np.int64]
    Shorts = NDArray[np.int32]

INITIAL, OWN, NO_READ = -1, -2, -3
"""A read's source, where it is no transaction."""
NOTHING: Final = -1


@allocation_free
def enter(
    order: Shorts, begin: int, end: int, owners: Shorts, acts: Bytes, numbers: Ints, last: Bytes, table: Shorts,
    mask: int,
) -> bool:  # fmt: skip
    """Put all writes of a key into the table, and say which ones their transactions did not write over; False if a
    value tells not who wrote it."""
    previous = NOTHING
    for place in range(begin, end):
        micro = order[place]
        if acts[micro] != WRITE:
            continue
        slot = slot_of(numbers[micro], table, mask, numbers)
        if slot < 0 or table[slot] or numbers[micro] == NULL:
            return False
        table[slot] = micro + 1
        last[micro] = 1
        if previous >= 0 and owners[previous] == owners[micro]:
            last[previous] = 0
        previous = micro
    return True


@allocation_free
def trace(
    order: Shorts, begin: int, end: int, owners: Shorts, acts: Bytes, numbers: Ints, outcomes: Bytes, last: Bytes,
    table: Shorts, mask: int, sources: Shorts,
) -> bool:  # fmt: skip
    """Give the reads of a key their sources; False where something is wrong with one."""
    owner, own = NOTHING, NOTHING
    for place in range(begin, end):
        micro = order[place]
        if owners[micro] != owner:
            owner, own = owners[micro], NOTHING
        if acts[micro] == WRITE:
            own = micro
        if (acts[micro] != READ and acts[micro] != READ_NULL) or outcomes[owner] != OK:
            continue
        if own >= 0:
            if numbers[micro] != numbers[own]:
                return False
            sources[micro] = OWN
            continue
        if numbers[micro] == NULL:
            sources[micro] = INITIAL
            continue
        slot = slot_of(numbers[micro], table, mask, numbers)
        writer = table[slot] - 1 if slot >= 0 else NOTHING
        if writer < 0 or owners[writer] == owner or outcomes[owners[writer]] == FAIL or not last[writer]:
            return False
        sources[micro] = owners[writer]
    return True


@compiled
def sources_of(key_firsts: Ints, order: Shorts, owners: Shorts, acts: Bytes, numbers: Ints, outcomes: Bytes) -> Shorts:
    """Of each micro-operation the transaction whose write it read, or INITIAL, OWN, NO_READ. Empty where something is
    wrong."""
    most = 0
    for key in range(len(key_firsts) - 1):
        most = max(most, key_firsts[key + 1] - key_firsts[key])
    size = 8
    while size < 2 * most:
        size *= 2
    table, last = np.zeros(size, np.int32), np.zeros(len(order), np.uint8)
    sources = np.full(len(order), NO_READ, np.int32)
    for key in range(len(key_firsts) - 1):
        begin, end = key_firsts[key], key_firsts[key + 1]
        mask = 7
        while mask + 1 < 2 * (end - begin):
            mask = 2 * mask + 1
        table[: mask + 1] = 0
        if not enter(order, begin, end, owners, acts, numbers, last, table, mask) or not trace(
            order, begin, end, owners, acts, numbers, outcomes, last, table, mask, sources
        ):
            return sources[:0]
    return sources
