"""Eight bytes of a text at once, compiled: to compare and to mix them costs as much as for a single one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np
from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from harness.compiled import inlined

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Text = NDArray[np.uint8]

WORD: Final = 8
_ZEROS, _LOW_BITS, _SIX_OVER = (byte * 0x0101_0101_0101_0101 for byte in (0x30, 0x7F, 0x76))
_HIGH_BITS: Final = -0x7F7F_7F7F_7F7F_7F80  # 0x80 in each byte, as a signed number


def _load(context: Any, text: Any, at: Any) -> Any:
    """How numba compiles a call of ``_word_at``: to one load, of a place that need not be a multiple of eight."""

    def load(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        array = context.make_array(signature.args[0])(context, builder, arguments[0])
        place = builder.gep(array.data, [arguments[1]])
        return builder.load(builder.bitcast(place, ir.IntType(64).as_pointer()), align=1)

    return types.int64(text, types.int64), load


_word_at: Any = intrinsic(_load)


@inlined
def word_at(text: Text, at: int) -> int:
    """The eight bytes from ``at`` on, the first of them lowest (on all machines that numba knows)."""
    word: int = _word_at(text, at)
    return word


def _count_zeros(context: Any, word: Any) -> Any:
    """How numba compiles a call of ``_zeros``: to one instruction."""

    def count(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.cttz(arguments[0], ir.Constant(ir.IntType(1), 0))

    return types.int64(types.int64), count


_zeros: Any = intrinsic(_count_zeros)


@inlined
def digits_in(word: int) -> int:
    """How many digits a word begins with, 0 to 8."""
    others = word ^ _ZEROS  # digits become 0 to 9
    found: int = _zeros((((others & _LOW_BITS) + _SIX_OVER) | others) & _HIGH_BITS) >> 3
    return found


@inlined
def last_bytes(word: int, count: int) -> int:
    """The first ``count`` bytes of a word, 1 to 8; zero above."""
    return word if count >= WORD else word & ((1 << (WORD * count)) - 1)


@inlined
def same_bytes(text: Text, first: int, second: int, length: int) -> bool:
    offset = 0
    while offset < length:
        difference = word_at(text, first + offset) ^ word_at(text, second + offset)
        if last_bytes(difference, length - offset):
            return False
        offset += WORD
    return True
