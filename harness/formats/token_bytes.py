"""Distinct pieces of a text, compiled: each gets a code (0, 1, ...), in the order in which they are first seen.

What is known is two arrays: ``slots`` (int32), a hash table of codes, -1 where it is empty, its size a power of two;
and ``spans`` (int64, two columns): where each code's piece was first seen, from its start to its end. The start in the
last row is not of a piece: it counts them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from harness.compiled import allocation_free, inlined
from harness.formats.word_bytes import WORD, last_bytes, same_bytes, word_at

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Bytes = NDArray[np.uint8]
    Ints = NDArray[np.int64]
    Slots = NDArray[np.int32]

FULL: Final = -2
_PROBES_MAX: Final = 64  # names that were made to collide must not cost more than a plain reader's time
_FACTOR: Final = 0x1E35_A7BD_1E35_A7BD  # odd, with bits everywhere


def tokens(space: int) -> tuple[Slots, Ints]:
    """Space for so many pieces, a power of two."""
    return np.full(4 * space, -1, np.int32), np.zeros((space + 1, 2), np.int64)


@inlined
def mixed_bytes(text: Bytes, start: int, end: int) -> int:
    """A hash. A product's bits depend on the lower bits only, so twice the upper half is mixed into the lower one: the
    last byte of a word is where numbers differ most."""
    mixed = end - start
    for offset in range(start, end, WORD):
        mixed = (mixed ^ last_bytes(word_at(text, offset), end - offset)) * _FACTOR
        mixed ^= mixed >> 32
    mixed *= _FACTOR
    return mixed ^ (mixed >> 32)


@inlined
def interned(text: Bytes, start: int, end: int, slots: Slots, spans: Ints) -> int:
    """The code of what stands from ``start`` to ``end``, the same for the same bytes.

    FULL if there is no space for another one; -1 if too many of them fall together.
    """
    mixed = mixed_bytes(text, start, end)
    for probe in range(_PROBES_MAX):
        slot = (mixed + probe) & (len(slots) - 1)
        code = int(slots[slot])
        if code < 0:
            code = int(spans[-1, 0])
            if code == len(spans) - 1:
                return FULL
            slots[slot] = code
            spans[code, 0], spans[code, 1] = start, end
            spans[-1, 0] = code + 1
            return code
        if spans[code, 1] - spans[code, 0] == end - start and same_bytes(text, spans[code, 0], start, end - start):
            return code
    return -1


@allocation_free
def moved(text: Bytes, spans: Ints, larger_slots: Slots, larger_spans: Ints) -> bool:
    """Give all that is known the same codes in larger space, which is empty; False if too many fall together."""
    for code in range(spans[-1, 0]):
        if interned(text, spans[code, 0], spans[code, 1], larger_slots, larger_spans) != code:
            return False
    return True
