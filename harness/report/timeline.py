"""A few operations on a timeline, one lane per process: the picture of an anomaly.

Operations that matter together may lie half a minute apart and take a millisecond each. So the axis is broken where
nothing happens: stretches with operations are drawn to scale, the gaps between them are narrow and say how long they
really are.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import ceil, floor, log10
from typing import Any, Final

from harness.report.band import Axis, Band, draw
from harness.report.element import Child, Markup, element, number
from harness.report.statistic import nice_step
from harness.report.text import count, cut, duration, seconds, width

WIDTH: Final = 960
LEFT: Final = 104
RIGHT: Final = 944
TOP: Final = 26
ROW: Final = 26
BAR: Final = 18
GAP_PIXELS: Final = 84.0
GAP_SHARE_MIN: Final = 0.3
"""A stretch without operations is left out if it is this part of the whole; so there are at most three gaps."""
STRETCH_PIXELS_MIN: Final = 110.0
LETTER: Final = 6.7
CUT_PIXELS_MIN: Final = 150.0
"""A bar as long as this has its words inside, cut if need be; the table has them whole."""


@dataclass(frozen=True, slots=True)
class Bar:
    """An operation to draw: its process, its words, its time in seconds (``stop_s`` None: nobody knows), its outcome,
    what is said when it is pointed at."""

    lane: str
    words: str
    start_s: float
    stop_s: float | None
    outcome: str
    title: str

    @property
    def seen_s(self) -> float:
        """The last moment that is known of it."""
        return self.start_s if self.stop_s is None else self.stop_s


@dataclass(frozen=True, slots=True)
class Stretch:
    """A part of the axis that is to scale."""

    start_s: float
    stop_s: float
    left: float
    right: float


def stretches(bars: Sequence[Bar]) -> list[Stretch]:
    """The parts of the axis, in order, such that every operation's known time lies in one."""
    spans = _merge(sorted((bar.start_s, bar.seen_s) for bar in bars), 0.0)
    whole = spans[-1][1] - spans[0][0]
    merged = _merge(spans, GAP_SHARE_MIN * whole)
    padded = [_pad(start, stop) for start, stop in merged]
    lengths = [stop - start for start, stop in padded]
    free = RIGHT - LEFT - GAP_PIXELS * (len(padded) - 1) - STRETCH_PIXELS_MIN * len(padded)
    result, left = [], float(LEFT)
    for (start, stop), length in zip(padded, lengths, strict=True):
        right = left + STRETCH_PIXELS_MIN + free * length / sum(lengths)
        result.append(Stretch(start, stop, left, right))
        left = right + GAP_PIXELS
    return result


def _merge(spans: Sequence[tuple[float, float]], gap_s: float) -> list[tuple[float, float]]:
    """Spans in order, joined where no more than ``gap_s`` lies between them."""
    merged: list[tuple[float, float]] = []
    for start, stop in spans:
        if merged and start - merged[-1][1] <= gap_s:
            merged[-1] = (merged[-1][0], max(merged[-1][1], stop))
        else:
            merged.append((start, stop))
    return merged


def _pad(start: float, stop: float) -> tuple[float, float]:
    pad = max((stop - start) * 0.06, 0.0005)
    return start - pad, stop + pad


def scale(parts: Sequence[Stretch], at_s: float) -> float:
    """Pixels of a time: to scale within stretches, linear within the gaps, and beyond the ends at the ends."""
    if at_s <= parts[0].start_s:
        return parts[0].left
    before = parts[0]
    for part in parts:
        if at_s < part.start_s:
            return before.right + (part.left - before.right) * (at_s - before.stop_s) / (part.start_s - before.stop_s)
        if at_s <= part.stop_s:
            return part.left + (part.right - part.left) * (at_s - part.start_s) / (part.stop_s - part.start_s)
        before = part
    return parts[-1].right


@dataclass(frozen=True, slots=True)
class _Place:
    bar: Bar
    left: float
    right: float
    label: str  # "inside", "right" or "left" of the bar

    @property
    def extent(self) -> tuple[float, float]:
        text = width(self.bar.words) * LETTER + 12
        if self.label == "left":
            return self.left - text, self.right
        return self.left, max(self.right, self.right + text if self.label == "right" else self.right)


def _place(bar: Bar, parts: Sequence[Stretch]) -> _Place:
    left = scale(parts, bar.start_s)
    right = RIGHT if bar.stop_s is None else max(scale(parts, bar.stop_s), left + 5)
    text = width(bar.words) * LETTER + 12
    if text <= right - left or right - left >= CUT_PIXELS_MIN:
        label = "inside"
    else:
        label = "right" if right + text <= RIGHT + 10 or left - text < LEFT else "left"
    return _Place(bar, left, right, label)


def _rows(places: Sequence[_Place]) -> list[int]:
    """A row for each place within its lane, such that nothing overlaps; for places in order of time."""
    ends: list[float] = []
    rows = []
    for place in places:
        start, stop = place.extent
        row = next((i for i, end in enumerate(ends) if end <= start), len(ends))
        ends[row : row + 1] = [stop + 4]
        rows.append(row)
    return rows


def timeline(bars: Sequence[Bar], behind: Sequence[Band], name: str) -> Markup:
    """The picture. ``bars`` must not be empty."""
    parts = stretches(bars)
    lanes: dict[str, list[_Place]] = {}
    for bar in sorted(bars, key=lambda bar: bar.start_s):
        lanes.setdefault(bar.lane, []).append(_place(bar, parts))
    drawn: list[Child] = []
    y = float(TOP)
    for lane, places in lanes.items():
        rows = _rows(places)
        height = (max(rows) + 1) * ROW + 6
        drawn.append(element("path", d=f"M{LEFT} {number(y + height)}H{RIGHT}", class_="grid"))
        drawn.append(element("text", lane, x=LEFT - 10, y=y + height / 2 + 4, class_="tick end"))
        drawn += [_bar(place, y + 3 + row * ROW) for place, row in zip(places, rows, strict=True)]
        y += height
    return element(
        "svg",
        element("title", name),
        [_behind(part, parts, behind, y) for part in parts],
        _axis(parts, behind, y),
        drawn,
        viewBox=f"0 0 {WIDTH} {number(y + 40)}",
        role="img",
        class_="plot timeline",
    )


def _bar(place: _Place, y: float) -> Markup:
    bar, middle = place.bar, y + BAR / 2
    known_right = place.right if bar.stop_s is not None else min(place.left + 16, place.right)
    shapes: list[Child] = [
        element("rect", x=place.left, y=y, width=known_right - place.left, height=BAR, rx=3, class_=f"op {bar.outcome}")
    ]
    if bar.stop_s is None:
        path = f"M{number(known_right)} {number(y + BAR - 1)}H{number(place.right)}"
        shapes.append(element("path", d=path, class_=f"open-end {bar.outcome}"))
    positions: dict[str, dict[str, Any]] = {
        "inside": {"x": place.left + 6 if bar.stop_s is not None else known_right + 5, "class_": "op-label"},
        "right": {"x": place.right + 5, "class_": "op-label outside"},
        "left": {"x": place.left - 5, "class_": "op-label outside end"},
    }
    attributes = positions[place.label]
    if place.label == "inside" and bar.stop_s is None:
        attributes["class_"] = "op-label outside"
    words = bar.words
    if place.label == "inside":
        words = cut(words, (place.right - attributes["x"] - 6) / LETTER)
    return element("g", element("title", bar.title), shapes, element("text", words, y=middle + 4, **attributes))


def _behind(part: Stretch, parts: Sequence[Stretch], behind: Sequence[Band], y: float) -> list[Markup]:
    """The faults in force in one stretch."""
    inside = [band for band in behind if band.stop_s > part.start_s and band.start_s < part.stop_s]
    return draw(inside, Axis(lambda at_s: scale(parts, at_s), part.left, part.right), TOP - 18, y - TOP + 18)


def _axis(parts: Sequence[Stretch], behind: Sequence[Band], y: float) -> list[Markup]:
    drawn = [shape for part in parts for shape in _ticks(part, y)]
    for before, after in pairwise(parts):
        within = [band for band in behind if band.start_s < after.start_s and band.stop_s > before.stop_s]
        drawn.append(_gap(before, after, within, y))
    label = "seconds since operations began"
    return [*drawn, element("text", label, x=(LEFT + RIGHT) / 2, y=y + 36, class_="axis-label middle")]


def _gap(before: Stretch, after: Stretch, within: Sequence[Band], y: float) -> Markup:
    """The break between two stretches: how long it is, and how many faults lie in it."""
    left, right = before.right + 6, after.left - 6
    lines = [f"{duration(after.start_s - before.stop_s)} later"]
    if within:
        lines.append(f"{count(len(within))} fault{'s' if len(within) > 1 else ''}")
    title = "; ".join([lines[0], *(band.title for band in within[:10])])
    middle = (left + right) / 2
    return element(
        "g",
        element("title", title),
        element("rect", x=left, y=TOP - 18, width=right - left, height=y - TOP + 18, class_="hit"),
        element(
            "path", d=f"M{number(left)} {TOP - 18}V{number(y)}M{number(right)} {TOP - 18}V{number(y)}", class_="break"
        ),
        [
            element("text", line, x=middle, y=TOP - 6 + 15 * i, class_="tick middle break-label")
            for i, line in enumerate(lines)
        ],
    )


def _ticks(part: Stretch, y: float) -> list[Markup]:
    """Ticks at round times, with as many digits as it takes to tell them apart."""
    drawn = [element("path", d=f"M{number(part.left)} {number(y)}H{number(part.right)}", class_="axis")]
    span = part.stop_s - part.start_s
    step = nice_step(span, max(1, floor((part.right - part.left) / 90)))
    digits = max(0, -floor(log10(step) + 1e-9)) + (1 if f"{step:e}".startswith("2.5") else 0)
    first = ceil(part.start_s / step - 1e-9)
    for i in range(first, floor(part.stop_s / step + 1e-9) + 1):
        x = scale([part], i * step)
        drawn.append(element("path", d=f"M{number(x)} {number(y)}v4", class_="axis"))
        text = seconds(i * step, digits).removesuffix(" s")
        drawn.append(element("text", text, x=x, y=y + 17, class_="tick middle"))
    return drawn
