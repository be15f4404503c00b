"""The counter checker: is every value that was read a sum of increments that could have been there?

After Jepsen's ``counter`` checker, and sharper. Operations: ``inc`` or ``add`` (the value is the amount, negative ones
too) and ``read`` (an ok value is the sum; null is 0). For each ok read

* an increment that was acknowledged before the read began is *surely* in it;
* one that failed, or that was invoked after the read had ended, is surely not;
* every other one is *open*: it ran beside the read, or its outcome is unknown and it may take effect at any time after
  its invocation, or never. But an open one that is in the read brings along those that had ended when it began.

A read below the least of these sums is "counter-low" (an acknowledged increment is missing), one above the greatest
"counter-high" (an increment counts twice, or came from nowhere), one between them that is none of them
"counter-impossible". Each read is judged alone, and exactly: there is an order of the increments that explains it, or
there is none. That all reads fit one and the same order is linearizability, and another question.

The last ok read must have begun after the last increment ended, or nobody looked at what is there in the end.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import takewhile
from math import inf
from time import monotonic
from typing import Any, Final

from checkers.guard import OutOfTimeError, Unsupported, guarded
from checkers.value import Codes, plain, show
from harness.history import DUMP, Call, History
from harness.result import Anomaly, Reason, Result

EXPECT: Final = "counter"
INCREMENTS: Final = ("inc", "add")
LOW, HIGH, IMPOSSIBLE = "counter-low", "counter-high", "counter-impossible"
SUMS_MAX: Final = 1 << 22
"""The widest range of open sums, and below WORK_MAX the most work, for which every single sum is known; beyond them a
read is held against bounds only, which may be wider than what was possible."""

WORK_MAX: Final = 1 << 32

READS_TOLD_MAX: Final = 8
_LISTED_MAX: Final = 12
_NUMBER_BITS_MAX: Final = 128
_NEVER: Final = inf


@dataclass(frozen=True, slots=True, order=True)
class _Increment:
    """``complete`` is where it was acknowledged; infinity if that never came."""

    invoke: int
    complete: float
    delta: int


@dataclass(slots=True)
class _Counter:
    """One key: its increments that did not fail, its ok reads, and where the last increment ended."""

    key: Any
    increments: list[_Increment] = field(default_factory=list)
    reads: list[Call] = field(default_factory=list)
    last: int = -1

    @property
    def is_read_last(self) -> bool:
        return bool(self.reads) and self.reads[-1].invoke > self.last


@dataclass(frozen=True, slots=True)
class _Possible:
    """What a read may have returned: the sum of what was ``sure`` (of so many increments) and of some of the ``open``
    ones, at least ``low`` and at most ``high``. ``sums`` has bit i set if low + i is possible; None: too wide."""

    sure: int
    surely: int
    open: Sequence[_Increment]
    low: int
    high: int
    sums: int | None

    def allows(self, value: int) -> bool:
        inside = self.low <= value <= self.high
        return inside and (self.sums is None or bool(self.sums >> (value - self.low) & 1))


def check(history: History, *, time_limit_s: float | None = None) -> Result:
    """Whether every read of the counters was possible, each key by itself.

    Invalid: one anomaly per wrong read (READS_TOLD_MAX per key, the first ones); its operations are both halves of the
    read, then the invocations of the open increments. Unknown where a final read is missing. Raises
    :class:`harness.history.HistoryError`.
    """
    deadline = None if time_limit_s is None else monotonic() + time_limit_s

    def tick(done: int, total: int) -> None:
        if deadline is not None and monotonic() > deadline:
            raise OutOfTimeError(f"{done} of {total} reads of a counter were looked at within the time allowed")

    return guarded(EXPECT, lambda: _judge(history, tick), method="sums")


def _judge(history: History, tick: Callable[[int, int], None]) -> Result:
    counters = _counters(history)
    anomalies: list[Anomaly] = []
    wrong = bounded = 0
    for each in counters:
        told = 0
        for read, possible in _possibilities(each, tick):
            bounded += possible.sums is None
            if possible.allows(value := _number(read.result, read.complete, "read")):
                continue
            wrong, told = wrong + 1, told + 1
            if told <= READS_TOLD_MAX:
                anomalies.append(_anomaly(each, read, value, possible))
    unread = [each.key for each in counters if each.increments and not each.is_read_last]
    missing = bool(unread or not counters) and not anomalies
    return Result(
        valid=False if anomalies else "unknown" if missing else True,
        expect=EXPECT,
        method="sums",
        reason=Reason.MISSING_FINAL_READ if missing else None,
        explanation=_missing(unread) if missing else None,
        anomalies=tuple(anomalies),
        operations=sum(1 for call in history.calls() if call.f != DUMP),
        details={
            "keys": len(counters),
            "increments": sum(len(each.increments) for each in counters),
            "reads": sum(len(each.reads) for each in counters),
            "wrong_reads": wrong,
            "reads_by_bounds_only": bounded,
        },
    )


def _missing(keys: Sequence[Any]) -> str:
    which = "" if not keys or keys[0] is None else f" of key {show(keys[0])}"
    return f"no ok read{which} began after the last increment had ended: nobody looked at what is there in the end"


def _counters(history: History) -> list[_Counter]:
    codes = Codes()
    found: dict[int, _Counter] = {}
    for call in history.calls():
        if call.f == DUMP or (call.outcome == "fail" and call.f not in ("read", *INCREMENTS)):
            continue
        each = found.setdefault(codes.code(call.key), _Counter(call.key))
        if call.f in INCREMENTS:
            if call.outcome != "fail":
                each.increments.append(_increment(call))
                each.last = max(each.last, call.invoke if call.complete is None else call.complete)
        elif call.f != "read":
            raise Unsupported(f"operation {call.invoke}: read the operation {show(call.f)}; expected inc, add or read")
        elif call.outcome == "ok":
            each.reads.append(call)
    return list(found.values())


def _increment(call: Call) -> _Increment:
    complete = _NEVER if call.outcome == "info" or call.complete is None else call.complete
    return _Increment(call.invoke, complete, _number(call.argument, call.invoke, f"{call.f} of"))


def _number(value: Any, position: int | None, what: str) -> int:
    if value is None and what == "read":
        return 0
    if type(value) is not int or value.bit_length() > _NUMBER_BITS_MAX:
        raise Unsupported(f"operation {position}: {what} {show(value)}; expected an integer")
    return value


def _possibilities(each: _Counter, tick: Callable[[int, int], None]) -> Iterator[tuple[Call, _Possible]]:
    """The reads in order of invocation, each with what it may have returned. What is sure of one read is so of all
    later ones, so it is added up once; what is open is kept in order of invocation."""
    ended = sorted((i for i in each.increments if i.complete != _NEVER), key=lambda i: -i.complete)
    begun = sorted(each.increments, reverse=True)
    open_: list[_Increment] = []
    sure = surely = 0
    for done, read in enumerate(each.reads):
        tick(done, len(each.reads))
        while begun and begun[-1].invoke < read.invoke:
            open_.append(begun.pop())
        while ended and ended[-1].complete < read.invoke:
            increment = ended.pop()
            sure, surely = sure + increment.delta, surely + 1
            del open_[bisect_left(open_, increment)]
        assert read.complete is not None, "an ok operation has completed"
        end = read.complete
        beside = takewhile(lambda increment: increment.invoke < end, reversed(begun))  # noqa: B023 (used up at once)
        yield read, _possible(sure, surely, [*open_, *beside])


def _possible(sure: int, surely: int, open_: Sequence[_Increment]) -> _Possible:
    """All sums of open increments (in order of invocation) in which none has begun after one that is left out had
    ended."""
    below, above = sum(i.delta for i in open_ if i.delta < 0), sum(i.delta for i in open_ if i.delta > 0)
    first_end = min((i.complete for i in open_), default=_NEVER)
    early = bisect_left(open_, first_end, key=lambda i: i.invoke)
    work = len(open_) * (len(open_) - early + 1) * (above - below + 4096)
    if above - below > SUMS_MAX or work > WORK_MAX:
        return _Possible(sure, surely, open_, sure + below, sure + above, None)
    sums = _subsets(1 << -below, open_[:early])
    for last in range(early, len(open_)):
        sums |= _with_last(open_, last, -below)
    shift = (sums & -sums).bit_length() - 1
    low, high = sure + below + shift, sure + below + sums.bit_length() - 1
    return _Possible(sure, surely, open_, low, high, sums >> shift)


def _subsets(sums: int, increments: Iterable[_Increment]) -> int:
    """Bit s + d of the result is set for every set bit s and every sum d of some of the increments."""
    for increment in increments:
        sums |= _shifted(sums, increment.delta)
    return sums


def _with_last(open_: Sequence[_Increment], last: int, zero: int) -> int:
    """The sums with ``open_[last]`` and none that began after it: what had ended when it began is in them, too."""
    sums = _shifted(1 << zero, open_[last].delta)
    for increment in open_[:last]:
        shifted = _shifted(sums, increment.delta)
        sums = shifted if increment.complete < open_[last].invoke else sums | shifted
    return sums


def _shifted(sums: int, delta: int) -> int:
    return sums << delta if delta >= 0 else sums >> -delta


def _anomaly(each: _Counter, read: Call, value: int, possible: _Possible) -> Anomaly:
    assert read.complete is not None, "an ok operation has completed"
    type_ = LOW if value < possible.low else HIGH if value > possible.high else IMPOSSIBLE
    where = "" if each.key is None else f"key {show(each.key)}: "
    return Anomaly(
        type=type_,
        operations=(read.invoke, read.complete, *(i.invoke for i in possible.open[:_LISTED_MAX])),
        explanation=(
            f"{where}process {read.process} read {value} (op {read.complete}), {_objection(type_, value, possible)}."
        ),
        details={
            "key": plain(each.key),
            "value": plain(value),
            "low": plain(possible.low),
            "high": plain(possible.high),
            "acknowledged": plain(possible.sure),
            "open": [plain(i.delta) for i in possible.open[:_LISTED_MAX]],
        },
    )


def _objection(type_: str, value: int, possible: _Possible) -> str:
    sure = f"{_increments(possible.surely)} acknowledged before that read began, {possible.sure} in all"
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
    return f"which is no possible sum: {sure}, and of those that were open ({open_}) none make {value - possible.sure}"


def _increments(count: int) -> str:
    return "1 increment" if count == 1 else f"{count} increments"
