"""Transactions and why each comes after another one: the picture of a cycle, after Adya's serialization graphs.

The transactions stand on an ellipse, in the order in which the story tells them, so that a cycle is seen as one; each
arrow says which dependency it is (ww, wr, rw, process, realtime) and on what.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import cos, hypot, pi, sin
from typing import Final

from harness.report.element import Markup, element, number
from harness.report.text import cut

WIDTH: Final = 960.0
BOX: Final = 208.0
LINE: Final = 15.0
LINES_MAX: Final = 4
WORDS_MAX: Final = 32
NODES_MAX: Final = 12
"""More than these do not fit; the words tell them all."""
LABELS_MAX: Final = 3
_MARGIN: Final = 34.0
_BEND: Final = 0.16  # of an arrow's length, so that two between the same transactions part
_WEAK: Final = frozenset({"process", "realtime"})


@dataclass(frozen=True, slots=True)
class Node:
    """A transaction: its name, what it did, one micro-operation a line, and what is said when it is pointed at."""

    name: str
    lines: tuple[str, ...]
    title: str

    @property
    def height(self) -> float:
        return LINE * (min(len(self.lines), LINES_MAX) + 1) + 12


@dataclass(frozen=True, slots=True)
class Arrow:
    """``target`` comes after ``source`` (positions among the nodes): the kind of dependency, and on what."""

    source: int
    target: int
    kind: str
    on: str = ""

    @property
    def words(self) -> str:
        return f"{self.kind} {self.on}".rstrip()


@dataclass(frozen=True, slots=True)
class _Point:
    x: float
    y: float


def dependency_graph(nodes: Sequence[Node], arrows: Sequence[Arrow], name: str) -> Markup:
    """The picture. ``nodes`` are two at least and NODES_MAX at most."""
    assert 2 <= len(nodes) <= NODES_MAX, "a graph that can be drawn"
    places, height = _places(nodes)
    return element(
        "svg",
        element("title", name),
        element("defs", _tip("tip-strong", "arrow-tip"), _tip("tip-weak", "arrow-tip weak")),
        [_arrow(each, places, nodes) for each in _bundles(arrows)],
        [_box(node, place) for node, place in zip(nodes, places, strict=True)],
        viewBox=f"0 0 {number(WIDTH)} {number(height)}",
        role="img",
        class_="plot graph",
    )


def _places(nodes: Sequence[Node]) -> tuple[list[_Point], float]:
    """The middle of each box, and the height of the picture. Two stand side by side; more go round."""
    tallest = max(node.height for node in nodes)
    if len(nodes) == 2:
        middle = _MARGIN + 36 + tallest / 2
        return [_Point(WIDTH * 0.2, middle), _Point(WIDTH * 0.8, middle)], 2 * middle
    across = WIDTH / 2 - BOX / 2 - _MARGIN
    down = max(110.0, (tallest + 34) * len(nodes) / 4)
    middle = _MARGIN + tallest / 2 + down
    turns = [2 * pi * i / len(nodes) - pi / 2 for i in range(len(nodes))]
    return [_Point(WIDTH / 2 + across * cos(turn), middle + down * sin(turn)) for turn in turns], 2 * middle


def _box(node: Node, place: _Point) -> Markup:
    top, left = place.y - node.height / 2, place.x - BOX / 2
    shown = node.lines if len(node.lines) <= LINES_MAX else (*node.lines[: LINES_MAX - 1], "…")
    return element(
        "g",
        element("title", node.title),
        element("rect", x=left, y=top, width=BOX, height=node.height, rx=8, class_="node"),
        element("text", cut(node.name, WORDS_MAX), x=left + 10, y=top + LINE + 2, class_="node-name"),
        [
            element("text", cut(line, WORDS_MAX), x=left + 10, y=top + LINE * (i + 2) + 3, class_="node-line")
            for i, line in enumerate(shown)
        ],
    )


def _bundles(arrows: Sequence[Arrow]) -> list[list[Arrow]]:
    """Arrows that would lie upon each other: one is drawn, with the words of all."""
    bundles: dict[tuple[int, int], list[Arrow]] = {}
    for arrow in arrows:
        bundles.setdefault((arrow.source, arrow.target), []).append(arrow)
    return list(bundles.values())


def _arrow(bundle: Sequence[Arrow], places: Sequence[_Point], nodes: Sequence[Node]) -> Markup:
    first = bundle[0]
    source, target = places[first.source], places[first.target]
    bend = _bend(source, target)
    start, stop = _border(source, bend, nodes[first.source]), _border(target, bend, nodes[first.target])
    weak = all(arrow.kind in _WEAK for arrow in bundle)
    words = list(dict.fromkeys(arrow.words for arrow in bundle))
    return element(
        "g",
        element("title", f"{nodes[first.target].name} after {nodes[first.source].name}: {'; '.join(words)}"),
        element("path", d=f"M{_at(start)}Q{_at(bend)} {_at(stop)}",
                marker_end="url(#tip-weak)" if weak else "url(#tip-strong)",
                class_="arrow weak" if weak else "arrow"),
        _labels(words[:LABELS_MAX], _Point((start.x + 2 * bend.x + stop.x) / 4, (start.y + 2 * bend.y + stop.y) / 4),
                _Point(target.x - source.x, target.y - source.y)),
    )  # fmt: skip


def _labels(words: Sequence[str], middle: _Point, along: _Point) -> list[Markup]:
    """What an arrow says, on the outer side of its bend: beside one that goes up or down, else above or below."""
    if abs(along.y) > abs(along.x):
        side = 7.0 if along.y > 0 else -7.0
        x, y = middle.x + side, middle.y + 4 - LINE * (len(words) - 1) / 2
        css = "arrow-label" if side > 0 else "arrow-label end"
    else:
        x, css = middle.x, "arrow-label middle"
        y = middle.y - 6 - LINE * (len(words) - 1) if along.x > 0 else middle.y + LINE
    return [element("text", cut(each, WORDS_MAX), x=x, y=y + LINE * i, class_=css) for i, each in enumerate(words)]


def _bend(source: _Point, target: _Point) -> _Point:
    """Where the arrow bends to: beside its middle, on its left."""
    across, down = target.x - source.x, target.y - source.y
    return _Point((source.x + target.x) / 2 + down * _BEND, (source.y + target.y) / 2 - across * _BEND)


def _border(middle: _Point, towards: _Point, node: Node) -> _Point:
    """Where the straight line from the middle of a box leaves it, and a little beyond."""
    across, down = towards.x - middle.x, towards.y - middle.y
    part = min(
        BOX / 2 / abs(across) if across else 1.0,
        node.height / 2 / abs(down) if down else 1.0,
    )
    part += 5 / max(hypot(across, down), 1.0)
    return _Point(middle.x + across * part, middle.y + down * part)


def _at(point: _Point) -> str:
    return f"{number(point.x)} {number(point.y)}"


def _tip(name: str, css: str) -> Markup:
    return element(
        "marker", element("path", d="M0 0L9 4L0 8z", class_=css), id=name, viewBox="0 0 9 8", refX=7, refY=4,
        markerWidth=9, markerHeight=8, orient="auto-start-reverse", markerUnits="userSpaceOnUse",
    )  # fmt: skip
