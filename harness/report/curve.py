"""A measured curve as bars: one per point of a sweep, with its median above it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from harness.report.element import Markup, element, number

WIDTH: Final = 960
LEFT: Final = 64
HEIGHT: Final = 150
TOP: Final = 26
POINTS_MAX: Final = 24


def curve(name: str, points: Sequence[tuple[str, float]]) -> Markup:
    """``points`` are (label, median), in the order of the sweep; negative medians are drawn as 0."""
    shown = list(points)[:POINTS_MAX]
    top = max((value for _, value in shown), default=0.0) or 1.0
    step = (WIDTH - LEFT - 16) / max(1, len(shown))
    bars = [_bar(i, step, label, value, top) for i, (label, value) in enumerate(shown)]
    bottom = TOP + HEIGHT
    return element(
        "svg",
        element("title", name),
        element("text", name, x=LEFT, y=14, class_="axis-label"),
        element("path", d=f"M{LEFT} {number(bottom)}H{WIDTH - 16}", class_="axis"),
        bars,
        viewBox=f"0 0 {WIDTH} {number(bottom + 26)}",
        role="img",
        class_="plot",
    )


def _bar(place: int, step: float, label: str, value: float, top: float) -> list[Markup]:
    width = min(step * 0.6, 90.0)
    middle, height = LEFT + step * (place + 0.5), HEIGHT * max(value, 0.0) / top * 0.88
    bottom = float(TOP + HEIGHT)
    return [
        element("rect", x=middle - width / 2, y=bottom - height, width=width, height=max(height, 1.0), class_="op ok"),
        element("text", f"{value:.4g}", x=middle, y=bottom - height - 5, class_="tick middle"),
        element("text", label[:40], x=middle, y=bottom + 17, class_="tick middle"),
    ]
