"""Causal reverse: a read sees a write, and misses one that had completed before that write began.

After Jepsen's ``jepsen.tests.causal_reverse``: forbidden by strict serializability and by everything that keeps the
order of writes in real time, allowed by plain serializability (CockroachDB's documented anomaly). Either form:

* ``write`` (``add``, ``insert``) a value, ``read`` all of them as a list: what is not in the list was missed;
* transactions of ``["w", key, value]`` and ``["r", key, value]`` (:mod:`checkers.micro_operation`): what was read as
  null was missed.

Anomalies: "causal-reverse"; "garbage-read" (nobody wrote what was read), "G1a" (its write failed), "future-read" (its
write began after the read was complete). A write whose outcome is unknown has happened if it was read, and never
*completed*. A value that several wrote is there from the first of them that was acknowledged, and came at the earliest
when the first of them began. A transaction's own writes are not looked at. Reads may be stale as long as they keep the
order. Keys, where present, are independent objects.

Where no read saw a write that began after another one had completed, nothing was tested: unknown.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from math import inf
from time import monotonic
from typing import Any, Final

from checkers.guard import OutOfTimeError, Unsupported, guarded
from checkers.micro_operation import micro_operations
from checkers.value import Codes, plain, show
from harness.history import DUMP, INVOKE, Call, History
from harness.result import Anomaly, Reason, Result

EXPECT: Final = "causal-reverse"
GARBAGE_READ, ABORTED_READ, FUTURE_READ = "garbage-read", "G1a", "future-read"
READS_TOLD_MAX: Final = 8  # per type and key
_WRITES: Final = ("write", "add", "insert")
_NAMED_MAX: Final = 8
_TICK: Final = 256


@dataclass(slots=True)
class Written:
    """One value. ``first``: the perhaps successful write that began first; ``acknowledged``: the one that completed
    first; ``failed``: one that failed."""

    code: int
    first: Call | None = None
    acknowledged: Call | None = None
    failed: Call | None = None

    @property
    def there_from(self) -> float:
        return inf if self.acknowledged is None or self.acknowledged.complete is None else self.acknowledged.complete


@dataclass(frozen=True, slots=True)
class Read:
    """The codes of what an ok read saw; ``missed``: the keys that it read as null, None if it read everything."""

    call: Call
    seen: frozenset[int]
    missed: tuple[int, ...] | None

    @property
    def end(self) -> int:
        assert self.call.complete is not None, "an ok operation has completed"
        return self.call.complete


@dataclass(slots=True)
class Object:
    """One independent object. ``by_key``: the values of each key of its transactions."""

    key: Any
    written: dict[int, Written] = field(default_factory=dict)
    by_key: dict[int, dict[int, None]] = field(default_factory=dict)
    reads: list[Read] = field(default_factory=list)


def check(history: History, *, time_limit_s: float | None = None) -> Result:
    """Whether no read sees a write without one that had completed before that write began.

    Invalid: one anomaly per read and type (READS_TOLD_MAX of a type and key, the first ones); the operations of a
    "causal-reverse" are both halves of the write that was missed, of the one that was seen, and of the read. O(n log n)
    in all that was read. Raises :class:`harness.history.HistoryError`.
    """
    deadline = None if time_limit_s is None else monotonic() + time_limit_s
    return guarded(EXPECT, lambda: _judge(history, deadline), method="precedence")


def _judge(history: History, deadline: float | None) -> Result:
    codes = Codes()
    objects = objects_of(history, codes)
    anomalies: list[Anomaly] = []
    wrong = tested = 0
    for each in objects:
        told: dict[str, int] = {}
        looks = _Look(each, codes)
        for done, read in enumerate(each.reads):
            if done % _TICK == 0 and deadline is not None and monotonic() > deadline:
                raise OutOfTimeError(f"{done} of {len(each.reads)} reads of an object were looked at")
            found = list(looks.at(read))
            wrong += bool(found)
            for anomaly in found:
                told[anomaly.type] = told.get(anomaly.type, 0) + 1
                anomalies += [anomaly] if told[anomaly.type] <= READS_TOLD_MAX else []
        tested += looks.tested
    unknown = not anomalies and not tested
    return Result(
        valid=False if anomalies else "unknown" if unknown else True,
        expect=EXPECT,
        method="precedence",
        reason=Reason.TOO_FEW_OK if unknown else None,
        explanation="no read saw a write that began after another one had completed" if unknown else None,
        anomalies=tuple(anomalies),
        operations=history.types.count(INVOKE),
        details={
            "keys": len(objects),
            "writes": sum(len(each.written) for each in objects),
            "reads": sum(len(each.reads) for each in objects),
            "reads_that_tested": tested,
            "wrong_reads": wrong,
        },
    )


def objects_of(history: History, codes: Codes) -> list[Object]:
    """The independent objects of a history. Raises :class:`checkers.guard.Unsupported`."""
    found: dict[int, Object] = {}
    for call in history.calls():
        if call.f == DUMP:
            continue
        each = found.setdefault(codes.code(call.key), Object(call.key))
        if call.f == "txn":
            _transaction(each, call, codes)
        elif call.f in _WRITES:
            if call.argument is None:
                raise Unsupported(f"operation {call.invoke}: read a write of null; expected a value")
            _note(each, codes.code(call.argument), call)
        elif call.f != "read":
            raise Unsupported(f"operation {call.invoke}: read the operation {show(call.f)}; expected write or read")
        elif call.outcome == "ok":
            if not isinstance(call.result, (list, tuple, set, frozenset)):
                raise Unsupported(f"operation {call.complete}: read {show(call.result)}; expected a list of all values")
            each.reads.append(Read(call, frozenset(map(codes.code, call.result)), None))
    for each in found.values():
        each.reads.sort(key=lambda read: read.end)
    return list(found.values())


def _transaction(each: Object, call: Call, codes: Codes) -> None:
    own: set[int] = set()
    seen, missed = [], []
    for micro in micro_operations(call):
        key, value = codes.code(micro.key), codes.code([micro.key, micro.value])
        if micro.is_write:
            if micro.value is None:
                raise Unsupported(f"operation {call.invoke}: read a write of null; expected a value")
            own.add(key)
            each.by_key.setdefault(key, {})[value] = None
            _note(each, value, call)
        elif key not in own and call.outcome == "ok":
            (missed.append(key) if micro.value is None else seen.append(value))
    if seen or missed:
        each.reads.append(Read(call, frozenset(seen), tuple(missed)))


def _note(each: Object, code: int, call: Call) -> None:
    written = each.written.setdefault(code, Written(code))
    if call.outcome == "fail":
        written.failed = written.failed or call
        return
    written.first = written.first or call
    if call.outcome == "ok" and call.complete is not None and call.complete < written.there_from:
        written.acknowledged = call


class _Look:
    """The reads of one object, one after the other; ``tested`` counts those that could have shown the anomaly."""

    def __init__(self, each: Object, codes: Codes) -> None:
        self.each, self.codes = each, codes
        self.tested = 0
        acknowledged = (written for written in each.written.values() if written.acknowledged is not None)
        self._by_end = sorted(acknowledged, key=lambda written: written.there_from)
        self._ends = [written.there_from for written in self._by_end]

    def at(self, read: Read) -> Iterator[Anomaly]:
        yield from self._strange(read)
        latest = max(self._certain(read.seen), key=lambda each: each.invoke, default=None)
        if latest is None or not self._ends or self._ends[0] > latest.invoke:
            return
        self.tested += 1
        count, missed = self._missed(read, latest)
        if missed:
            yield self._reverse(read, count, missed, latest)

    def _certain(self, seen: Iterable[int]) -> Iterator[Call]:
        for code in seen:
            written = self.each.written.get(code)
            if written is not None and written.first is not None:
                yield written.first

    def _missed(self, read: Read, latest: Call) -> tuple[int, list[Written]]:
        """What had completed before the latest write that was seen began, and was not seen: how many, the first few."""
        written = self.each.written
        if read.missed is None:
            complete = bisect_left(self._ends, latest.invoke)
            seen = sum(code in written and written[code].there_from < latest.invoke for code in read.seen)
            missed = (each for each in self._by_end[:complete] if each.code not in read.seen) if complete > seen else ()
            return complete - seen, list(islice(missed, _NAMED_MAX))
        values = (written[code] for key in read.missed for code in self.each.by_key.get(key, ()))
        found = sorted((each for each in values if each.there_from < latest.invoke), key=lambda each: each.there_from)
        return len(found), found[:_NAMED_MAX]

    def _strange(self, read: Read) -> Iterator[Anomaly]:
        for code in read.seen:
            written = self.each.written.get(code)
            if written is not None and written.first is not None and written.first.invoke < read.end:
                continue
            other = None if written is None else written.first or written.failed
            type_ = GARBAGE_READ if other is None else ABORTED_READ if other.outcome == "fail" else FUTURE_READ
            why = {
                GARBAGE_READ: "and nobody wrote that",
                ABORTED_READ: f"and the write of it{'' if other is None else f' (op {other.invoke})'} had failed",
                FUTURE_READ: f"and the write of it{'' if other is None else f' (op {other.invoke})'} began after that",
            }[type_]
            text = f"{self._where()}{_who(read)} saw {self._value(code)}, {why}."
            calls = [read.call] if other is None else [other, read.call]
            yield Anomaly(type_, _positions(calls), text, self._details(code))

    def _reverse(self, read: Read, count: int, missed: Sequence[Written], latest: Call) -> Anomaly:
        first = missed[0]
        code = next(code for code in read.seen if (w := self.each.written.get(code)) and w.first is latest)
        assert first.acknowledged is not None, "what was missed was acknowledged"
        more = f" ({count} such values were missed)" if count > 1 else ""
        text = (
            f"{self._where()}{_who(read)} saw {self._value(code)} and not {self._value(first.code)}, although the "
            f"write of {self._value(first.code)} (process {first.acknowledged.process}) had completed (op "
            f"{first.acknowledged.complete}) before that of {self._value(code)} (process {latest.process}) began (op "
            f"{latest.invoke}){more}."
        )
        details = {**self._details(code), "missed": [self._plain(each.code) for each in missed],
                   "missed_count": count}  # fmt: skip
        return Anomaly(EXPECT, _positions([first.acknowledged, latest, read.call]), text, details)

    def _details(self, code: int) -> dict[str, Any]:
        return {"key": plain(self.each.key), "value": self._plain(code)}

    def _plain(self, code: int) -> Any:
        return plain(self.codes.value(code))

    def _value(self, code: int) -> str:
        return show(self.codes.value(code))

    def _where(self) -> str:
        return "" if self.each.key is None else f"Key {show(self.each.key)}: "


def _who(read: Read) -> str:
    return f"process {read.call.process}'s {read.call.f} (op {read.call.invoke})"


def _positions(calls: Sequence[Call]) -> tuple[int, ...]:
    halves = (half for call in calls for half in (call.invoke, call.complete))
    return tuple(dict.fromkeys(half for half in halves if half is not None))
