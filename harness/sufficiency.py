"""Did enough happen? A run in which nothing was asked, or nothing could go wrong, is no evidence of correctness."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from itertools import islice
from math import inf
from typing import Any, Final

from harness.history import FAIL, INVOKE, OK, History
from harness.plan import Plan
from harness.result import Reason
from harness.workload import OK_OF_ASKED, Thresholds


@dataclass(frozen=True, slots=True)
class Asked:
    """How many operations of each counted name a plan asks for in its main phase, and ``total`` of any name: listed in
    the plan (``exact``), or to be expected of its rate and its time."""

    counts: Mapping[str, float]
    total: float
    exact: bool = False


NO_PLAN: Final = Asked({}, inf)
"""Where no plan is known, as much is demanded as of a long one."""


def asked(plan: Plan, thresholds: Thresholds) -> Asked:
    """What the plan asks for; each of the counted operations equally often, unless they are listed."""
    if plan.operations is not None:
        return Asked(Counter(operation.f for operation in plan.operations), len(plan.operations), exact=True)
    total = plan.rate_hz * plan.time_limit_s
    return Asked(dict.fromkeys(thresholds.counted, total / max(1, len(thresholds.counted))), total)


def ok_min(thresholds: Thresholds, f: str, plan: Asked) -> int:
    """How many ok completions of ``f`` a valid verdict needs."""
    count = plan.counts.get(f, 0 if plan.exact else inf)
    share = thresholds.ok_of_asked.get(f, OK_OF_ASKED)
    least = 1 if plan.exact and count > 0 and f not in thresholds.ok_of_asked else 0
    return max(least, int(min(thresholds.ok_min, share * count)))


def shortfall(
    history: History, thresholds: Thresholds, end: int | None = None, plan: Asked = NO_PLAN
) -> tuple[Reason, str] | None:
    """Why too little happened for a valid verdict, with the figures; None if enough did.

    ``end`` is the position at which the main phase ended (None: with the history). What is asked later, when all is
    healed, shows that the system works again, and not that it did right while it was disturbed.
    """
    total = 0
    for f in thresholds.counted:
        needed = ok_min(thresholds, f, plan)
        invoked, ok = _count(history, f, INVOKE, end), _count(history, f, OK, end)
        total += ok
        share = thresholds.ok_share_min * invoked
        if ok < needed or ok < share >= 1:  # a share of less than one operation asks for none
            return Reason.TOO_FEW_OK, (
                f"{ok} of {invoked} operations {f!r} succeeded; a verdict needs at least {needed} and "
                f"{thresholds.ok_share_min:.0%} of them: run longer, at a higher rate, or with fewer faults"
            )
    if total < (needed := 1 if plan.exact else thresholds.ok_least):
        return Reason.TOO_FEW_OK, (
            f"{total} operations succeeded of {', '.join(map(repr, thresholds.counted))}; a verdict needs at least "
            f"{needed}: run longer, at a higher rate, or with fewer faults"
        )
    if plan.total < thresholds.conflicts_from:
        return None
    conflicts = count_conflicts(history, thresholds.writes, thresholds.conflicts_min, end, thresholds.touched)
    if conflicts < thresholds.conflicts_min:
        return Reason.NO_CONFLICT, (
            f"{conflicts} pairs of operations on the same key overlapped with a write among them; a verdict needs at "
            f"least {thresholds.conflicts_min}: raise the rate or the concurrency"
        )
    return None


def _count(history: History, f: str, code: int, end: int | None) -> int:
    if f not in history.f_names:
        return 0
    wanted = history.f_names.index(f)
    return sum(
        1
        for name, kind, process in islice(zip(history.fs, history.types, history.processes, strict=True), end)
        if name == wanted and kind == code and process >= 0
    )


def count_conflicts(
    history: History,
    writes: tuple[str, ...],
    enough: int,
    end: int | None = None,
    touched: Callable[[Any], Iterable[tuple[Any, bool]]] | None = None,
) -> int:
    """Pairs of client operations on the same key that overlapped, one of them in ``writes``; stops at ``enough``, or at
    position ``end``. ``touched``: see :class:`harness.workload.Thresholds`; such a pair counts once per key.

    Operations that failed are left out: they did nothing that another could have met. One that ended in "info" counts
    until then, though it may take effect later: that it overlaps all that follows says nothing about the load.
    """
    partners, conflicts = history.partners, 0
    running: dict[Any, dict[int, bool]] = {}  # key -> invocation -> whether it writes
    for index, code in islice(enumerate(history.types), end):
        if history.processes[index] < 0:
            continue
        start = index if code == INVOKE else partners[index]
        keys = _keys(history, start, writes, touched)
        if code != INVOKE:
            for key in keys:
                running.get(key, {}).pop(start, None)
            continue
        completion = partners[index]
        if completion >= 0 and history.types[completion] == FAIL:
            continue
        for key, writing in keys.items():
            others = running.setdefault(key, {})
            conflicts += len(others) if writing else sum(others.values())
            others[index] = writing
        if conflicts >= enough:
            return conflicts
    return conflicts


def _keys(
    history: History, start: int, writes: tuple[str, ...], touched: Callable[[Any], Iterable[tuple[Any, bool]]] | None
) -> dict[Any, bool]:
    """The keys of an invocation, each with whether it is written."""
    writing = history.f_names[history.fs[start]] in writes
    if touched is None or not writing:
        return {history.keys[start] if history.keys else None: writing}
    keys: dict[Any, bool] = {}
    for key, written in touched(history.values[start]):
        keys[key] = keys.get(key, False) or written
    return keys
