"""Where things stand in a space-time diagram: time to height, and labels to places where nothing else is.

Time runs down. Equal distances are not equal times: a step down grows with the logarithm of the time that passes, and
is never too small for what must be read there. What the drawing keeps is the order, and which things happen at once.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import atan2, cos, hypot, log2, sin
from typing import Final

from harness.report.space_time_trace import Moment

STEP_MIN: Final = 5.0
STEP_LOG: Final = 4.0
STEP_MAX: Final = 46.0
SILENCE_US: Final = 100_000
"""A silence of this length is marked on the axis."""

Point2 = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Mark:
    """Something that stands on a lane at a moment: at least ``room`` pixels below the mark before it on that lane that
    asked for room, too, and ``below`` pixels below what stands at another moment."""

    at: Moment
    lane: str
    room: float = 0.0
    after: Moment | None = None
    below: float = 0.0


class Heights:
    """The height of every mark, and of every time between."""

    def __init__(self, marks: Iterable[Mark], top: float) -> None:
        self._of: dict[Moment, float] = {}
        last: dict[str, float] = {}
        y, before_us = top, None
        for mark in sorted(marks, key=lambda mark: mark.at):
            if before_us is not None:
                y += step(mark.at.time_us - before_us)
            before_us = mark.at.time_us
            if mark.room and mark.lane in last:
                y = max(y, last[mark.lane] + mark.room)
            if mark.after is not None and mark.after in self._of:
                y = max(y, self._of[mark.after] + mark.below)
            if mark.room:
                last[mark.lane] = y
            self._of[mark.at] = max(y, self._of.get(mark.at, y))
        self.top, self.bottom = top, y
        self._times = [at.time_us for at in sorted(self._of)]
        self._ys = [self._of[at] for at in sorted(self._of)]

    def of(self, at: Moment) -> float:
        """The height of a moment: exactly if something stands there, else as of its time."""
        known = self._of.get(at)
        return self.at(at.time_us) if known is None else known

    def at(self, time_us: float) -> float:
        """The height of a time: that of the first mark of the time, or between two marks; at the ends beyond them."""
        i = bisect_left(self._times, time_us)
        if i == len(self._times):
            return self.bottom
        if i == 0 or self._times[i] == time_us:
            return self._ys[i]
        share = (time_us - self._times[i - 1]) / (self._times[i] - self._times[i - 1])
        return self._ys[i - 1] + share * (self._ys[i] - self._ys[i - 1])

    @property
    def times(self) -> list[tuple[int, float]]:
        """Every time at which something stands, once, with the height of the first that does."""
        return list(dict(reversed(list(zip(self._times, self._ys, strict=True)))).items())[::-1]


def step(passed_us: int) -> float:
    """The pixels between two moments, so much apart."""
    if passed_us <= 0:
        return 0.0
    return min(STEP_MIN + STEP_LOG * log2(1 + passed_us / 1000), STEP_MAX)


@dataclass(frozen=True, slots=True)
class Box2:
    """A rectangle, turned by ``angle`` around its middle: where a text stands."""

    x: float
    y: float
    width: float
    height: float
    angle: float = 0.0

    def corners(self) -> list[Point2]:
        c, s = cos(self.angle), sin(self.angle)
        half = [(a * self.width / 2, b * self.height / 2) for a, b in ((-1, -1), (1, -1), (1, 1), (-1, 1))]
        return [(self.x + u * c - v * s, self.y + u * s + v * c) for u, v in half]

    @property
    def reach(self) -> float:
        return hypot(self.width, self.height) / 2


def overlap(a: Box2, b: Box2) -> bool:
    """Whether two rectangles have a point in common: unless a line parallel to a side separates them."""
    if hypot(a.x - b.x, a.y - b.y) > a.reach + b.reach:
        return False
    for angle in (a.angle, b.angle):
        for c, s in ((cos(angle), sin(angle)), (-sin(angle), cos(angle))):
            ours, theirs = ([x * c + y * s for x, y in box.corners()] for box in (a, b))
            if max(ours) <= min(theirs) or max(theirs) <= min(ours):
                return False
    return True


@dataclass(frozen=True, slots=True)
class Line:
    """A straight line between two points."""

    start: Point2
    end: Point2

    @property
    def length(self) -> float:
        return hypot(self.end[0] - self.start[0], self.end[1] - self.start[1])

    @property
    def angle(self) -> float:
        """The angle at which a text along it is not upside down."""
        (x1, y1), (x2, y2) = sorted((self.start, self.end))
        return atan2(y2 - y1, x2 - x1)

    def at(self, share: float) -> Point2:
        (x1, y1), (x2, y2) = self.start, self.end
        return x1 + share * (x2 - x1), y1 + share * (y2 - y1)


def crosses(line: Line, box: Box2) -> bool:
    """Whether a line passes through a rectangle: turned so that the rectangle stands upright, and cut off at its sides
    (Liang and Barsky)."""
    c, s = cos(box.angle), sin(box.angle)
    (x1, y1), (x2, y2) = (((x - box.x) * c + (y - box.y) * s, (y - box.y) * c - (x - box.x) * s)
                          for x, y in (line.start, line.end))  # fmt: skip
    enter, leave = 0.0, 1.0
    for start, way, half in ((x1, x2 - x1, box.width / 2), (y1, y2 - y1, box.height / 2)):
        if way == 0:
            if abs(start) >= half:
                return False
            continue
        near, far = sorted(((-half - start) / way, (half - start) / way))
        enter, leave = max(enter, near), min(leave, far)
    return enter < leave


class Labels:
    """The places taken so far, and the lines across which labels should not be written if it can be avoided."""

    def __init__(self) -> None:
        self._lines: list[Line] = []
        self.taken: list[Box2] = []

    def avoid(self, lines: Iterable[Line]) -> None:
        self._lines.extend(lines)

    def take(self, box: Box2) -> None:
        self.taken.append(box)

    def best(self, candidates: Sequence[Box2], crossings_max: int, own: Line | None = None) -> int | None:
        """Take the place with the fewest lines across it, the earlier of equals, and return its number; None, and take
        none, if each overlaps another label or has more lines across it than that."""
        found = []
        for i, box in enumerate(candidates):
            if any(overlap(box, other) for other in self.taken):
                continue
            across = sum(1 for line in self._lines if line is not own and crosses(line, box))
            if across == 0:
                found = [(0, i)]
                break
            found.append((across, i))
        across, i = min(found, default=(crossings_max + 1, -1))
        if across > crossings_max:
            return None
        self.take(candidates[i])
        return i
