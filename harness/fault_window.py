"""When which fault was in force, read from the nemesis operations of a history.

A fault is announced and done: ``start-<fault>`` twice, ``stop-<fault>`` twice, all of type "info" (``harness.fault``).
It is in force from the announcement of its start until its stop is done; a fault that is never stopped stays in force.
The operation ``heal``, by which a run ends whatever is still in force, stops every fault.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from harness.history import NEMESIS, History, Op

_START: Final = "start-"
_STOP: Final = "stop-"
_HEAL: Final = "heal"


@dataclass(frozen=True, slots=True)
class FaultWindow:
    """One application of a fault. ``start`` and ``stop`` are positions in the history (``stop`` None: to the end),
    ``start_ns`` and ``stop_ns`` the times there (-1 where not recorded, or no stop); ``value`` says what was done."""

    fault: str
    start: int
    start_ns: int
    stop: int | None = None
    stop_ns: int = -1
    value: Any = None

    def overlaps(self, first: int, last: int) -> bool:
        """Whether it was in force at some moment from position ``first`` to position ``last``."""
        return self.start <= last and (self.stop is None or first <= self.stop)

    def __str__(self) -> str:
        details = self.value if isinstance(self.value, Mapping) else {}
        shape, nodes = details.get("shape"), details.get("nodes")
        parts = [shape[:40]] if isinstance(shape, str) else []
        if isinstance(nodes, (list, tuple)):
            parts.extend(str(node)[:20] for node in nodes[:8])
        return f"{self.fault} ({', '.join(parts)})" if parts else self.fault


def fault_windows(history: History) -> tuple[FaultWindow, ...]:
    """The windows in order of their starts. Two starts of a fault without a stop are two windows, and one stop ends
    them all; a stop without a start is no window. Never raises."""
    windows: list[FaultWindow] = []
    announced: Op | None = None
    for op in _nemesis(history):
        announcement = announced if announced is not None and announced.f == op.f else None
        announced = op if announcement is None else None
        if op.f.startswith(_STOP) or op.f == _HEAL:
            windows = [_stopped(window, op, announcement) for window in windows]
        elif op.f.startswith(_START) and announcement is None:
            windows.append(FaultWindow(op.f.removeprefix(_START), op.index, op.time, value=op.value))
        elif op.f.startswith(_START) and op.value is not None:
            windows[-1] = replace(windows[-1], value=op.value)
    return tuple(windows)


def _nemesis(history: History) -> Iterable[Op]:
    return (
        history[i] for i, code in enumerate(history.processes) if code < 0 and history.process_name(code) == NEMESIS
    )


def _stopped(window: FaultWindow, op: Op, announcement: Op | None) -> FaultWindow:
    """The window, ended here if it is still open, or was ended by the announcement of what is now done."""
    ended_there = announcement is not None and window.stop == announcement.index
    if (op.f == _HEAL or window.fault == op.f.removeprefix(_STOP)) and (window.stop is None or ended_there):
        return replace(window, stop=op.index, stop_ns=op.time)
    return window
