"""What stands around a space-time diagram: its time axis, its faults, its legend, and what was left out."""

from __future__ import annotations

from collections.abc import Sequence
from math import isinf
from typing import Final

from harness.report.element import Child, Markup, clean, element, number
from harness.report.space_time_frame import LEFT, TOP, WIDTH, Frame
from harness.report.space_time_layout import SILENCE_US
from harness.report.space_time_message import colours
from harness.report.space_time_scene import Scene, Strip
from harness.report.space_time_style import COLOURS
from harness.report.space_time_trace import DOWN, LEADER
from harness.report.text import count, cut, duration, width

LEGEND_MAX: Final = 12
LINE: Final = 12
TICK_PIXELS_MIN: Final = 14
SILENCE_PIXELS_MIN: Final = 30


def faults(frame: Frame) -> list[Markup]:
    """Bands over the whole width, darker where the fault's nodes are, and their names in the margin."""
    names = list(dict.fromkeys(strip.fault for strip in frame.scene.strips))
    shapes, free = [], 0.0
    for i, strip in enumerate(frame.scene.strips):
        top, bottom = _ends(frame, strip)
        lines = wrapped(clean(strip.words, 60))
        at = max(top + 11, free)
        free = at + LINE * len(lines) + 6
        words = [
            element("text", line, x=frame.right + 24, y=at + LINE * j, class_="fault-words" if j else "fault-name")
            for j, line in enumerate(lines)
            if at + LINE * j < frame.bottom + 20
        ]
        group = element("g", element("title", _title(frame, strip)), _areas(frame, strip, top, bottom, i), words,
                        class_=f"fault-{names.index(strip.fault) % COLOURS}")  # fmt: skip
        shapes.append(group)
    return shapes


def _ends(frame: Frame, strip: Strip) -> tuple[float, float]:
    scene = frame.scene
    top = TOP if strip.start_us < scene.start_us else frame.heights.at(strip.start_us)
    lasts = isinf(strip.stop_us) or strip.stop_us > scene.stop_us
    return top, max(top + 4, frame.bottom if lasts else frame.heights.at(strip.stop_us))


def _areas(frame: Frame, strip: Strip, top: float, bottom: float, i: int) -> list[Markup]:
    long, wide = bottom - top, frame.right - LEFT
    bracket = frame.right + 4 + 6 * (i % 3)
    columns = [frame.x[node] - frame.spacing / 2 + 3 for node in frame.scene.nodes if node in strip.nodes]
    return [
        element("rect", x=LEFT, y=top, width=wide, height=long, class_="band-area"),
        element("rect", x=bracket, y=top, width=4, height=long, rx=2, class_="bracket"),
        *(element("rect", x=x, y=top, width=frame.spacing - 6, height=long, class_="cut-off") for x in columns),
    ]


def _title(frame: Frame, strip: Strip) -> str:
    end = "never healed" if isinf(strip.stop_us) else f"to {frame.ms(strip.stop_us)} ms"
    return clean(f"{strip.words}, {frame.ms(strip.start_us)} ms, {end}", 300)


def wrapped(words: str, letters: int = 16, lines_max: int = 4) -> list[str]:
    """A text in short lines, its first word alone; what is too long is cut."""
    lines: list[str] = []
    for word in words.split(" "):
        if len(lines) > 1 and len(lines[-1]) + 1 + len(word) <= letters:
            lines[-1] += f" {word}"
        elif len(lines) < lines_max:
            lines.append(cut(word, letters))
    return lines


def axis(frame: Frame) -> list[Markup]:
    """The times at which something happens, where there is room for them, and how long the silences were."""
    shapes = [
        element("text", "ms", x=LEFT - 12, y=TOP - 15, class_="axis-label end"),
        element("path", d=f"M{LEFT} {TOP}V{number(frame.bottom)}", class_="axis"),
    ]
    written, before = float(TOP) - 6, None
    for time_us, y in frame.heights.times:
        if before is not None and time_us - before[0] >= SILENCE_US and y - before[1] >= SILENCE_PIXELS_MIN:
            shapes.append(_silence(time_us - before[0], (y + before[1]) / 2))
        before = time_us, y
        if y - written >= TICK_PIXELS_MIN:
            written = y
            shapes.append(element("path", d=f"M{LEFT - 4} {number(y)}h4", class_="axis"))
            shapes.append(element("path", d=f"M{LEFT} {number(y)}H{number(frame.right)}", class_="rule"))
            shapes.append(element("text", frame.ms(time_us), x=LEFT - 8, y=y + 4, class_="tick end"))
    return shapes


def _silence(passed_us: int, y: float) -> Markup:
    """A break of the axis: how much time passes there."""
    wave = element("path", d=f"M{LEFT - 5} {number(y + 2)}l10 -4m-10 8l10 -4", class_="silence")
    words = element("text", f"+{duration(passed_us / 1e6)}", x=LEFT - 9, y=y + 3, class_="silence-label end")
    return element("g", wave, words)


def foot(frame: Frame) -> tuple[list[Markup], float]:
    """The legend and what was left out, and where the drawing ends."""
    shapes, x, y = [], float(LEFT), frame.bottom + 30
    for css, group, words, sample in _entries(frame.scene):
        wide = 34 + width(words) * 6.0 + 16
        if x + wide > WIDTH - 10:
            x, y = float(LEFT), y + 20
        mark: Child = element("path", d=f"M{number(x)} {number(y - 4)}{sample}", class_=css)
        shapes.append(element("g", mark, element("text", words, x=x + 32, y=y, class_="legend"), class_=group))
        x += wide
    for line in notes(frame.scene):
        y += 20
        shapes.append(element("text", line, x=LEFT, y=y, class_="legend"))
    return shapes, y + 18


def _entries(scene: Scene) -> list[tuple[str, str, str, str]]:
    """Samples: class, class of its group, words, path after its beginning."""
    entries = [
        ("arrow", f"m-{colour}{' reply' if name == 'reply' else ''}", clean(name, 30), "h24")
        for name, colour in list(colours(scene.flights).items())[:LEGEND_MAX]
    ]
    if any(flight.replies for flight in scene.flights) and "reply" not in colours(scene.flights):
        entries.append(("arrow", "m-reply reply", "its reply", "h24"))
    if any(not flight.arrivals and flight.lost is not None for flight in scene.flights):
        entries.append(("cross", "", "lost", "m8 -4l8 8m0 -8l-8 8"))
    if any(span.state == DOWN for span in scene.spans):
        entries.append(("life down", "", "down", "h24"))
    if any(span.state == LEADER for span in scene.spans):
        entries.append(("leading", "", "believes to lead", "m0 -4h24v8h-24z"))
    return entries


def notes(scene: Scene) -> list[str]:
    """What a reader must know about what is not there, in sentences."""
    sentences: Sequence[str] = ["Time runs down, in order but not to scale; ms since operations began."]
    if scene.left_out:
        most = sorted(scene.left_out.items(), key=lambda entry: (-entry[1], entry[0]))
        named = ", ".join(f"{count(times)} {clean(name, 24)}" for name, times in most[:4])
        more = "" if len(most) <= 4 else " and others"
        total = count(sum(scene.left_out.values()))
        sentences = [*sentences, f"Not drawn: {total} messages that repeat or matter less ({named}{more})."]
    if scene.operations_left_out:
        left_out = count(scene.operations_left_out)
        sentences = [*sentences, f"Not drawn: {left_out} more operations of this anomaly."]
    return list(sentences)
