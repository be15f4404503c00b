"""Plots over the time of a run, as SVG: latencies, rates, and when which operation succeeded."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import ceil, floor, log10
from typing import Final

from harness.report.band import Axis, Band, draw
from harness.report.element import Markup, element, number
from harness.report.run_data import JsonObject, RunData, number_of, objects_of, text_of
from harness.report.statistic import OUTCOMES, Bucket, Point, Span, log_ticks, nice_step
from harness.report.text import count, cut, duration, seconds

WIDTH: Final = 960
LEFT: Final = 64
RIGHT: Final = 944
TOP: Final = 10
DOTS_MAX: Final = 9_000
FLOOR_S: Final = 1e-5
MARKS: Final = {"ok": "h0", "info": "m-2.5 0h5m-2.5 -2.5v5", "fail": "m-2 -2l4 4m0 -4l-4 4"}
LANES_MAX: Final = 8


@dataclass(frozen=True, slots=True)
class Frame:
    """A plot's area: ``height`` in pixels below TOP, and the seconds that its axis spans."""

    height: float
    span: Span

    def x(self, at_s: float) -> float:
        return LEFT + (RIGHT - LEFT) * (at_s - self.span.start_s) / self.span.length_s

    @property
    def bottom(self) -> float:
        return TOP + self.height

    @property
    def step_s(self) -> float:
        return nice_step(self.span.length_s, 10)


def latency(of: Sequence[Point], parts: Sequence[Bucket], behind: Sequence[Band], span: Span) -> Markup:
    """Every operation as a mark at its invocation, on a logarithmic axis, with the median and the 99th percentile."""
    frame = Frame(250, span)
    known = [max(point.latency_s, FLOOR_S) for point in of]
    low = min(known, default=1e-3) / 1.5
    high = max(max(known, default=1.0) * 2.2, low * 20)  # room for the names of the faults above the marks

    def y(value_s: float) -> float:
        share = (log10(max(value_s, low)) - log10(low)) / (log10(high) - log10(low))
        return frame.bottom - share * frame.height

    ticks = [(y(value), duration(value)) for value in log_ticks(low, high)]
    marks = [_dots([p for p in of if p.outcome == outcome], outcome, frame, y) for outcome in reversed(OUTCOMES)]
    lines = [
        _line([(b.start_s, b.stop_s, b.median_s) for b in parts], "median", frame, y),
        _line([(b.start_s, b.stop_s, b.p99_s) for b in parts], "p99", frame, y),
    ]
    return _plot("Latency over time", frame, behind, ticks, [*marks, *lines, *_hits(parts, frame)])


def rate(parts: Sequence[Bucket], behind: Sequence[Band], span: Span) -> Markup:
    """Operations completed per second, one outcome on top of the other."""
    frame = Frame(150, span)
    step_s = parts[0].stop_s - parts[0].start_s
    most = max([sum(bucket.counts.values()) / step_s for bucket in parts], default=0.0) or 1.0
    tick = nice_step(most, 4)
    top = ceil(most / tick - 1e-9) * tick

    def y(value: float) -> float:
        return frame.bottom - frame.height * value / top

    ticks = [(y(tick * i), count(tick * i)) for i in range(round(top / tick) + 1)]
    areas = [_stack(parts, OUTCOMES[: i + 1], OUTCOMES[i], frame, y, step_s) for i in range(len(OUTCOMES))]
    return _plot("Operations completed per second", frame, behind, ticks, [*areas, *_hits(parts, frame)])


def availability(run: RunData, names: Sequence[str], behind: Sequence[Band], span: Span) -> Markup:
    """A lane per operation name: ticks where one succeeded, a bar where for a second or more none did."""
    names = names[:LANES_MAX]
    frame = Frame(26.0 * len(names), span)
    windows = {text_of(entry, "f"): entry for entry in objects_of(run.results, "availability")}
    lanes = []
    for i, name in enumerate(names):
        middle = TOP + 26 * i + 13
        lanes.append(element("text", cut(name, 8), x=LEFT - 8, y=middle + 4, class_="tick end"))
        lanes.append(_successes(run, name, middle, frame))
        lanes += [_gap(window, name, middle, frame) for window in _windows(windows.get(name, {}), run.main_start_s)]
    return _plot("When which operation succeeded", frame, behind, [], lanes, named=False)


def _windows(entry: JsonObject, main_start_s: float) -> list[tuple[float, float]]:
    """Availability counts from the start of the main phase, plots from the first operation."""
    found = entry.get("windows")
    pairs = [pair for pair in found if isinstance(pair, list) and len(pair) == 2] if isinstance(found, list) else []
    ends = [(number_of({"v": a}, "v"), number_of({"v": b}, "v")) for a, b in pairs[:200]]
    return [(main_start_s + a, main_start_s + b) for a, b in ends if a is not None and b is not None and a < b]


def _successes(run: RunData, name: str, middle: float, frame: Frame) -> Markup:
    """One tick per pixel and a half in which an operation of that name succeeded."""
    times = run.history.times
    ends = (
        frame.x(times[call.complete] / 1e9)
        for call in run.calls
        if call.f == name and call.outcome == "ok" and call.complete is not None and times[call.complete] >= 0
    )
    columns = sorted({round(x / 1.5) for x in ends if LEFT <= x <= RIGHT})
    path = "".join(f"M{number(column * 1.5)} {number(middle - 6)}v12" for column in columns)
    return element("path", d=path, class_="success") if path else element("g")


def _gap(window: tuple[float, float], name: str, middle: float, frame: Frame) -> Markup:
    left, right = (min(max(frame.x(at), LEFT), RIGHT) for at in window)
    title = element(
        "title", f"no {name[:40]} succeeded for {seconds(window[1] - window[0])}, from {seconds(window[0])}"
    )
    return element("rect", title, x=left, y=middle - 7, width=max(right - left, 1.0), height=14, rx=2, class_="gap")


def _plot(
    name: str,
    frame: Frame,
    behind: Sequence[Band],
    ticks: Sequence[tuple[float, str]],
    content: Sequence[Markup],
    named: bool = True,
) -> Markup:
    grid = [
        [
            element("path", d=f"M{LEFT} {number(y)}H{RIGHT}", class_="grid"),
            element("text", label, x=LEFT - 8, y=y + 4, class_="tick end"),
        ]
        for y, label in ticks
    ]
    return element(
        "svg",
        element("title", name),
        draw(behind, Axis(frame.x, LEFT, RIGHT), TOP, frame.height, named),
        grid,
        _time_axis(frame),
        content,
        viewBox=f"0 0 {WIDTH} {number(frame.bottom + 40)}",
        role="img",
        class_="plot",
    )


def _time_axis(frame: Frame) -> list[Markup]:
    first, last = ceil(frame.span.start_s / frame.step_s - 1e-9), floor(frame.span.end_s / frame.step_s + 1e-9)
    parts = [element("path", d=f"M{LEFT} {number(frame.bottom)}H{RIGHT}", class_="axis")]
    for i in range(first, last + 1):
        at = i * frame.step_s
        x = frame.x(at)
        parts.append(element("path", d=f"M{number(x)} {number(frame.bottom)}v4", class_="axis"))
        parts.append(element("text", f"{at:.10g}", x=x, y=frame.bottom + 17, class_="tick middle"))
    label = "seconds since operations began"
    return [*parts, element("text", label, x=(LEFT + RIGHT) / 2, y=frame.bottom + 34, class_="axis-label middle")]


def _dots(of: Sequence[Point], outcome: str, frame: Frame, y: Callable[[float], float]) -> Markup:
    """All marks of one outcome as one path. Marks that would fall together are one; where still too many remain, the
    raster gets coarser, so the size of the page does not depend on the length of the history."""
    raster = 1.0
    places = {(frame.x(point.at_s), y(point.latency_s)) for point in of}
    while len(snapped := {(round(a / raster), round(b / raster)) for a, b in places}) > DOTS_MAX:
        raster *= 1.4
    mark = MARKS.get(outcome, "h0")
    path = "".join(f"M{number(a * raster)} {number(b * raster)}{mark}" for a, b in sorted(snapped))
    return element("path", d=path, class_=f"dots {outcome}") if path else element("g")


def _line(
    of: Sequence[tuple[float, float, float | None]], name: str, frame: Frame, y: Callable[[float], float]
) -> Markup:
    """A line through the middle of each bucket that has a value, broken where one has none."""
    path, drawing = [], False
    for start, stop, value in of:
        if value is not None:
            middle = min((start + stop) / 2, frame.span.end_s)
            path.append(f"{'L' if drawing else 'M'}{number(frame.x(middle))} {number(y(value))}")
        drawing = value is not None
    return element("path", d="".join(path), class_=f"line {name}") if path else element("g")


def _stack(
    parts: Sequence[Bucket], upto: Sequence[str], outcome: str, frame: Frame, y: Callable[[float], float], step_s: float
) -> Markup:
    """The area of one outcome in a stack: from the sum of those below it to the sum with its own."""
    path = []
    for bucket in parts:
        own = bucket.counts[outcome]
        if own:
            base = sum(bucket.counts[name] for name in upto) - own
            left, right = frame.x(bucket.start_s), min(frame.x(bucket.stop_s), RIGHT)
            upper, lower = y((base + own) / step_s), y(base / step_s)
            path.append(f"M{number(left)} {number(upper)}H{number(right - 0.6)}V{number(lower)}H{number(left)}Z")
    return element("path", d="".join(path), class_=f"area {outcome}") if path else element("g")


def _hits(parts: Sequence[Bucket], frame: Frame) -> list[Markup]:
    """Invisible columns that say their figures when pointed at."""
    return [
        element(
            "rect",
            element("title", _words(bucket)),
            x=frame.x(bucket.start_s),
            y=TOP,
            width=max(0.0, min(frame.x(bucket.stop_s), RIGHT) - frame.x(bucket.start_s)),
            height=frame.height,
            class_="hit",
        )
        for bucket in parts
        if bucket.start_s < frame.span.end_s
    ]


def _words(bucket: Bucket) -> str:
    digits = 0 if bucket.stop_s - bucket.start_s >= 1 else 2
    counts = ", ".join(f"{count(bucket.counts[name])} {name}" for name in OUTCOMES)
    text = f"{bucket.start_s:,.{digits}f}–{seconds(bucket.stop_s, digits)}: {counts}"
    if bucket.median_s is not None and bucket.p99_s is not None:
        text += f"; median {duration(bucket.median_s)}, p99 {duration(bucket.p99_s)}"
    return text
