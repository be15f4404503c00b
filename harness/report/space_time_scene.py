"""What of a run a space-time diagram shows: the time around an anomaly, and the messages that matter there.

A second of a cluster's life is hundreds of messages, nearly all of them heartbeats. First come the messages of the
anomaly's own operations, then those that carry what these wrote, those around events of nodes, and those of a kind, on
a link, with a fate, that was not seen before; a repetition comes last, and how many were left out is said.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import inf
from typing import Any, Final

from harness.fault_window import FaultWindow
from harness.history import History
from harness.report.space_time_operation import Box, Limits, operations
from harness.report.space_time_trace import Flight, Span, Spot, flights, names, orders, spans, spots
from harness.result import Anomaly
from harness.summary import brief
from harness.trace import EVENT, Trace

MARGIN_US: Final = 30_000
BEFORE_US_MAX: Final = 3_000_000
"""So far back the window goes for the beginning of a fault that was in force when the anomaly's operations began."""
FAULTS_MAX: Final = 40
PROMPT_US: Final = 100_000
"""A message that took longer did not bring about what happened when it arrived, more often than not."""
CLIENT: Final = re.compile(r"c[0-9]{1,18}")


@dataclass(frozen=True, slots=True)
class Strip:
    """A fault in force: the nodes it names, what it did in words. ``stop_us`` is ``inf`` if it was never healed."""

    fault: str
    words: str
    nodes: frozenset[str]
    start_us: float
    stop_us: float


@dataclass(frozen=True, slots=True)
class Scene:
    """What is shown, all of it between ``start_us`` and ``stop_us``; ``zero_us`` is when operations began. ``left_out``
    counts, by type, the messages of that time that are not shown."""

    clients: tuple[str, ...]
    nodes: tuple[str, ...]
    boxes: tuple[Box, ...]
    flights: tuple[Flight, ...]
    spots: tuple[Spot, ...]
    spans: tuple[Span, ...]
    strips: tuple[Strip, ...]
    start_us: int
    stop_us: int
    zero_us: int
    left_out: Mapping[str, int]
    operations_left_out: int

    @property
    def lanes(self) -> tuple[str, ...]:
        return (*self.clients, *self.nodes)


def compose(
    trace: Trace,
    history: History,
    windows: Sequence[FaultWindow],
    anomaly: Anomaly | None,
    origin_us: int = 0,
    limits: Limits | None = None,
) -> Scene | None:
    """The scene of an anomaly (None: of the whole run); None if there is nothing to show.

    ``origin_us`` is the trace's time of the history's time 0. Raises HistoryError for a history that is none.
    """
    limits = limits or Limits()
    every, all_spots = flights(trace, origin_us), spots(trace, origin_us)
    boxes, others = operations(history, anomaly, orders(trace, history), limits)
    if not every and not all_spots:
        return None
    strips = _strips(windows)
    start_us, stop_us = _window(boxes, strips, every, all_spots)
    within = [spot for spot in all_spots if start_us <= spot.at.time_us <= stop_us]
    seen = [
        flight for flight in every if start_us <= flight.sent.time_us <= stop_us or _arrives(flight, start_us, stop_us)
    ]
    clients = tuple(dict.fromkeys(box.lane for box in sorted(boxes, key=lambda box: _number(box.lane))))
    nodes = _nodes(every, names(trace), [*within, *seen], limits.nodes)
    between = {*clients, *nodes}
    candidates = [flight for flight in seen if flight.source in between and flight.to in between]
    told = _first_of_each([spot for spot in within if spot.node in nodes], limits.events)
    chosen = _chosen(candidates, boxes, told, limits)
    numbers = {flight.number for flight in chosen}
    return Scene(
        clients=clients,
        nodes=nodes,
        boxes=tuple(boxes),
        flights=tuple(chosen),
        spots=tuple(told),
        spans=tuple(span for span in spans(all_spots) if span.node in nodes and _meets(span, start_us, stop_us)),
        strips=tuple(s for s in strips if s.stop_us >= start_us and s.start_us <= stop_us),
        start_us=start_us,
        stop_us=stop_us,
        zero_us=_zero_us(history),
        left_out=Counter(flight.type for flight in seen if flight.number not in numbers),
        operations_left_out=others,
    )


def _zero_us(history: History) -> int:
    times = (t for t, process in zip(history.times, history.processes, strict=True) if process >= 0 and t >= 0)
    return next(times, 0) // 1000


def _strips(windows: Iterable[FaultWindow]) -> list[Strip]:
    found = []
    for window in list(windows)[:FAULTS_MAX]:
        value = window.value if isinstance(window.value, Mapping) else {}
        nodes = value.get("nodes")
        named = frozenset(str(node) for node in nodes[:64]) if isinstance(nodes, (list, tuple)) else frozenset()
        stop_us = inf if window.stop_ns < 0 else window.stop_ns / 1000
        found.append(Strip(window.fault, str(window), named, max(0.0, window.start_ns / 1000), stop_us))
    return found


def _window(
    boxes: Sequence[Box], strips: Sequence[Strip], every: Sequence[Flight], told: Sequence[Spot]
) -> tuple[int, int]:
    """From the first invocation to the last completion, and back to where the faults then in force began."""
    moments = [moment for box in boxes for moment in (box.start, box.stop) if moment is not None]
    if not moments:
        moments = [*(flight.sent for flight in every), *(spot.at for spot in told)]
    start_us, stop_us = min(moments).time_us, max(moments).time_us
    begun = [
        strip.start_us for strip in strips if start_us - BEFORE_US_MAX <= strip.start_us <= start_us <= strip.stop_us
    ]
    return int(min([start_us, *begun])) - MARGIN_US, stop_us + MARGIN_US


def _arrives(flight: Flight, start_us: int, stop_us: int) -> bool:
    return any(start_us <= arrival.time_us <= stop_us for arrival in flight.arrivals)


def _meets(span: Span, start_us: int, stop_us: int) -> bool:
    return span.start.time_us <= stop_us and (span.stop is None or span.stop.time_us >= start_us)


def _number(name: str) -> tuple[str, int, str]:
    """n2 before n10."""
    digits = re.search(r"[0-9]{1,18}$", name)
    return (name[: digits.start()], int(digits[0]), name) if digits else (name, -1, name)


def _nodes(
    every: Iterable[Flight], known: Iterable[str], within: Iterable[Flight | Spot], most: int
) -> tuple[str, ...]:
    """The nodes; if they are too many, those to which the most different things happened in the window."""
    found = {*known}
    found |= {name for f in every for name in (f.source, f.to) if not CLIENT.fullmatch(name)}
    if len(found) > most:
        seen: dict[str, set[tuple[str, str]]] = {name: set() for name in found}
        for thing in within:
            if isinstance(thing, Spot):
                seen[thing.node].add((thing.name, thing.text))
            else:
                for name in (thing.source, thing.to):
                    seen.get(name, set()).add((thing.type, ""))
        found = set(sorted(found, key=lambda name: (-len(seen[name]), _number(name)))[:most])
    return tuple(sorted(found, key=_number))


def _first_of_each(of: Sequence[Spot], most: int) -> list[Spot]:
    """At most so many; of what a node tells again and again the first few."""
    ranks = _ranks(of, lambda spot: (spot.node, spot.name) if spot.kind == EVENT else (spot.node, spot.kind, spot.at))
    kept = sorted(range(len(of)), key=lambda i: (ranks[i], of[i].at))[:most]
    return [of[i] for i in sorted(kept)]


def _ranks(of: Sequence[Any], group: Callable[[Any], Any]) -> list[int]:
    """How many of the same group came before each."""
    counts: Counter[Any] = Counter()
    ranks = []
    for thing in of:
        ranks.append(counts[group(thing)])
        counts[group(thing)] += 1
    return ranks


def mention(boxes: Iterable[Box]) -> re.Pattern[str] | None:
    """What a message says that carries one of the operations: ``add 3``."""
    words = {f"{box.call.f:.40} {brief(box.call.argument, 2)}" for box in boxes if box.call.argument is not None}
    return re.compile("(?:" + "|".join(sorted(map(re.escape, words))) + r")(?![\w.])") if words else None


def _chosen(of: Sequence[Flight], boxes: Sequence[Box], told: Sequence[Spot], limits: Limits) -> list[Flight]:
    """The messages that matter most, in order."""
    carries = mention(box for box in boxes if box.named) or mention(boxes)
    asking = [(box.lane, box.start.time_us, box.end_us, box.named) for box in boxes]
    clients = {box.lane for box in boxes}
    around = {(spot.node, spot.at.time_us) for spot in told if spot.kind == EVENT}
    ranks = _ranks(of, _likeness)

    def cost(i: int) -> float:
        flight, rank = of[i], ranks[i]
        if flight.source in clients or flight.to in clients:
            of_named = [
                named for lane, a, b, named in asking
                if lane in (flight.source, flight.to) and a <= flight.sent.time_us <= b
            ]  # fmt: skip
            return rank - (100 if any(of_named) else 20) if of_named else inf
        prompt = (arrival.time_us for arrival in flight.arrivals if arrival.time_us - flight.sent.time_us < PROMPT_US)
        if {(flight.source, flight.sent.time_us), *((flight.to, time_us) for time_us in prompt)} & around:
            return rank - 60
        if carries is not None and carries.search(flight.text):
            return rank - 40
        return rank - (0.5 if flight.lost is not None or len(flight.arrivals) > 1 else 0)

    ordered = sorted(range(len(of)), key=lambda i: (cost(i), i))
    if len(of) > limits.messages:
        ordered = [i for i in ordered if cost(i) < -1 or ranks[i] < limits.repeats]
    ordered = [i for i in ordered if cost(i) < inf][: limits.messages]
    return [of[i] for i in sorted(ordered)]


def _likeness(flight: Flight) -> tuple[str, ...]:
    """What a repetition has in common: a heartbeat's round and time differ, and it is a heartbeat all the same."""
    fate = "lost" if flight.lost is not None else "arrived"
    return flight.source, flight.to, flight.type, re.sub(r"[0-9]+", "#", flight.text), fate
