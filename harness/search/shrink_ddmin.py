"""Delta debugging on a list: take away ever smaller pieces for as long as what is left still fails.

After Zeller and Hildebrandt, "Simplifying and Isolating Failure-Inducing Input" (IEEE TSE 2002), in the greedy order
that pays best here: everything at once, then halves, quarters, ..., single items, from the end; a piece that can go is
gone, and what comes before it is tried next. Single items are tried again until none of them can go, so the result is
1-minimal.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

T = TypeVar("T")


def minimize(items: Sequence[T], fails: Callable[[tuple[T, ...]], bool]) -> tuple[T, ...]:
    """The items without which it would no longer fail, in their order. ``fails(items)`` itself is taken for granted."""
    left = tuple(items)
    size = len(left)
    while size:
        shorter = _sweep(left, size, fails)
        again = size == 1 and len(shorter) < len(left)
        left = shorter
        if not again:
            size = min(size // 2, len(left))
    return left


def _sweep(items: tuple[T, ...], size: int, fails: Callable[[tuple[T, ...]], bool]) -> tuple[T, ...]:
    """Every piece of ``size`` items tried once, the last one first."""
    end = len(items)
    while end > 0:
        start = max(0, end - size)
        shorter = items[:start] + items[end:]
        if fails(shorter):
            items = shorter
        end = start
    return items
