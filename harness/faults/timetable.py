"""The schedule as operations of the process "nemesis": a pure generator, so that faults stand in the history.

Each application gives two operations, ``start-<fault>`` and ``stop-<fault>``, whose value is the request that
:class:`harness.faults.nemesis.Nemesis` executes: the action's fields and the number of the ``application``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from harness.generator.core import PENDING, Context, Generator, Pending
from harness.history import NEMESIS, Op
from harness.plan import ScheduledFault

START: Final = "start-"
STOP: Final = "stop-"


Step = tuple[str, int]
"""The name of a nemesis operation and the number of its application."""


@dataclass(frozen=True, slots=True)
class _Entry:
    """One operation to come: its time in ns from the start of the main phase; and the least time in ns since the
    operation ``after`` was really done, which may have taken long (a leader to be elected, nodes to be started)."""

    time_ns: int
    op: Op
    after: Step | None = None
    distance_ns: int = 0


@dataclass(frozen=True, slots=True)
class Timetable:
    """Generator of a schedule's operations. Its times count from the first moment it is asked or told anything;
    ``position`` is how many of the ``entries`` are over. It is asked at every step of a run: whatever changes nothing
    copies nothing."""

    entries: tuple[_Entry, ...]
    origin_ns: int | None = None
    done_ns: Mapping[Step, int] = field(default_factory=dict)
    position: int = 0

    def op(self, context: Context) -> tuple[Op | Pending, Generator] | None:
        if self.position >= len(self.entries):
            return None
        if self.origin_ns is None:
            return PENDING, Timetable(self.entries, context.time, self.done_ns, self.position)
        if NEMESIS not in context.free:
            return PENDING, self
        entry = self.entries[self.position]
        time = max(context.time, self.origin_ns + entry.time_ns)
        if entry.after is not None and entry.after in self.done_ns:
            time = max(time, self.done_ns[entry.after] + entry.distance_ns)
        successor = Timetable(self.entries, self.origin_ns, self.done_ns, self.position + 1)
        return Op("info", NEMESIS, entry.op.f, entry.op.value, time), successor

    def update(self, context: Context, event: Op) -> Generator:
        done_ns = self.done_ns
        if event.process == NEMESIS and event.f.startswith((START, STOP)) and isinstance(event.value, Mapping):
            done_ns = {**done_ns, (event.f, event.value["application"]): event.time}
        elif self.origin_ns is not None:
            return self
        origin_ns = context.time if self.origin_ns is None else self.origin_ns
        return Timetable(self.entries, origin_ns, done_ns, self.position)


def timetable(schedule: Sequence[ScheduledFault], origin_ns: int | None = None) -> Timetable:
    """The generator of a schedule's faults, but for those that something sets off
    (:class:`harness.faults.triggered.TriggeredFaults` applies them). ``origin_ns`` is the start of the main phase, if
    already known.

    When an operation takes long, the next one comes late: a window, and a quiet stretch between two faults that do not
    overlap, keeps at least half its length.
    """
    entries: list[_Entry] = []
    latest: int | None = None  # of those before, the one that stops last
    for number, fault in enumerate(schedule):
        if fault.trigger is not None:
            continue
        value = {"application": number, **fault.action}
        start = Op("info", NEMESIS, START + fault.fault, value)
        stop = Op("info", NEMESIS, STOP + fault.fault, value)
        before = None if latest is None else schedule[latest]
        quiet_ns = 0 if before is None else fault.start_ns - before.stop_ns
        if before is None or quiet_ns < 0:
            entries.append(_Entry(fault.start_ns, start))
        else:
            assert latest is not None, "there is one before"
            entries.append(_Entry(fault.start_ns, start, (STOP + before.fault, latest), quiet_ns // 2))
        entries.append(_Entry(fault.stop_ns, stop, (start.f, number), (fault.stop_ns - fault.start_ns) // 2))
        if before is None or fault.stop_ns > before.stop_ns:
            latest = number
    return Timetable(tuple(sorted(entries, key=lambda entry: entry.time_ns)), origin_ns)
