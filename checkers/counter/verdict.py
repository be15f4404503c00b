"""The verdict on counters: every read held against what it may have returned."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from time import monotonic
from typing import Any, Final

from checkers.counter.contents import Counter, Read, counters_of
from checkers.counter.sums import Possible, possibilities
from checkers.guard import OutOfTimeError, guarded
from checkers.value import plain, show
from harness.history import DUMP, History
from harness.result import Anomaly, Reason, Result

EXPECT: Final = "counter"
LOW, HIGH, IMPOSSIBLE = "counter-low", "counter-high", "counter-impossible"
READS_TOLD_MAX: Final = 8
_LISTED_MAX: Final = 12


def check(history: History, *, time_limit_s: float | None = None, final_read: bool = False) -> Result:
    """Whether every read of the counters was possible, each key by itself.

    Invalid: one anomaly per wrong read (READS_TOLD_MAX per key, the first ones); its operations are both halves of the
    read, then the invocations of the open increments. Unknown, if ``final_read`` is asked for, where it is missing.
    Raises :class:`harness.history.HistoryError`.
    """
    deadline = None if time_limit_s is None else monotonic() + time_limit_s

    def tick(done: int, total: int) -> None:
        if deadline is not None and monotonic() > deadline:
            raise OutOfTimeError(f"{done} of {total} reads of a counter were looked at within the time allowed")

    return guarded(EXPECT, lambda: _judge(history, final_read, tick), method="sums")


def _judge(history: History, final_read: bool, tick: Callable[[int, int], None]) -> Result:
    counters = counters_of(history)
    anomalies: list[Anomaly] = []
    wrong = bounded = 0
    for each in counters:
        told = 0
        for read, possible in possibilities(each, tick):
            bounded += possible.sums is None
            if possible.allows(read.value):
                continue
            wrong, told = wrong + 1, told + 1
            if told <= READS_TOLD_MAX:
                anomalies.append(_anomaly(each, read, possible))
    unread = [each.key for each in counters if each.increments and not each.is_read_last]
    unseen = bool(unread or not counters)
    missing = unseen and not anomalies and (final_read or not counters)
    return Result(
        valid=False if anomalies else "unknown" if missing else True,
        expect=EXPECT,
        method="sums",
        reason=Reason.MISSING_FINAL_READ if missing else None,
        explanation=_missing(unread) if unseen and not anomalies else None,
        anomalies=tuple(anomalies),
        operations=sum(1 for call in history.calls() if call.f != DUMP),
        details={
            "keys": len(counters),
            "increments": sum(len(each.increments) for each in counters),
            "reads": sum(len(each.reads) for each in counters),
            "wrong_reads": wrong,
            "reads_by_bounds_only": bounded,
            "final_read": not unseen,
        },
    )


def _missing(keys: Sequence[Any]) -> str:
    which = "" if not keys or keys[0] is None else f" of key {show(keys[0])}"
    return f"no ok read{which} began after the last increment had ended: nobody looked at what is there in the end"


def _anomaly(each: Counter, read: Read, possible: Possible) -> Anomaly:
    value, process = read.value, read.call.process
    told = (
        f"process {process} read {value}" if read.own is None else f"process {process}'s {read.call.f} returned {value}"
    )
    type_ = LOW if value < possible.low else HIGH if value > possible.high else IMPOSSIBLE
    where = "" if each.key is None else f"key {show(each.key)}: "
    return Anomaly(
        type=type_,
        operations=(read.call.invoke, read.end, *(i.invoke for i in possible.open[:_LISTED_MAX])),
        explanation=f"{where}{told} (op {read.end}), {_objection(type_, read, possible)}.",
        details={
            "key": plain(each.key),
            "value": plain(value),
            "low": plain(possible.low),
            "high": plain(possible.high),
            "acknowledged": plain(possible.sure),
            "open": [plain(i.delta) for i in possible.open[:_LISTED_MAX]],
        },
    )


def _objection(type_: str, read: Read, possible: Possible) -> str:
    before = "acknowledged before that read began" if read.own is None else "acknowledged before it began or its own"
    sure = f"{_increments(possible.surely)} {before}, {possible.sure} in all"
    if type_ == LOW:
        least = (
            "" if possible.low == possible.sure else f", and with those that were open it is at least {possible.low}"
        )
        return f"though there were {sure}{least}"
    if not possible.open:
        return f"though no more than {possible.high} had been asked for: {sure}"
    count = len(possible.open)
    open_ = f"{count} open: {', '.join(str(i.delta) for i in possible.open[:_LISTED_MAX])}"
    open_ += f" and {count - _LISTED_MAX} more" if count > _LISTED_MAX else ""
    if type_ == HIGH:
        return f"though at most {possible.high} had been asked for: {sure}, and {open_}"
    left = read.value - possible.sure
    return f"which is no possible sum: {sure}, and of those that were open ({open_}) none make {left}"


def _increments(count: int) -> str:
    return "1 increment" if count == 1 else f"{count} increments"
