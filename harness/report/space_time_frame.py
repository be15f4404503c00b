"""The frame of a space-time diagram: which lane stands where, which moment at which height."""

from __future__ import annotations

from typing import Final

from harness.report.space_time_layout import Box2, Heights, Labels, Mark
from harness.report.space_time_operation import Box
from harness.report.space_time_scene import Scene
from harness.report.space_time_trace import Moment

WIDTH: Final = 960
LEFT: Final = 66
MARGIN: Final = 128
"""The right margin, where faults are named."""
TOP: Final = 60
LINE: Final = 15
BOX_HEIGHT: Final = 36
BOX_WIDTH_MAX: Final = 112
SLOPE_MIN: Final = 15


class Frame:
    """Places, in pixels: ``x`` of each lane, ``spacing`` between lanes, ``right`` and ``bottom`` of the area, and
    ``labels``, the places that are taken, the operations' boxes first."""

    def __init__(self, scene: Scene) -> None:
        self.scene = scene
        self.right = WIDTH - (MARGIN if scene.strips else 14)
        self.spacing = (self.right - LEFT) / max(1, len(scene.lanes))
        self.x = {lane: LEFT + self.spacing * (i + 0.5) for i, lane in enumerate(scene.lanes)}
        self.box_width = min(BOX_WIDTH_MAX, self.spacing - 10)
        self.heights = Heights(self._marks(), TOP + 18)
        self.bottom = max([self.heights.bottom, *(self.foot(box) for box in scene.boxes)]) + 22
        self.labels = Labels()
        for box in scene.boxes:
            self.labels.take(self.place(box))

    def _marks(self) -> list[Mark]:
        scene, marks = self.scene, []
        for box in scene.boxes:
            marks.append(Mark(box.start, box.lane, room=8))
            if box.stop is not None:
                marks.append(Mark(box.stop, box.lane, room=8, after=box.start, below=BOX_HEIGHT))
        marks += [Mark(spot.at, spot.node, room=LINE) for spot in scene.spots]
        for flight in scene.flights:
            if self.shows(flight.sent):
                marks.append(Mark(flight.sent, flight.source))
            seen = (at for at in flight.arrivals if self.shows(at))
            marks += [Mark(at, flight.to, after=flight.sent, below=SLOPE_MIN) for at in seen]
        return marks

    def shows(self, at: Moment) -> bool:
        return self.scene.start_us <= at.time_us <= self.scene.stop_us

    def y(self, at: Moment) -> float:
        """The height of a moment; that of the drawing's end for what lies outside of its time."""
        if at.time_us < self.scene.start_us:
            return TOP
        return self.heights.of(at) if at.time_us <= self.scene.stop_us else self.bottom

    def head(self, box: Box) -> float:
        """The upper side of an operation's box."""
        return self.heights.of(box.start)

    def foot(self, box: Box) -> float:
        """Its lower side."""
        top = self.head(box)
        return top + BOX_HEIGHT if box.stop is None else max(top + BOX_HEIGHT, self.heights.of(box.stop))

    def place(self, box: Box) -> Box2:
        top, foot = self.head(box), self.foot(box)
        return Box2(self.x[box.lane], (top + foot) / 2, self.box_width, foot - top)

    def edge(self, lane: str, y: float, towards: float) -> float:
        """Where an arrow begins or ends at a lane: at its line, or at the box that stands on it there."""
        x = self.x[lane]
        on_box = any(box.lane == lane and self.head(box) - 1 <= y <= self.foot(box) + 1 for box in self.scene.boxes)
        away = self.box_width / 2 if on_box else 2.0
        return x + away if towards > x else x - away

    def ms(self, time_us: float) -> str:
        """A time, in milliseconds since operations began."""
        return milliseconds(time_us - self.scene.zero_us)


def milliseconds(time_us: float) -> str:
    value = time_us / 1000
    return f"{value:,.0f}" if float(value).is_integer() else f"{value:,.1f}"
