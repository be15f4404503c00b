"""A space-time diagram for terminals: a table of what happened around an anomaly, in order.

::

        ms  who           what
  !  250.0  c0            add 13 ...
     250.0  c0 -> n1      add 13   (+1 ms)
     253.0  n1 -x n2      ship: add 13   (lost: partition)
     484.0  n2            * became-leader generation=2
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import isinf
from typing import Final, NamedTuple

from harness.fault_window import FaultWindow
from harness.history import History
from harness.report.element import clean
from harness.report.space_time_frame import milliseconds
from harness.report.space_time_lane import said
from harness.report.space_time_message import wordings
from harness.report.space_time_operation import Limits
from harness.report.space_time_scene import Scene, compose, mention
from harness.report.space_time_trace import Flight, Moment
from harness.report.text import cut
from harness.result import Anomaly
from harness.trace import Trace

LINES_MAX: Final = 60
MESSAGES: Final = (32, 16, 8, 0)
"""How many messages are shown, fewer where the table would get too long."""
COLUMNS_MAX: Final = 110


class Line(NamedTuple):
    """One line; ``named`` if it is about an operation of the anomaly."""

    at: Moment
    who: str
    what: str
    named: bool = False


def table(
    trace: Trace,
    history: History,
    windows: Sequence[FaultWindow],
    anomaly: Anomaly | None,
    *,
    origin_us: int = 0,
    lines_max: int = LINES_MAX,
) -> list[str]:
    """At most ``lines_max`` lines; none if there is nothing to show. Arguments and errors as ``space_time.draw``."""
    room = lines_max - 2  # for the head and for what is not shown
    for messages in MESSAGES:
        scene = compose(trace, history, windows, anomaly, origin_us, Limits(messages=messages))
        if scene is None:
            return []
        found = sorted(_lines(scene), key=lambda line: line.at)
        if len(found) <= room or messages == MESSAGES[-1]:
            return _written(scene, found[:room], max(0, len(found) - room))
    raise AssertionError("the last number of messages returns")


def _written(scene: Scene, found: Sequence[Line], more: int) -> list[str]:
    times = [milliseconds(line.at.time_us - scene.zero_us) for line in found]
    wide, who = max(6, *map(len, times)), max([12, *(len(line.who) for line in found)])
    lines = [f"  {'ms':>{wide}}  {'who':<{who}}  what"]
    for line, time in zip(found, times, strict=True):
        mark = "!" if line.named else " "
        lines.append(cut(f"{mark} {time:>{wide}}  {line.who:<{who}}  {line.what}", COLUMNS_MAX).rstrip())
    rest = sum(scene.left_out.values())
    left_out = [*([f"{more} more lines"] if more else []), *([f"{rest} messages that matter less"] if rest else [])]
    return [*lines, f"  not shown: {', '.join(left_out)}"] if left_out else lines


def _lines(scene: Scene) -> Iterator[Line]:
    for box in scene.boxes:
        yield Line(box.start, box.lane, f"{_safe(box.asked)} ...", box.named)
        if box.stop is not None:
            yield Line(box.stop, box.lane, f"{_safe(box.asked)} -> {_safe(box.answered)}", box.named)
    carried = mention(scene.boxes)
    for flight in scene.flights:
        at, arrow = flight.sent, "-x" if flight.lost is not None and not flight.arrivals else "->"
        who = f"{_safe(flight.source, 12)} {arrow} {_safe(flight.to, 12)}"
        yield Line(at, who, f"{wordings(flight, carried)[0]}   ({_fate(flight)})")
    for spot in scene.spots:
        yield Line(spot.at, _safe(spot.node, 12), f"* {_safe(said(spot)[0])} {_safe(spot.text)}".rstrip())
    for strip in scene.strips:
        yield Line(Moment(int(strip.start_us), -1), "nemesis", f"# {_safe(strip.words)} begins")
        if not isinf(strip.stop_us) and strip.stop_us <= scene.stop_us:
            yield Line(Moment(int(strip.stop_us), -1), "nemesis", f"# {_safe(strip.words)} ends")


def _fate(flight: Flight) -> str:
    if not flight.arrivals:
        return "never arrives" if flight.lost is None else f"lost: {_safe(flight.why, 20)}"
    times = [milliseconds(arrival.time_us - flight.sent.time_us) for arrival in flight.arrivals]
    return " and ".join(f"+{time} ms" for time in times)


def _safe(text: str, chars: int = 60) -> str:
    return cut(clean(text, 4 * chars), chars)
