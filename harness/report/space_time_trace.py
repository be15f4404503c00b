"""What a trace says, put together: each message with its fate, each node's times of absence and of leadership."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Final, NamedTuple

from harness.history import History, Process
from harness.summary import summary, text_of
from harness.trace import EVENT, LOST, NODE_KINDS, OPERATION, PAUSE, RECV, RESUME, SEND, START, STOP, Trace

LEADS: Final = frozenset({"became-leader"})
"""Events with which a leadership begins, and with which it ends: what the bundled systems call them."""
LED: Final = frozenset({"stepped-down"})
DOWN, PAUSED, LEADER = "down", "paused", "leader"


class Moment(NamedTuple):
    """A time, and the place in the trace's order: several things may happen in one microsecond."""

    time_us: int
    order: float


@dataclass(frozen=True, slots=True)
class Flight:
    """A message under way. ``arrivals``: none if it was ``lost`` or is under way still, two if it was duplicated."""

    number: int
    source: str
    to: str
    via: str
    type: str
    text: str
    sent: Moment
    arrivals: tuple[Moment, ...] = ()
    lost: Moment | None = None
    why: str = ""

    @property
    def end(self) -> Moment | None:
        """When its fate was known: its first arrival, or its loss."""
        return self.arrivals[0] if self.arrivals else self.lost

    @property
    def replies(self) -> bool:
        return self.via in ("reply", "error") or self.type.endswith(("Reply", "Response"))


@dataclass(frozen=True, slots=True)
class Spot:
    """A moment of a node's life: an event it told (``kind`` is EVENT), or its start, stop, pause or resumption."""

    at: Moment
    kind: str
    node: str
    name: str
    text: str = ""


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of a node's life: DOWN, PAUSED or LEADER; ``stop`` None: to the end."""

    node: str
    state: str
    start: Moment
    stop: Moment | None = None


def flights(trace: Trace, origin_us: int) -> list[Flight]:
    """Every message, in the order of sending; times less ``origin_us``. What arrives without having left is ignored."""
    found: dict[int, Flight] = {}
    for order, row in enumerate(trace.rows):
        at, kind = Moment(row[0] - origin_us, order), row[1]
        if kind == SEND:
            _, _, number, source, to, via, body = row
            type_, text = summary(via, body)
            found[number] = Flight(number, source, to, via, type_, text, at)
        elif kind == RECV and (flight := found.get(row[2])) is not None:
            found[row[2]] = replace(flight, arrivals=(*flight.arrivals[:1], at))
        elif kind == LOST and (flight := found.get(row[2])) is not None:
            found[row[2]] = replace(flight, lost=at, why=row[3])
    return list(found.values())


def spots(trace: Trace, origin_us: int) -> list[Spot]:
    """Every event, start, stop, pause and resumption, in order, but for what every run begins with: nodes that start
    for the first time. That a node tells of its start itself is no second one."""
    found, died = [], set()
    for order, row in enumerate(trace.rows):
        at, kind = Moment(row[0] - origin_us, order), row[1]
        if kind == EVENT and row[3] != START:
            found.append(Spot(at, EVENT, row[2], row[3], text_of(row[4])))
        elif kind in NODE_KINDS and (kind != START or row[2] in died):
            found.append(Spot(at, kind, row[2], row[4] or kind))
        if kind == STOP:
            died.add(row[2])
    return found


def names(trace: Trace) -> set[str]:
    """Every node that started, stopped or told something."""
    return {row[2] for row in trace.rows if row[1] == EVENT or row[1] in NODE_KINDS}


def orders(trace: Trace, history: History) -> dict[int, int]:
    """Where in the trace's order the history's operations stand, by their positions in the history: the n-th line of a
    process here is its n-th there."""
    places: dict[Process, list[int]] = {}
    for order, row in enumerate(trace.rows):
        if row[1] == OPERATION:
            places.setdefault(row[2].process, []).append(order)
    found, counts = {}, Counter[int]()
    for position, process in enumerate(history.processes):
        mine = places.get(process, ())
        if process >= 0 and counts[process] < len(mine):
            found[position] = mine[counts[process]]
            counts[process] += 1
    return found


def spans(of: Iterable[Spot]) -> list[Span]:
    """When which node was down, paused or leading. A node leads no longer than it lives."""
    closed: list[Span] = []
    running: dict[tuple[str, str], Span] = {}

    def begin(spot: Spot, state: str) -> None:
        end(spot, state)
        running[spot.node, state] = Span(spot.node, state, spot.at)

    def end(spot: Spot, *states: str) -> None:
        ended = [running.pop((spot.node, state), None) for state in states]
        closed.extend(replace(span, stop=spot.at) for span in ended if span is not None)

    for spot in of:
        if spot.kind == STOP:
            end(spot, LEADER, PAUSED)
            begin(spot, DOWN)
        elif spot.kind == START:
            end(spot, DOWN, LEADER, PAUSED)
        elif spot.kind == PAUSE:
            begin(spot, PAUSED)
        elif spot.kind == RESUME:
            end(spot, PAUSED)
        elif spot.name in LEADS:
            begin(spot, LEADER)
        elif spot.name in LED:
            end(spot, LEADER)
    return sorted([*closed, *running.values()], key=lambda span: span.start)
