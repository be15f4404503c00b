"""Which operations a space-time diagram shows: the anomaly's, and what the same clients did around them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import inf
from typing import Final

from harness.history import Call, History
from harness.report.space_time_trace import Moment
from harness.report.text import shown
from harness.result import Anomaly

LAST: Final = 2


@dataclass(frozen=True, slots=True)
class Limits:
    """How much is shown."""

    messages: int = 52
    repeats: int = 1
    events: int = 30
    clients: int = 4
    nodes: int = 9
    operations: int = 10


@dataclass(frozen=True, slots=True)
class Box:
    """A client's operation; ``named`` if it is one of the anomaly's. ``stop`` None: nothing ever came back."""

    call: Call
    lane: str
    start: Moment
    stop: Moment | None
    named: bool

    @property
    def end_us(self) -> float:
        """Until when it may still do something: what nobody knows the end of, for ever."""
        return inf if self.stop is None or self.call.outcome == "info" else self.stop.time_us

    @property
    def asked(self) -> str:
        key = "" if self.call.key is None else f"{shown(self.call.key, 10)}: "
        argument = "" if self.call.argument is None else f" {shown(self.call.argument, 30)}"
        return f"{key}{self.call.f[:30]}{argument}"

    @property
    def answered(self) -> str:
        """How it ended: ``3``, ``ok``, ``failed: not-leader``, ``unknown: timeout``."""
        call = self.call
        if call.outcome == "ok":
            return "ok" if call.result is not None and call.result == call.argument else shown(call.result, 40)
        word = "failed" if call.outcome == "fail" else "unknown"
        return (
            word
            if call.error is None
            else f"{word}: {call.error if isinstance(call.error, str) else shown(call.error)}"
        )


def operations(
    history: History, anomaly: Anomaly | None, places: Mapping[int, int], limits: Limits
) -> tuple[list[Box], int]:
    """The operations to show, and how many of the anomaly's are not. Of a small history all of them are; ``places`` are
    their places in the order of the trace."""
    calls = [call for call in history.calls() if history.times[call.invoke] >= 0]
    named = _named(calls, anomaly)
    picked = named if len(named) <= limits.operations else named[: limits.operations - LAST] + named[-LAST:]
    if not named or len(calls) <= limits.operations:
        picked = _with(picked, calls, limits.operations)
    processes = list(dict.fromkeys(call.process for call in picked))
    if len(processes) > limits.clients:  # what an anomaly names last is often the read that shows it
        processes = processes[: limits.clients - 1] + processes[-1:]
    kept = [call for call in picked if call.process in processes]
    by_them = [call for call in _meanwhile(history, calls, kept) if call.process in processes]
    positions, shown_positions = {call.invoke for call in named}, {call.invoke for call in kept}
    boxes = [
        _box(history, call, places, call.invoke in positions)
        for call in sorted(_with(kept, by_them, limits.operations), key=lambda call: call.invoke)
    ]
    return boxes, len(positions - shown_positions)


def _named(calls: Sequence[Call], anomaly: Anomaly | None) -> list[Call]:
    """The operations that an anomaly names by either of their lines, each once, in its order."""
    by_position = {position: call for call in calls for position in (call.invoke, call.complete)}
    positions = () if anomaly is None else anomaly.operations
    return list({by_position[p].invoke: by_position[p] for p in positions if p in by_position}.values())


def _with(calls: Sequence[Call], others: Sequence[Call], most: int) -> list[Call]:
    """``calls`` and, up to ``most``, the others that are not among them."""
    known = {call.invoke for call in calls}
    return [*calls, *(call for call in others if call.invoke not in known)][: max(most, len(calls))]


def _meanwhile(history: History, calls: Sequence[Call], kept: Sequence[Call]) -> list[Call]:
    """The operations between the first and the last of ``kept``: first those on the same keys, then the nearest."""
    if not kept:
        return []
    starts = sorted(history.times[call.invoke] for call in kept)
    keys = {str(call.key) for call in kept}

    def far(call: Call) -> tuple[bool, int, int]:
        at = history.times[call.invoke]
        return str(call.key) not in keys, min(abs(at - start) for start in starts), call.invoke

    return sorted((c for c in calls if starts[0] <= history.times[c.invoke] <= starts[-1]), key=far)


def _box(history: History, call: Call, places: Mapping[int, int], named: bool) -> Box:
    def moment(position: int, otherwise: float) -> Moment:
        return Moment(history.times[position] // 1000, places.get(position, otherwise))

    known = call.complete is not None and history.times[call.complete] >= 0
    stop = moment(call.complete, inf) if known and call.complete is not None else None
    return Box(call, f"c{call.process}", moment(call.invoke, -1), stop, named)
