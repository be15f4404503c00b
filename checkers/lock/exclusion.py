"""Mutual exclusion: no two processes certainly hold the same lock at the same time.

``checkers.lock`` has the operations, ``checkers.lock.hold`` from when to when a hold is certain. Two certain holds of
different processes that overlap have a moment at which both had been granted the lock and neither had asked to give it
back: no order of the operations explains that, for a lock that knows its owner. Where a certain hold meets only the
doubtful part of another one, it is not known (unknown-outcome).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import inf
from typing import Final

from checkers.guard import guarded
from checkers.lock.hold import Hold, Lock, locks_of, positions_of, where
from checkers.value import plain
from harness.history import INVOKE, History
from harness.result import Anomaly, Reason, Result

EXPECT: Final = "mutual-exclusion"
ANOMALY: Final = "two-holders"
PAIRS_TOLD_MAX: Final = 8

Pair = tuple[Hold, Hold]  # the one that held it first, and the one that came to hold it too


def check(history: History, *, time_limit_s: float | None = None) -> Result:
    """Whether every lock had one holder at a time. O(n log n); the time limit is unused.

    Invalid: one anomaly "two-holders" per pair (PAIRS_TOLD_MAX per key, the first ones), its operations being both
    halves of both acquires and, where there is one, the invocation of the release that ended the first one's hold.
    Unknown where fewer than two grants leave nothing to exclude, or where a doubtful hold decides. Raises
    :class:`harness.history.HistoryError`.
    """
    return guarded(EXPECT, lambda: _judge(history), method="holds")


def _judge(history: History) -> Result:
    locks = locks_of(history)
    anomalies: list[Anomaly] = []
    doubts: list[str] = []
    overlaps = 0
    for lock in locks:
        pairs = list(overlapping(lock.holds, doubtful=False))
        overlaps += len(pairs)
        anomalies += [_anomaly(history, lock, pair) for pair in pairs[:PAIRS_TOLD_MAX]]
        doubts += [_doubt(lock, pair) for pair in overlapping(lock.holds, doubtful=True)][:1]
    grants = sum(len(lock.grants) for lock in locks)
    reason = None if anomalies else Reason.UNKNOWN_OUTCOME if doubts else Reason.TOO_FEW_OK if grants < 2 else None
    return Result(
        valid=False if anomalies else "unknown" if reason else True,
        expect=EXPECT,
        method="holds",
        reason=reason,
        explanation=None if reason is None else doubts[0] if doubts else _too_few(grants),
        anomalies=tuple(anomalies),
        operations=history.types.count(INVOKE),
        details={
            "grants": grants,
            "holds": sum(len(lock.holds) for lock in locks),
            "overlaps": overlaps,
            "releases_by_others": sum(len(lock.foreign) for lock in locks),
            "keys": len(locks),
        },
    )


def _too_few(grants: int) -> str:
    return f"a lock was granted {'once' if grants else 'never'}: there was nobody else to exclude"


def overlapping(holds: Sequence[Hold], *, doubtful: bool) -> Iterator[Pair]:
    """Each hold that certainly began while another process certainly held the lock (or, if ``doubtful``, held it at
    least doubtfully), with that one: of all such the one that ends last. At most one pair per hold.

    In order of their starts it is enough to remember the hold that ends last: where even that one has ended, all have.
    It is another process's, for the holds of one process follow each other.
    """
    last: Hold | None = None
    for hold in sorted(holds, key=lambda hold: hold.start):
        if last is not None and hold.start < hold.certain_end and hold.start < _end(last, doubtful):
            assert last.process != hold.process, "a process holds a lock once at a time"
            yield last, hold
        if last is None or _end(hold, doubtful) > _end(last, doubtful):
            last = hold


def _end(hold: Hold, doubtful: bool) -> float:
    return hold.end if doubtful else hold.certain_end


def _anomaly(history: History, lock: Lock, pair: Pair) -> Anomaly:
    first, second = pair
    asked = "never asked to release it" if first.certain_end == inf else (
        f"did not ask to release it before op {int(first.certain_end)}")  # fmt: skip
    release = () if first.certain_end == inf else (int(first.certain_end),)
    return Anomaly(
        type=ANOMALY,
        operations=(*positions_of([first.acquire, second.acquire]), *release),
        explanation=(
            f"{where(lock.key)}process {second.process} was granted the lock (op {second.start}) while process "
            f"{first.process} held it: that one had been granted it (op {first.start}) and {asked}"
            f"{_for_how_long(history, first, second)}."
        ),
        details={"key": plain(lock.key), "holders": [plain(first.process), plain(second.process)]},
    )


def _for_how_long(history: History, first: Hold, second: Hold) -> str:
    end = min(first.certain_end, second.certain_end)
    if end == inf or history.times[second.start] < 0 or history.times[int(end)] < 0:
        return ""
    return f"; both held it for at least {(history.times[int(end)] - history.times[second.start]) / 1e6:.1f} ms"


def _doubt(lock: Lock, pair: Pair) -> str:
    first, second = pair
    return (
        f"{where(lock.key)}process {second.process} was granted the lock (op {second.start}) when process "
        f"{first.process}, which had been granted it (op {first.start}), may still have held it: a release "
        f"that failed, or one by a process that did not hold it, leaves open when that ended"
    )
