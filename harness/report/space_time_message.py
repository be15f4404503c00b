"""Messages in a space-time diagram: arrows, with their words along them where there is room."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from math import cos, degrees, hypot, sin
from typing import Final

from harness.report.element import Child, Markup, clean, element, number
from harness.report.space_time_frame import SLOPE_MIN, Frame
from harness.report.space_time_layout import Box2, Line
from harness.report.space_time_scene import mention
from harness.report.space_time_style import COLOURS
from harness.report.space_time_trace import Flight
from harness.report.text import cut, duration, width

LETTER: Final = 6.1
SHARES: Final = (0.5, 0.38, 0.62, 0.28, 0.72, 0.2, 0.8)
"""Where along its arrow a text may stand, in order of preference."""
ABOVE, BELOW = -8.0, 8.0
CROSSINGS_MAX: Final = 3
LOST_SHARES: Final = {"down": 0.94}
"""How far of the way a lost message gets, by the reason; what a network loses gets less than half of the way."""
LOST_SHARE: Final = 0.45
LATE_SHARE: Final = 0.6

Drawn = tuple[Markup, Markup | None]


def lines(frame: Frame) -> dict[int, Line]:
    """The line of every message (of a duplicated one its first), by its number."""
    return {flight.number: _line(frame, flight) for flight in frame.scene.flights}


def arrows(frame: Frame, lines: Mapping[int, Line]) -> list[Drawn]:
    """Each message's arrow, and its words, if there is room for them along it."""
    tints = colours(frame.scene.flights)
    carried = mention(frame.scene.boxes)
    return [
        (_arrow(frame, flight, lines[flight.number], tints), _said(frame, flight, lines[flight.number], tints, carried))
        for flight in frame.scene.flights
    ]


def family(flight: Flight) -> str:
    """What has one colour: a type and its reply; all replies that do not say of what."""
    if flight.type in ("reply", "error"):
        return "reply"
    return re.sub(r"(.)(Reply|Response)$", r"\1", flight.type)


def colours(of: Sequence[Flight]) -> dict[str, str]:
    """A colour for each family, by first appearance; those past the last colour share one."""
    found: dict[str, str] = {}
    used = 0
    for name in dict.fromkeys(family(flight) for flight in of):
        if name == "reply":
            found[name] = "reply"
            continue
        found[name] = str(used) if used < COLOURS else "other"
        used += 1
    return found


def _line(frame: Frame, flight: Flight, arrival: int = 0) -> Line:
    """From the sender's lane to the receiver's; of what did not arrive only the beginning of that way."""
    y = frame.y(flight.sent)
    here, there = frame.x[flight.source], frame.x[flight.to]
    x = frame.edge(flight.source, y, there)
    if flight.arrivals:
        end = frame.y(flight.arrivals[arrival])
        return Line((x, y), (frame.edge(flight.to, end, here), end))
    if flight.why in LOST_SHARES:
        reach = abs(there - x) * LOST_SHARES[flight.why]
    else:
        far = max(min(abs(there - x), frame.spacing * 2), frame.spacing * 0.6)
        reach = far * (LATE_SHARE if flight.lost is None else LOST_SHARE)
    return Line((x, y), (x + (reach if there > x else -reach), y + SLOPE_MIN - 2))


def _arrow(frame: Frame, flight: Flight, line: Line, tints: Mapping[str, str]) -> Markup:
    css = f"message m-{tints[family(flight)]}{' reply' if flight.replies else ''}"
    again = [_line(frame, flight, i) for i in range(1, len(flight.arrivals))]
    shapes: list[Child] = []
    for drawn in (line, *again):
        shapes += [element("path", d=_path(drawn), class_="reach"), element("path", d=_path(drawn), class_="arrow")]
        if flight.arrivals:
            shapes.append(element("path", d=_tip(drawn), class_="tip"))
    if not flight.arrivals and flight.lost is not None:
        x, y = line.end
        shapes.append(element("path", d=f"M{number(x - 4)} {number(y - 4)}l8 8m0 -8l-8 8", class_="cross"))
    elif not flight.arrivals:
        css += " late"
    return element("g", element("title", _title(frame, flight)), shapes, class_=css)


def _title(frame: Frame, flight: Flight) -> str:
    at = f"{flight.source} → {flight.to} at {frame.ms(flight.sent.time_us)} ms"
    return clean(f"{at}, {fate(flight)}. {flight.type} {flight.text}", 500)


def fate(flight: Flight) -> str:
    """What became of it, in words."""
    if flight.arrivals:
        took = duration((flight.arrivals[0].time_us - flight.sent.time_us) / 1e6)
        return f"arrives after {took}" + (", twice" if len(flight.arrivals) > 1 else "")
    return "still under way at the end" if flight.lost is None else f"lost: {flight.why}"


def _said(
    frame: Frame, flight: Flight, line: Line, tints: Mapping[str, str], carried: re.Pattern[str] | None
) -> Markup | None:
    """The words along an arrow: as many as fit, where no other words stand."""
    for words in wordings(flight, carried):
        long = width(words) * LETTER + 4
        fitting = [share for share in SHARES if min(share, 1 - share) * line.length >= long / 2 + 5]
        places = [_along(line, share, long, side) for side in (ABOVE, BELOW) for share in fitting]
        i = frame.labels.best(places, CROSSINGS_MAX, line)
        if i is not None:
            place = places[i]
            turn = f"rotate({number(degrees(place.angle))} {number(place.x)} {number(place.y)})"
            text = element("text", words, x=place.x, y=place.y + 3.5, transform=turn, class_="said middle")
            return element("g", text, class_=f"m-{tints[family(flight)]}")
    return None


def _along(line: Line, share: float, long: float, away: float) -> Box2:
    """A text's place beside a line, ``away`` pixels below it."""
    x, y = line.at(share)
    return Box2(x - away * sin(line.angle), y + away * cos(line.angle), long, 11, line.angle)


def wordings(flight: Flight, carried: re.Pattern[str] | None) -> list[str]:
    """What may be written at an arrow, the most telling first: the operation it carries (``carried`` finds it), its
    type with a field, its type. A field that is true or false tells more than a number."""
    kind, text = clean(flight.type, 40), clean(flight.text, 200)
    if flight.type == "request":
        return [cut(re.split(r"(?:^| )\w+=", text)[0] or kind, 24)]
    if carried is not None and (carries := carried.search(text)):
        return [f"{kind}: {cut(carries[0], 24)}", cut(carries[0], 24), kind]
    fields = sorted(re.split(r" (?=\w+=)", text), key=lambda field: not field.endswith(("=true", "=false")))
    if flight.type in ("reply", "error"):
        return [cut(" ".join(fields[:2]), 26), cut(fields[0], 18)] if text else [kind]
    return [f"{kind} {cut(fields[0], 16)}", kind] if text else [kind]


def _path(line: Line) -> str:
    (x1, y1), (x2, y2) = line.start, line.end
    return f"M{number(x1)} {number(y1)}L{number(x2)} {number(y2)}"


def _tip(line: Line) -> str:
    """An arrow's head, at the end of its line."""
    (x1, y1), (x2, y2) = line.start, line.end
    long = hypot(x2 - x1, y2 - y1) or 1.0
    c, s = (x2 - x1) / long, (y2 - y1) / long
    a, b = (x2 - 9 * c - 3.6 * s, y2 - 9 * s + 3.6 * c), (x2 - 9 * c + 3.6 * s, y2 - 9 * s - 3.6 * c)
    return f"M{number(x2)} {number(y2)}L{number(a[0])} {number(a[1])}L{number(b[0])} {number(b[1])}Z"
