"""Rounder and smaller figures: what a person can keep in mind says more than what a generator drew."""

from __future__ import annotations

from collections.abc import Iterator
from math import floor, log10
from typing import Final

PROBABILITY: Final = "probability"
FACTOR: Final = "factor"
GRIDS_NS: Final = (1_000_000_000, 100_000_000, 10_000_000, 1_000_000)


def simpler_figures(name: str, figure: float) -> Iterator[float]:
    """Simpler ones than ``figure``, the simplest first: a certain event rather than a probable one, a factor of 2, 5 or
    10, otherwise one digit and smaller. Finite: each is strictly simpler than the figure it stands for."""
    if name == PROBABILITY:
        candidates: tuple[float, ...] = (1.0, 0.5)
        candidates = candidates[: candidates.index(figure)] if figure in candidates else candidates
    elif name == FACTOR:
        candidates = tuple(c for c in (2.0, 0.5, 5.0, 10.0, 1.1, 0.9) if _digits(c) < _digits(figure))
    else:
        candidates = tuple(_rounder(figure))
    yield from candidates


def _rounder(figure: float) -> Iterator[float]:
    """A hundredth, a tenth, a half of it in one digit; then itself in one digit."""
    for share in (0.01, 0.1, 0.5, 1.0):
        rounded = one_digit(figure * share)
        if rounded and (abs(rounded) < abs(figure) or _digits(rounded) < _digits(figure)):
            yield rounded if isinstance(figure, float) else int(rounded)


def one_digit(figure: float) -> float:
    """Rounded to one digit; 0 for what is less than 1."""
    if abs(figure) < 1:
        return 0.0
    return float(round(figure, -floor(log10(abs(figure)))))


def _digits(figure: float) -> int:
    return len(f"{abs(figure):.12g}".replace(".", "").strip("0"))


def on_grid(time_ns: int, grid_ns: int) -> int:
    """The nearest moment on the grid."""
    return (time_ns + grid_ns // 2) // grid_ns * grid_ns
