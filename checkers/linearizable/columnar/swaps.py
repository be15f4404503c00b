"""The arguments [old, new] of compare-and-sets, as kinds and numbers: most of them read straight from the file's bytes.

Two integers or nulls are; whatever else a pair may hold is decoded, and coded as any value is.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from checkers.guard import OutOfTimeError
from checkers.linearizable.limit import Limit
from checkers.value import Codes
from harness.columns import NIL, NUMBER, OTHER, Columns
from harness.compiled import allocation_free

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Ints = NDArray[np.int64]
    Bytes = NDArray[np.uint8]
    Flags = NDArray[np.bool_]

_CLOCK_EVERY: Final = 4096
_DIGITS_MAX: Final = 18
_SPACE, _MINUS, _COMMA, _ZERO, _OPENING, _CLOSING, _N = (ord(each) for each in " -,0[]n")


@dataclass(frozen=True, slots=True, eq=False)
class Swaps:
    """Of each compare-and-set its two values; ``strange`` where there are not two."""

    old_kinds: Bytes
    old_numbers: Ints
    kinds: Bytes
    numbers: Ints
    strange: Flags


def swaps_of(columns: Columns, lines: Ints, codes: Codes, limit: Limit) -> Swaps:
    """What stands in these lines. Raises :class:`checkers.guard.OutOfTimeError`."""
    kinds, numbers = np.full((2, len(lines)), OTHER, np.uint8), np.zeros((2, len(lines)), np.int64)
    strange = columns.kinds[lines] != OTHER
    plain = np.zeros(len(lines), np.bool_)
    if columns.spans is not None:
        spans = columns.spans
        _plain(spans.text, spans.starts[lines], spans.lengths[lines], kinds, numbers, plain)
    for done, at in enumerate(np.flatnonzero(~plain & ~strange).tolist()):
        if done % _CLOCK_EVERY == 0 and limit.expired():
            raise OutOfTimeError
        value = columns.value(int(lines[at]))
        if isinstance(value, list | tuple) and len(value) == 2:
            for side, part in enumerate(value):
                kinds[side, at], numbers[side, at] = coded(part, codes)
        else:
            strange[at] = True
    return Swaps(kinds[0], numbers[0], kinds[1], numbers[1], strange)


def coded(value: Any, codes: Codes) -> tuple[int, int]:
    """The kind and the number of a value."""
    if value is None:
        return NIL, 0
    if type(value) is int and -(2**63) <= value < 2**63:
        return NUMBER, value
    return OTHER, codes.code(value)


@allocation_free
def _plain(
    text: Bytes, starts: Ints, lengths: NDArray[np.int32], kinds: NDArray[np.uint8], numbers: Ints, plain: Flags
) -> None:
    """Those that are two integers of few digits, or nulls. The text is JSON, whatever it says."""
    for i in range(len(starts)):
        if lengths[i] == 0 or text[starts[i]] != _OPENING:
            continue
        at, right = starts[i] + 1, True
        for side in range(2):
            at = _blank(text, at)
            kind, negative, number, digits = NUMBER, False, np.int64(0), 0
            if text[at] == _N:
                kind, at = NIL, at + 4
            else:
                if text[at] == _MINUS:
                    negative, at = True, at + 1
                while _ZERO <= text[at] <= _ZERO + 9 and digits <= _DIGITS_MAX:
                    number, digits, at = number * 10 + np.int64(text[at]) - _ZERO, digits + 1, at + 1
                right &= 0 < digits <= _DIGITS_MAX
            at = _blank(text, at)
            right &= text[at] == (_COMMA if side == 0 else _CLOSING)
            if not right:
                break
            kinds[side, i], numbers[side, i] = kind, -number if negative else number
            at += 1
        plain[i] = right


@allocation_free
def _blank(text: Bytes, at: int) -> int:
    """Where the next token begins: only blanks, tabs and carriage returns stand between two."""
    while text[at] == _SPACE or text[at] == 9 or text[at] == 13:
        at += 1
    return at
