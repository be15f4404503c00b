"""Columns of whole numbers as bytes that compress well, and that a browser turns into a typed array in one loop.

A column may hold differences instead of its numbers; differences and other signed numbers are zigzag-coded (0, -1, 1,
-2 become 0, 1, 2, 3). The bytes stand plane by plane: the lowest byte of every number, then the next one. Of numbers
that are small most planes are missing, and of numbers that change slowly most planes are nearly constant.
"""

from __future__ import annotations

import sys
from array import array
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate, islice
from operator import sub
from typing import Any, Final

_BYTES: Final = 8


@dataclass(frozen=True, slots=True)
class Column:
    """``width`` planes of ``count`` bytes in ``data``; none at all if every number is 0."""

    name: str
    count: int
    width: int
    signed: bool
    delta: bool
    data: bytes

    def as_json(self) -> dict[str, Any]:
        """All but the bytes."""
        return {"name": self.name, "count": self.count, "width": self.width, "signed": self.signed,
                "delta": self.delta}  # fmt: skip


def encode(name: str, numbers: Sequence[int], *, delta: bool = False) -> Column:
    """``delta``: for numbers that mostly grow. Raises OverflowError past 63 bits."""
    coded = [*islice(numbers, 1), *map(sub, islice(numbers, 1, None), numbers)] if delta else numbers
    signed = bool(coded) and min(coded) < 0
    if signed:
        coded = [number << 1 if number >= 0 else ~(number << 1) for number in coded]
    width = (max(coded).bit_length() + 7) // 8 if coded else 0
    return Column(name, len(coded), width, signed, delta, _planes(array("Q", coded), width))


def _planes(numbers: array[int], width: int) -> bytes:
    if sys.byteorder == "big":
        numbers.byteswap()
    data = numbers.tobytes()
    return b"".join(data[plane::_BYTES] for plane in range(width))


def decode(column: Column) -> list[int]:
    """The numbers again; what the browser does."""
    numbers = [0] * column.count
    for plane in range(column.width):
        part = column.data[plane * column.count : (plane + 1) * column.count]
        numbers = [number | byte << 8 * plane for number, byte in zip(numbers, part, strict=True)]
    if column.signed:
        numbers = [~(number >> 1) if number & 1 else number >> 1 for number in numbers]
    return list(accumulate(numbers)) if column.delta else numbers
