"""Where the moments of a linearization can be drawn: between two lines of the history, in their order.

The operations of one object are placed one after the other. Each takes effect as early as it can: right after the
latest invocation among itself and those placed before it, which, in a linearization, is before it completes. Several at
the same place share the space up to the next line.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import accumulate, groupby
from typing import Final

FRACTION: Final = 65_535


@dataclass(frozen=True, slots=True)
class Point:
    """One operation's moment: the ``rank``-th (from 1) of ``object_number``, after the line at position ``anchor`` by
    ``fraction`` / FRACTION of the way to the next line."""

    rank: int
    object_number: int
    anchor: int
    fraction: int


def points(orders: Iterable[Sequence[int]]) -> dict[int, Point]:
    """The moments by position of the invocation. ``orders``: for each object the positions of its invocations."""
    found: dict[int, Point] = {}
    for number, order in enumerate(orders):
        rank = 0
        for anchor, group in groupby(zip(accumulate(order, max), order, strict=True), key=lambda pair: pair[0]):
            together = [invoke for _, invoke in group]
            for place, invoke in enumerate(together, 1):
                rank += 1
                found[invoke] = Point(rank, number, anchor, FRACTION * place // (len(together) + 1))
    return found
