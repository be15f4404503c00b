"""Lanes in a space-time diagram: a node's life with its events, a client's with its operations."""

from __future__ import annotations

from typing import Final

from harness.report.element import Child, Markup, clean, element, number
from harness.report.space_time_frame import LEFT, TOP, Frame
from harness.report.space_time_layout import Box2
from harness.report.space_time_operation import Box
from harness.report.space_time_trace import DOWN, LEADER, LEADS, PAUSED, Span, Spot
from harness.report.text import cut, width
from harness.trace import EVENT, PAUSE, RESUME, START, STOP

HEAD: Final = 26
BOLD: Final = 6.8
"""The width of a letter of an event's name; an operation's are narrower."""
PLAIN: Final = 6.2
CROSSINGS_MAX: Final = 20
NAME_MAX: Final = 20
RAISED: Final = 9
"""How much higher than its mark an event's words may stand, out of the way of an arrow."""

Drawn = tuple[Markup, Markup | None]


def head(frame: Frame, lane: str) -> Markup:
    """The lane's name, at its beginning."""
    x, wide = frame.x[lane], min(frame.spacing - 8, 72.0)
    client = lane in frame.scene.clients
    name = cut(clean(f"client {lane[1:]}" if client and wide >= 64 else lane, 60), wide / 7)
    return element(
        "g",
        element("rect", x=x - wide / 2, y=TOP - HEAD - 6, width=wide, height=HEAD, rx=13),
        element("text", name, x=x, y=TOP - 15, class_="middle"),
        class_="head client" if client else "head",
    )


def life(frame: Frame, lane: str) -> list[Markup]:
    """A lane's line, with the stretches in which its node leads, is paused or is down."""
    x, y, shapes = frame.x[lane], float(TOP), []
    spans = [span for span in frame.scene.spans if span.node == lane]
    for span in spans:
        top, bottom = _ends(frame, span)
        if span.state == LEADER:
            shapes.append(element("rect", x=x - 4, y=top, width=8, height=bottom - top, rx=4, class_="leading"))
        elif span.state == PAUSED:
            shapes.append(element("path", d=f"M{number(x)} {number(top)}V{number(bottom)}", class_="life paused"))
    for span in (span for span in spans if span.state == DOWN):
        top, bottom = _ends(frame, span)
        shapes.append(element("path", d=f"M{number(x)} {number(y)}V{number(max(y, top))}", class_="life"))
        shapes.append(element("path", d=f"M{number(x)} {number(top)}V{number(bottom)}", class_="life down"))
        y = bottom
    return [*shapes, element("path", d=f"M{number(x)} {number(y)}V{number(frame.bottom)}", class_="life")]


def _ends(frame: Frame, span: Span) -> tuple[float, float]:
    return frame.y(span.start), frame.bottom if span.stop is None else frame.y(span.stop)


def events(frame: Frame) -> list[Drawn]:
    """Each moment of a node's life as a mark, and its words, right or left of it, if there is room."""
    for spot in frame.scene.spots:
        frame.labels.take(Box2(frame.x[spot.node], frame.y(spot.at), 10, 10))
    return [_event(frame, spot) for spot in frame.scene.spots]


def _event(frame: Frame, spot: Spot) -> Drawn:
    x, y = frame.x[spot.node], frame.y(spot.at)
    name, css = said(spot)
    shape = element("circle", cx=x, cy=y, r=4, class_=f"dot {css}")
    if spot.kind == STOP:
        shape = element("path", d=f"M{number(x - 5)} {number(y - 5)}l10 10m0 -10l-10 10", class_="cross")
    title = element("title", clean(f"{spot.node} at {frame.ms(spot.at.time_us)} ms: {name} {spot.text}", 400))
    return element("g", title, shape), _words(frame, clean(name, 60), clean(spot.text, 60), css, (x, y))


def _words(frame: Frame, name: str, text: str, css: str, at: tuple[float, float]) -> Markup | None:
    x, y = at
    letters = (frame.spacing - 18) / BOLD
    whole = f"{name} {text}".strip()
    wordings = [whole] if width(whole) <= letters else []
    for words in dict.fromkeys((*wordings, cut(name, NAME_MAX), cut(name, letters))):
        long = width(words) * BOLD
        if not words:
            continue
        lefts = (x + 9, x - 9 - long)
        places = [Box2(left + long / 2, y - up, long, 12) for up in (0, RAISED) for left in lefts
                  if left > LEFT and left + long < frame.right + 2]  # fmt: skip
        if (i := frame.labels.best(places, CROSSINGS_MAX)) is not None:
            at_left, at_y = places[i].x - long / 2, places[i].y + 4
            return element("text", words, x=at_left, y=at_y, class_=f"event {css}")
    return None


def said(spot: Spot) -> tuple[str, str]:
    """What is written at a moment of a node's life, and in which style."""
    if spot.kind == EVENT:
        return spot.name, "leads" if spot.name in LEADS else ""
    if spot.kind == STOP:
        return ("stopped" if spot.name == STOP else spot.name), "ill"
    return {START: ("started", "well"), PAUSE: ("paused", "ill"), RESUME: ("resumed", "well")}[spot.kind]


def operation(frame: Frame, box: Box) -> Markup:
    """A client's operation: what was asked, and below it what came back."""
    place = frame.place(box)
    x, y = place.x - place.width / 2, place.y - place.height / 2
    letters = (place.width - 12) / PLAIN
    shapes: list[Child] = [element("rect", x=x, y=y, width=place.width, height=place.height, rx=5)]
    if box.call.outcome == "info":
        path = f"M{number(place.x)} {number(y + place.height)}V{number(max(frame.bottom, y + place.height))}"
        shapes.append(element("path", d=path, class_="open-end"))
    for css, at, text in (("asked", y + 15, box.asked), ("answered", y + place.height - 8, f"→ {box.answered}")):
        shapes.append(element("text", cut(clean(text, 80), letters), x=place.x, y=at, class_=f"{css} middle"))
    times = [box.start, *([box.stop] if box.stop is not None else [])]
    known = " to ".join(f"{frame.ms(time.time_us)} ms" for time in times)
    title = clean(f"process {box.call.process}: {box.asked} → {box.answered}, {known}", 400)
    css = f"box {box.call.outcome}{' named' if box.named else ''}"
    return element("g", element("title", title), shapes, class_=css)
