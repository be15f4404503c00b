"""A run's operations with their times, which is what most evidence is made of."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from harness.fault_window import FaultWindow
from harness.history import DUMP, History

NEVER_NS: Final = 1 << 62


@dataclass(frozen=True, slots=True)
class Timed:
    """One client's operation. ``begun_ns`` and ``done_ns`` (NEVER_NS where nothing came back) on the run's clock;
    ``value`` the result of an ok one, or else the argument; ``node`` is the one that answered, where that is known."""

    f: str
    process: int
    key: Any
    value: Any
    outcome: str
    node: str | None
    begun_ns: int
    done_ns: int

    @property
    def ok(self) -> bool:
        return self.outcome == "ok"


def timed(history: History) -> list[Timed]:
    """The operations of clients, dumps among them, in the order in which they were begun."""
    nodes = history.nodes
    found = []
    for call in history.calls():
        if not isinstance(call.process, int):
            continue
        place = call.invoke if call.complete is None else call.complete
        node = None if nodes is None else nodes[place] or nodes[call.invoke]
        done_ns = NEVER_NS if call.complete is None else history.times[call.complete]
        value = call.result if call.outcome == "ok" else call.argument
        found.append(
            Timed(call.f, call.process, call.key, value, call.outcome, node, history.times[call.invoke], done_ns)
        )
    return found


def load(operations: Sequence[Timed]) -> list[Timed]:
    """Without the dumps, which only look."""
    return [operation for operation in operations if operation.f != DUMP]


@dataclass(frozen=True, slots=True)
class Span:
    """When the first fault began (``begin_ns``), when all were in force (``all_ns``), when the first was healed
    (``heal_ns``), and when the last was (``end_ns``)."""

    begin_ns: int
    all_ns: int
    heal_ns: int
    end_ns: int


def end_of(window: FaultWindow) -> int:
    return NEVER_NS if window.stop is None else window.stop_ns


def span_of(windows: Sequence[FaultWindow]) -> Span | None:
    """None where nothing was broken."""
    if not windows:
        return None
    starts, ends = [window.start_ns for window in windows], [end_of(window) for window in windows]
    return Span(min(starts), max(starts), min(ends), max(ends))
