"""The verdict on sets: every key looked at, what was found counted and told."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from time import monotonic
from typing import Any, Final

from checkers.guard import guarded
from checkers.set.contents import ElementCodes, KeyedSet, sets_of
from checkers.set.explain import Scene, anomalies_of, blamed
from checkers.set.findings import Findings, look
from checkers.value import show
from harness.fault_window import fault_windows
from harness.history import INVOKE, History
from harness.result import Anomaly, Reason, Result

EXPECT: Final = "set"
_COUNTS: Final = (
    "attempts", "acknowledged", "lost", "recovered", "never_read", "unexpected", "duplicates", "stale", "reads",
)  # fmt: skip


def check(history: History, *, time_limit_s: float | None = None) -> Result:
    """Whether the sets kept what they acknowledged.

    Invalid: one anomaly "lost", "unexpected" or "duplicate" per key, its operations being (of at most 24 elements)
    both halves of the add, then both of the read. ``details`` has the counts, over all keys, and ``lost_under``: for
    each fault how many elements were acknowledged while it was in force, or just after, or before it as the next one
    ("none" if there was no such fault). Unknown where a final read is missing. Raises
    :class:`harness.history.HistoryError`.
    """
    deadline = None if time_limit_s is None else monotonic() + time_limit_s
    return guarded(EXPECT, lambda: _judge(history, deadline), method="set")


def _judge(history: History, deadline: float | None) -> Result:
    codes = ElementCodes()
    scene = Scene(history, codes, fault_windows(history))
    counts: Counter[str] = Counter()
    lost_under: Counter[str] = Counter()
    anomalies: list[Anomaly] = []
    unread: list[Any] = []
    sets = sets_of(history, codes)
    for each in sets:
        found = look(each, codes, deadline)
        _count(counts, each, found)
        lost_under.update(name for code in found.lost for name in blamed(scene, each.elements[code])[1])
        anomalies.extend(anomalies_of(scene, each, found))
        if found.final is None:
            unread.append(each.key)
    missing = (unread or not sets) and not anomalies
    return Result(
        valid=False if anomalies else "unknown" if missing else True,
        expect=EXPECT,
        method="set",
        reason=Reason.MISSING_FINAL_READ if missing else None,
        explanation=_missing(unread) if missing else None,
        anomalies=tuple(anomalies),
        operations=history.types.count(INVOKE),
        details={**{name: counts[name] for name in _COUNTS}, "lost_under": dict(lost_under), "keys": len(sets)},
    )


def _missing(keys: Sequence[Any]) -> str:
    which = "" if not keys or keys[0] is None else f" of key {show(keys[0])}"
    return f"no ok read{which} began after the last add had completed: nobody looked at what is there in the end"


def _count(counts: Counter[str], each: KeyedSet, found: Findings) -> None:
    counts["attempts"] += sum(element.attempts for element in each.elements.values())
    counts["acknowledged"] += sum(element.acknowledged is not None for element in each.elements.values())
    counts["reads"] += len(each.reads)
    for name in ("lost", "recovered", "never_read", "unexpected", "duplicates", "stale"):
        counts[name] += len(getattr(found, name))
