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
    """Before ``begin_ns`` no fault was in force, from ``all_ns`` to ``heal_ns`` all were, after ``end_ns`` none."""

    begin_ns: int
    all_ns: int
    heal_ns: int
    end_ns: int


def end_of(window: FaultWindow) -> int:
    """When it was healed for certain."""
    return NEVER_NS if window.stop is None else window.stop_ns


def ending_of(window: FaultWindow) -> int:
    """Until when it was certainly in force."""
    return NEVER_NS if window.stop is None else window.ending_ns


def span_of(windows: Sequence[FaultWindow]) -> Span | None:
    """None where nothing was broken."""
    if not windows:
        return None
    return Span(
        begin_ns=min(window.start_ns for window in windows),
        all_ns=max(window.done_ns for window in windows),
        heal_ns=min(map(ending_of, windows)),
        end_ns=max(map(end_of, windows)),
    )
