"""When which fault was in force, read from the nemesis operations of a history.

A fault is announced and done: ``start-<fault>`` twice, ``stop-<fault>`` twice, all of type "info" (``harness.fault``).
It is in force from the announcement of its start until its stop is done; a fault that is never stopped stays in force.
The operation ``heal``, by which a run ends whatever is still in force, stops every fault.

The four lines of one application carry its number (``application`` in their values), and those of several applications
may interleave: what sets off a fault does not wait for another one. Lines without a number, as other tools write them,
come one after the other.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from harness.history import NEMESIS, History, Op

HEAL: Final = "heal"
_START: Final = "start-"
_STOP: Final = "stop-"


@dataclass(frozen=True, slots=True)
class FaultWindow:
    """One application of a fault. ``start`` and ``stop`` are positions in the history (``stop`` None: to the end),
    ``start_ns`` and ``stop_ns`` the times there (-1 where not recorded, or no stop); ``value`` says what was done.

    To begin and to end takes its time: the fault may be in force from ``start_ns`` to ``stop_ns``, and certainly is
    from ``done_ns``, when its start was done, to ``ending_ns``, when its stop was announced.
    """

    fault: str
    start: int
    start_ns: int
    stop: int | None = None
    stop_ns: int = -1
    value: Any = None
    done_ns: int = -1
    ending_ns: int = -1

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
    """The windows in order of their starts. A stop with a number ends that application's window; without one, all of
    its fault: two starts of a fault without a stop are two windows. A stop without a start is no window. Never
    raises."""
    windows: list[FaultWindow] = []
    places: dict[tuple[str, int], int] = {}  # fault and number -> position of its window
    latest: int | None = None  # of the windows without a number
    announcements = _Announcements()
    for op in _nemesis(history):
        number, announcement = application(op), announcements.before(op)
        if op.f.startswith(_START):
            fault = op.f.removeprefix(_START)
            if announcement is None:
                if number is None:
                    latest = len(windows)
                else:
                    places[fault, number] = len(windows)
                windows.append(FaultWindow(fault, op.index, op.time, value=op.value, done_ns=op.time))
            else:
                place = latest if number is None else places.get((fault, number))
                assert place is not None, "an announcement has a window"
                value = windows[place].value if op.value is None else op.value
                windows[place] = replace(windows[place], value=value, done_ns=op.time)
        elif op.f.startswith(_STOP) or op.f == HEAL:
            place = None if number is None else places.get((op.f.removeprefix(_STOP), number))
            for position in range(len(windows)) if place is None else (place,):
                windows[position] = _stopped(windows[position], op, announcement)
    return tuple(windows)


def application(op: Op) -> int | None:
    """The number of the application that a nemesis operation belongs to, if it has one."""
    number = op.value.get("application") if isinstance(op.value, Mapping) else None
    return number if type(number) is int else None


class _Announcements:
    """Which line announces what is to be done, and which says that it is done."""

    def __init__(self) -> None:
        self._numbered: dict[tuple[str, int], Op] = {}
        self._plain: Op | None = None

    def before(self, op: Op) -> Op | None:
        """The announcement of what ``op`` says is done; None if it is one itself."""
        number = application(op)
        if number is not None:
            found = self._numbered.pop((op.f, number), None)
            if found is None:
                self._numbered[op.f, number] = op
            return found
        found = self._plain if self._plain is not None and self._plain.f == op.f else None
        self._plain = op if found is None else None
        return found


def _nemesis(history: History) -> Iterable[Op]:
    return (
        history[i] for i, code in enumerate(history.processes) if code < 0 and history.process_name(code) == NEMESIS
    )


def _stopped(window: FaultWindow, op: Op, announcement: Op | None) -> FaultWindow:
    """The window, ended here if it is still open, or was ended by the announcement of what is now done."""
    ended_there = announcement is not None and window.stop == announcement.index
    if (op.f == HEAL or window.fault == op.f.removeprefix(_STOP)) and (window.stop is None or ended_there):
        ending_ns = window.ending_ns if ended_there else op.time
        return replace(window, stop=op.index, stop_ns=op.time, ending_ns=ending_ns)
    return window
