"""The schedule as operations of the process "nemesis": a pure generator, so that faults stand in the history.

Each application gives two operations, ``start-<fault>`` and ``stop-<fault>``, whose value is the request that
:class:`harness.faults.nemesis.Nemesis` executes: the action's fields and the number of the ``application``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from harness.generator.core import PENDING, Context, Generator, Pending
from harness.history import NEMESIS, Op
from harness.plan import ScheduledFault

START: Final = "start-"
STOP: Final = "stop-"


@dataclass(frozen=True, slots=True)
class _Entry:
    """One operation to come: its time in ns from the start of the main phase, and for a stop the least time in ns
    between what the start really took and it (a start may wait for a leader to be elected)."""

    time_ns: int
    op: Op
    application: int
    window_min_ns: int = 0


@dataclass(frozen=True, slots=True)
class Timetable:
    """Generator of a schedule's operations. Its times count from the first moment it is asked or told anything."""

    entries: tuple[_Entry, ...]
    origin_ns: int | None = None
    started_ns: tuple[tuple[int, int], ...] = ()

    def op(self, context: Context) -> tuple[Op | Pending, Generator] | None:
        if not self.entries:
            return None
        if self.origin_ns is None:
            return PENDING, replace(self, origin_ns=context.time)
        if NEMESIS not in context.free:
            return PENDING, self
        entry = self.entries[0]
        time = max(context.time, self.origin_ns + entry.time_ns, self._earliest(entry))
        return replace(entry.op, time=time), replace(self, entries=self.entries[1:])

    def _earliest(self, entry: _Entry) -> int:
        if not entry.window_min_ns:
            return 0
        return max((time + entry.window_min_ns for number, time in self.started_ns if number == entry.application),
                   default=0)  # fmt: skip

    def update(self, context: Context, event: Op) -> Generator:
        origin_ns = context.time if self.origin_ns is None else self.origin_ns
        started_ns = self.started_ns
        if event.process == NEMESIS and event.f.startswith(START):
            number = event.value["application"]
            started_ns = (*(entry for entry in started_ns if entry[0] != number), (number, event.time))
        return replace(self, origin_ns=origin_ns, started_ns=started_ns)


def timetable(schedule: Sequence[ScheduledFault], origin_ns: int | None = None) -> Timetable:
    """The generator of a schedule. ``origin_ns`` is the start of the main phase, if already known."""
    entries = []
    for number, fault in enumerate(schedule):
        value = {"application": number, **fault.action}
        start = Op("info", NEMESIS, START + fault.fault, value)
        stop = Op("info", NEMESIS, STOP + fault.fault, value)
        entries += [
            _Entry(fault.start_ns, start, number),
            _Entry(fault.stop_ns, stop, number, window_min_ns=(fault.stop_ns - fault.start_ns) // 2),
        ]
    return Timetable(tuple(sorted(entries, key=lambda entry: entry.time_ns)), origin_ns)
