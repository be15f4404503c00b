"""Passes over a plan's times: earlier, closer together, rounder, shorter."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from typing import Final

from harness.plan import Plan, ScheduledFault, ScheduledOperation
from harness.search.shrink_figure import GRIDS_NS, on_grid
from harness.search.shrink_oracle import Accept

DURATIONS_NS: Final = tuple(ms * 1_000_000 for ms in (100, 200, 300, 500, 1000, 2000, 3000))
HORIZON_SPARES_S: Final = (0.0, 0.5, 1.0, 2.0, 4.0)
STEP_NS: Final = 100_000_000
WAITS_MAX: Final = 12

Clock = Callable[[int], int]
"""Old time -> new time, both in ns from the start of the main phase."""


def cut_after(plan: Plan, shown_ns: int | None, accept: Accept) -> Plan:
    """Without what comes after the moment at which the failure was complete."""
    if shown_ns is None:
        return plan
    return _cut(plan, shown_ns + 1, accept) or plan


def shorter_horizon(plan: Plan, accept: Accept) -> Plan:
    """End soon after the last thing that the plan says."""
    last_s = last_ns(plan) / 1e9
    for spare_s in HORIZON_SPARES_S:
        limit_s = _up(last_s + spare_s)
        if limit_s >= plan.time_limit_s:
            break
        if (found := accept(replace(plan, time_limit_s=limit_s))) is not None:
            return found
    return plan


def last_ns(plan: Plan) -> int:
    """The last moment that the plan names."""
    moments = [operation.time_ns for operation in plan.operations or ()]
    moments += [entry.stop_ns for entry in plan.schedule]
    return max(moments, default=0)


def _up(seconds: float) -> float:
    """The next tenth of a second above: what begins at the very end would not be asked."""
    return (int(seconds * 10) + 1) / 10


def _cut(plan: Plan, end_ns: int, accept: Accept) -> Plan | None:
    """The plan up to ``end_ns``: faults that begin later are left out, those in force end with it."""
    limit_s = _up(end_ns / 1e9)
    limit_ns = round(limit_s * 1e9)
    if limit_s >= plan.time_limit_s:
        return None
    schedule = tuple(
        entry if entry.stop_ns <= limit_ns else replace(entry, stop_ns=max(entry.start_ns, limit_ns))
        for entry in plan.schedule
        if entry.start_ns < end_ns
    )
    operations = plan.operations
    if operations is not None:
        operations = tuple(operation for operation in operations if operation.time_ns <= end_ns)
    names = ",".join(sorted({entry.fault for entry in schedule})) or "none"
    return accept(replace(plan, schedule=schedule, faults=names, operations=operations, time_limit_s=limit_s))


def shorter_faults(plan: Plan, accept: Accept) -> Plan:
    """Each fault in force for a shorter, round time."""
    for place, entry in enumerate(plan.schedule):
        length_ns = entry.stop_ns - entry.start_ns
        for duration_ns in DURATIONS_NS:
            if duration_ns >= length_ns:
                break
            shorter = replace(entry, stop_ns=entry.start_ns + duration_ns)
            if (found := accept(_with_fault(plan, place, shorter))) is not None:
                plan = found
                break
    return plan


def _with_fault(plan: Plan, place: int, entry: ScheduledFault) -> Plan:
    return replace(plan, schedule=(*plan.schedule[:place], entry, *plan.schedule[place + 1 :]))


def earlier(plan: Plan, accept: Accept) -> Plan:
    """Begin sooner, then less waiting between one moment and the next, from the longest wait on."""
    for gap_ns, before_ns in _gaps(plan):
        for left_ns in (0, STEP_NS, gap_ns // 2):
            shift_ns = gap_ns - left_ns
            if shift_ns < STEP_NS // 2:
                continue
            if (found := accept(moved(plan, _sooner(before_ns, shift_ns)))) is not None:
                return earlier(found, accept)
    return plan


def _gaps(plan: Plan) -> list[tuple[int, int]]:
    """(length, the moment before it) of the longest waits, the longest first; that before the first moment begins at
    -1."""
    moments = sorted({*_moments(plan)})
    waits = [(after - max(before, 0), before) for before, after in zip([-1, *moments], moments, strict=False)]
    return sorted(waits, reverse=True)[:WAITS_MAX]


def _moments(plan: Plan) -> Iterator[int]:
    yield from (operation.time_ns for operation in plan.operations or ())
    for entry in plan.schedule:
        if entry.trigger is None:
            yield entry.start_ns
            yield entry.stop_ns


def rounder(plan: Plan, accept: Accept) -> Plan:
    """All times on a grid of 1 s, else 100 ms, 10 ms, 1 ms; then each alone on the coarsest grid that will do."""
    for grid_ns in GRIDS_NS:
        candidate = moved(plan, partial(on_grid, grid_ns=grid_ns))
        if candidate == plan:
            break
        if (found := accept(candidate)) is not None:
            plan = found
            break
    for moment in sorted({*_moments(plan)}):
        plan = _round_one(plan, moment, accept)
    return plan


def _round_one(plan: Plan, moment: int, accept: Accept) -> Plan:
    for grid_ns in GRIDS_NS[1:]:
        target = on_grid(moment, grid_ns)
        if target == moment:
            break
        if (found := accept(moved(plan, _only(moment, target)))) is not None:
            return found
    return plan


def _sooner(after_ns: int, shift_ns: int) -> Clock:
    """All that comes after a moment, earlier by as much."""
    return lambda time_ns: time_ns - shift_ns if time_ns > after_ns else time_ns


def _only(moment_ns: int, target_ns: int) -> Clock:
    """That moment alone is another one."""
    return lambda time_ns: target_ns if time_ns == moment_ns else time_ns


def moved(plan: Plan, clock: Clock) -> Plan:
    """The plan with other times; operations stay in the order of theirs. The horizon only grows where it must."""
    operations = plan.operations
    if operations is not None:
        operations = tuple(_by_time(replace(operation, time_ns=clock(operation.time_ns)) for operation in operations))
    schedule = tuple(entry if entry.trigger is not None else _shifted(entry, clock) for entry in plan.schedule)
    changed = replace(plan, operations=operations, schedule=schedule)
    return replace(changed, time_limit_s=max(plan.time_limit_s, _up(last_ns(changed) / 1e9)))


def _by_time(operations: Iterator[ScheduledOperation]) -> Sequence[ScheduledOperation]:
    return sorted(operations, key=lambda operation: operation.time_ns)


def _shifted(entry: ScheduledFault, clock: Clock) -> ScheduledFault:
    start_ns = clock(entry.start_ns)
    return replace(entry, start_ns=start_ns, stop_ns=max(start_ns, clock(entry.stop_ns)))
