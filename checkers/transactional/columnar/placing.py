"""Where every append stands in its list, and how much each read saw of it, compiled: one key after the other.

What :mod:`checkers.transactional.version_order` says of a key about which there is nothing wrong: its longest read is
of appends that did not fail, none of them twice, each transaction's in order and none left out between; no read ends
between two appends of another transaction, and each sees all that its reader had appended before, and no more of it.
Any other key is *odd*, and left to that module.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

from harness.columns import APPEND
from harness.compiled import allocation_free, compiled, inlined
from harness.history import FAIL, OK

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Bytes = NDArray[np.uint8]
    Ints = NDArray[np.int64]
    Shorts = NDArray[np.int32]

DONE, DUPLICATE, CROWDED = range(3)
NOTHING: Final = -1
_PROBES_MAX: Final = 128  # elements that were made to collide must not cost more than plain Python's time
_FACTOR: Final = 0x1E35_A7BD_1E35_A7BD


class Did(NamedTuple):
    """What transactions did. Per micro-operation: its transaction, its act, the number of its element, and of a read
    the length; ``outcomes``: OK, FAIL or INFO, of each transaction."""

    owners: Shorts
    acts: Bytes
    numbers: Ints
    lengths: Shorts
    outcomes: Bytes


class Placed(NamedTuple):
    """``places``: of an append its position in its list, of a read how many elements it saw beside its reader's own;
    NOTHING for what does not count. ``last``: an append is its transaction's last one to the key. ``before``: the
    append before it of the same transaction to the key. All per micro-operation."""

    places: Shorts
    last: Bytes
    before: Shorts


@compiled
def grouped(keys: Shorts, count: int) -> tuple[Ints, Shorts]:
    """The places of each key, in order: those of key k are ``order[firsts[k] : firsts[k + 1]]``."""
    firsts = np.zeros(count + 1, np.int64)
    for place in range(len(keys)):
        firsts[keys[place] + 1] += 1
    for key in range(count):
        firsts[key + 1] += firsts[key]
    following = firsts[:-1].copy()
    order = np.empty(len(keys), np.int32)
    for place in range(len(keys)):
        order[following[keys[place]]] = place
        following[keys[place]] += 1
    return firsts, order


@compiled
def owners_of(firsts: Ints) -> Shorts:
    """Of each micro-operation its transaction."""
    owners = np.empty(firsts[-1], np.int32)
    for number in range(len(firsts) - 1):
        owners[firsts[number] : firsts[number + 1]] = number
    return owners


@compiled
def read_keys(keys: Shorts, did: Did, count: int) -> Shorts:
    """The keys in the order of their first reads; only those that have one."""
    seen = np.zeros(count, np.uint8)
    ranked = np.empty(count, np.int32)
    found = 0
    for micro in range(len(keys)):
        key = keys[micro]
        if not seen[key] and did.acts[micro] != APPEND and did.outcomes[did.owners[micro]] == OK:
            seen[key] = 1
            ranked[found] = key
            found += 1
    return ranked[:found]


@inlined
def slot_of(number: int, table: Shorts, mask: int, numbers: Ints) -> int:
    """Where in the table the append of that element is, or its place is empty; -1 after too many that are not it."""
    mixed = number * _FACTOR
    mixed ^= mixed >> 29
    for probe in range(_PROBES_MAX):
        slot = (mixed + probe) & mask
        if table[slot] == 0 or numbers[table[slot] - 1] == number:
            return slot
    return -1


@allocation_free
def enter(order: Shorts, begin: int, end: int, did: Did, placed: Placed, table: Shorts, mask: int) -> int:
    """Put all appends of a key into the table, as numbers from 1 on: DONE, DUPLICATE or CROWDED."""
    previous = NOTHING
    for place in range(begin, end):
        micro = order[place]
        if did.acts[micro] != APPEND:
            continue
        slot = slot_of(did.numbers[micro], table, mask, did.numbers)
        if slot < 0:
            return CROWDED
        if table[slot]:
            return DUPLICATE
        table[slot] = micro + 1
        placed.places[micro], placed.last[micro], placed.before[micro] = NOTHING, 1, NOTHING
        if previous >= 0 and did.owners[previous] == did.owners[micro]:
            placed.last[previous], placed.before[micro] = 0, previous
        previous = micro
    return DONE


@allocation_free
def follow(
    shown: Ints, begin: int, end: int, did: Did, placed: Placed, table: Shorts, mask: int, writers: Shorts
) -> bool:
    """Give the appends their positions, as the key's longest read shows them, and the positions their writers; False
    where something is wrong with it."""
    for place in range(begin, end):
        slot = slot_of(shown[place], table, mask, did.numbers)
        micro = table[slot] - 1 if slot >= 0 else -1
        if micro < 0 or did.outcomes[did.owners[micro]] == FAIL or placed.places[micro] >= 0:
            return False
        if placed.before[micro] >= 0 and placed.places[placed.before[micro]] < 0:
            return False
        placed.places[micro] = place - begin
        writers[place] = did.owners[micro]
    return True


@allocation_free
def ends_well(
    seen: int, reader: int, shown: Ints, begin: int, did: Did, placed: Placed, table: Shorts, mask: int
) -> bool:
    """Whether a read ends with a transaction's last append, or one of its reader's."""
    if seen == 0:
        return True
    micro = table[slot_of(shown[begin + seen - 1], table, mask, did.numbers)] - 1
    return bool(placed.last[micro] or did.owners[micro] == reader)


@allocation_free
def look(
    order: Shorts, begin: int, end: int, shown: Ints, shown_begin: int, did: Did, placed: Placed, table: Shorts,
    mask: int,
) -> bool:  # fmt: skip
    """Give the reads of a key their places; False where something is wrong with one."""
    owner, own, base, together, longest = NOTHING, 0, 0, True, 0
    for place in range(begin, end):
        micro = order[place]
        if did.owners[micro] != owner:
            owner, own, together, longest = did.owners[micro], 0, True, 0
        if did.acts[micro] == APPEND:
            position = placed.places[micro]
            if 0 <= position < longest:
                return False  # an earlier read of the transaction saw it
            base = position if own == 0 else base
            together = together and position >= 0 and position == base + own
            own += 1
        elif did.outcomes[owner] == OK:
            length = did.lengths[micro]
            seen = length - own
            if own and not (together and base == seen):
                return False
            if not ends_well(seen, owner, shown, shown_begin, did, placed, table, mask):
                return False
            placed.places[micro] = seen
            longest = max(longest, length)
        else:
            placed.places[micro] = NOTHING
    return True


@compiled
def place_all(
    key_firsts: Ints, order: Shorts, shown_firsts: Ints, shown: Ints, did: Did, placed: Placed, writers: Shorts,
    odd: Bytes,
) -> int:  # fmt: skip
    """Fill ``placed`` and ``writers`` (of all ``shown``), key by key; ``odd`` has the mixed keys, and gets all others
    that are odd. DONE, or DUPLICATE where an element was appended twice, or CROWDED."""
    most = 0
    for key in range(len(odd)):
        most = max(most, key_firsts[key + 1] - key_firsts[key])
    size = 8
    while size < 2 * most:
        size *= 2
    whole = np.zeros(size, np.int32)
    for key in range(len(odd)):
        begin, end = key_firsts[key], key_firsts[key + 1]
        mask = 7
        while mask + 1 < 2 * (end - begin):
            mask = 2 * mask + 1
        whole[: mask + 1] = 0
        how = enter(order, begin, end, did, placed, whole, mask)
        if how != DONE:
            return how
        first, last = shown_firsts[key], shown_firsts[key + 1]
        if not odd[key] and not (
            follow(shown, first, last, did, placed, whole, mask, writers)
            and look(order, begin, end, shown, first, did, placed, whole, mask)
        ):
            odd[key] = 1
    return DONE


@compiled
def tails_of(
    key_firsts: Ints, order: Shorts, owners: Shorts, acts: Bytes, placed: Placed, committed: Bytes
) -> tuple[Ints, Shorts]:
    """Of each key the committed transactions whose last append to it nobody read: from ``firsts[k]`` on."""
    firsts = np.zeros(len(key_firsts), np.int64)
    tails = np.empty(len(order), np.int32)
    count = 0
    for key in range(len(key_firsts) - 1):
        for place in range(key_firsts[key], key_firsts[key + 1]):
            micro = order[place]
            if acts[micro] == APPEND and placed.last[micro] and placed.places[micro] < 0 and committed[owners[micro]]:
                tails[count] = owners[micro]
                count += 1
        firsts[key + 1] = count
    return firsts, tails[:count].copy()
