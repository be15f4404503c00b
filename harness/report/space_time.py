"""The space-time diagram (Lamport 1978): who sent what to whom around an anomaly, and what became of it.

Every client and node is a line, time runs down, a message is an arrow from where it was sent to where it arrived. What
was lost ends in a cross; a node that is down is a dotted line; a fault is a band with its name in the right margin; an
operation is a box on its client's line.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from harness.fault_window import FaultWindow
from harness.history import History
from harness.report.element import Markup, element, number, raw
from harness.report.space_time_frame import WIDTH, Frame
from harness.report.space_time_lane import events, head, life, operation
from harness.report.space_time_margin import axis, faults, foot
from harness.report.space_time_message import arrows, lines
from harness.report.space_time_operation import Limits
from harness.report.space_time_scene import Scene, compose
from harness.report.space_time_style import ALONE
from harness.result import Anomaly
from harness.trace import Trace

NAME = "What happened between the nodes"


def draw(
    trace: Trace,
    history: History,
    windows: Sequence[FaultWindow],
    anomaly: Anomaly | None,
    *,
    origin_us: int = 0,
    limits: Limits | None = None,
) -> str:
    """The diagram of an anomaly (None: of the whole run) as an SVG file of its own; empty if there is nothing to show.

    ``windows`` are the history's fault windows; ``origin_us`` is the trace's time of the history's time 0. Raises
    HistoryError for a history that is none.
    """
    scene = compose(trace, history, windows, anomaly, origin_us, limits)
    if scene is None:
        return ""
    drawn, bottom = _layers(scene)
    page = element("rect", width=WIDTH, height=bottom, rx=10, class_="page")
    return _svg([element("style", raw(ALONE)), page, *drawn], bottom, "space-time alone",
                xmlns="http://www.w3.org/2000/svg")  # fmt: skip


def picture(scene: Scene) -> Markup:
    """The diagram as a part of a report, which has its style."""
    drawn, bottom = _layers(scene)
    return _svg(drawn, bottom, "plot space-time")


def _svg(content: Sequence[Markup], bottom: float, css: str, **more: Any) -> Markup:
    title = element("title", NAME)
    return element("svg", title, content, viewBox=f"0 0 {WIDTH} {number(bottom)}", role="img", class_=css, **more)


def _layers(scene: Scene) -> tuple[list[Markup], float]:
    """Everything that is drawn, from the back to the front, and where it ends. The words come last: they find their
    places when all arrows have theirs, those of events first, for they have the least choice."""
    frame = Frame(scene)
    paths = lines(frame)
    frame.labels.avoid(paths.values())
    marks = events(frame)
    messages = arrows(frame, paths)
    below, bottom = foot(frame)
    layers = [
        *faults(frame),
        *axis(frame),
        *(shape for lane in scene.lanes for shape in life(frame, lane)),
        *(arrow for arrow, _ in messages),
        *(operation(frame, box) for box in scene.boxes),
        *(mark for mark, _ in marks),
        *(words for _, words in (*messages, *marks) if words is not None),
        *(head(frame, lane) for lane in scene.lanes),
        *below,
    ]
    return layers, bottom


__all__ = ["draw", "picture"]
