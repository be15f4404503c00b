"""Consistent prefix: every read shows the first writes of one order of all writes, and none out of their turn.

Terry, "Replicated Data Consistency Explained Through Baseball" (CACM 2013); the formula is in ``checkers.weak_model``.
Reads may be stale and may go back and forth; but whoever sees a write has seen what was written before it. The order
keeps each session's own (ok before invoke; a session is the field ``session``, else a process).

Each key is an object of its own: a list (``append``; ``read`` or ``get`` of the whole), whose reads show the order, or
a register (``write`` or ``put``; ``read`` or ``get``), whose reads show the last write of a prefix; where nobody wrote,
it is what it was read as. Of a register no order needs to be known: whatever value somebody may have written by then
ends a prefix of some order. Of a list with equal elements it may: where it is not known which append an element is, and
that matters, the verdict is unknown ("version-order").

An ``info`` write may be in the order, or not. A ``fail`` one is not. Anomalies: "garbage-read" (nobody wrote it), "G1a"
(its write failed), "future-read" (its write was invoked after the read had completed), "duplicate-elements" (more of
them than were appended), "incompatible-order" (neither of two reads is a prefix of the other), "gap" (an element
without one that its session had appended before), "reordered" (before it).
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from time import monotonic
from typing import Any, Final, Literal

from checkers.guard import OutOfTimeError, Unsupported, guarded
from checkers.value import Codes, plain, show
from harness.history import DUMP, INVOKE, Call, History
from harness.result import Anomaly, Reason, Result, unknown

EXPECT: Final = "consistent-prefix"
GARBAGE_READ, ABORTED_READ, FUTURE_READ = "garbage-read", "G1a", "future-read"
DUPLICATE_ELEMENTS, INCOMPATIBLE_ORDER = "duplicate-elements", "incompatible-order"
GAP, REORDERED = "gap", "reordered"
_READS: Final = ("read", "get")
_WRITES: Final = ("write", "put")
_ANOMALIES_MAX: Final = 16  # of one kind and key


@dataclass(frozen=True, slots=True)
class _Read:
    """An ok read and the codes of what it showed: the elements of a list, or the one value of a register."""

    call: Call
    shown: tuple[int, ...]


@dataclass(slots=True)
class _Object:
    """One key. ``writes`` are those that perhaps happened, ``failed`` those that did not, by the code of their value;
    ``initial`` is what was there at the beginning."""

    key: Any
    lists: bool
    initial: tuple[int, ...]
    writes: defaultdict[int, list[Call]] = field(default_factory=lambda: defaultdict(list))
    failed: dict[int, Call] = field(default_factory=dict)
    reads: list[_Read] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Scene:
    history: History
    codes: Codes
    deadline: float | None

    def session(self, call: Call) -> Any:
        named = self.history.sessions
        positions = (call.invoke, call.complete)
        name = next((named[i] for i in positions if named and i is not None and named[i] is not None), None)
        return ("process", call.process) if name is None else ("session", self.codes.code(name))


def check(
    history: History,
    *,
    initial: Any = None,
    nil_reads: Literal["value", "unknown"] = "value",
    time_limit_s: float | None = None,
) -> Result:
    """Whether of each key every read shows the first writes of one order of its writes (lists, registers).

    ``initial`` is what every key holds at the beginning (a list, or a value); with ``nil_reads`` "unknown" an ok read
    of nil says nothing, else that there was nothing. An anomaly's operations are invocations: the read, or two reads,
    and the writes. Raises :class:`harness.history.HistoryError`.
    """
    deadline = None if time_limit_s is None else monotonic() + time_limit_s

    def judge() -> Result:
        scene = _Scene(history, Codes(), deadline)
        return _judge(scene, _objects(scene, initial, nil_is_value=nil_reads == "value"))

    return guarded(EXPECT, judge, method="prefix")


def _judge(scene: _Scene, objects: Sequence[_Object]) -> Result:
    anomalies: list[Anomaly] = []
    unsure: list[str] = []
    for done, each in enumerate(objects):
        if scene.deadline is not None and monotonic() > scene.deadline:
            raise OutOfTimeError(f"{done} of {len(objects)} keys were looked at within the time allowed")
        found = list(_anomalies(scene, each))
        anomalies += found
        if not found and (doubt := _doubt(scene, each)):
            unsure.append(doubt)
    about: dict[str, Any] = {
        "method": "prefix",
        "operations": scene.history.types.count(INVOKE),
        "details": {"keys": len(objects), "reads": sum(len(each.reads) for each in objects)},
    }
    if unsure and not anomalies:
        return unknown(EXPECT, Reason.VERSION_ORDER, unsure[0], **about)
    return Result(not anomalies, EXPECT, anomalies=tuple(anomalies), **about)


def _objects(scene: _Scene, initial: Any, *, nil_is_value: bool) -> list[_Object]:
    by_key: dict[int, list[Call]] = {}
    for call in scene.history.calls():
        if call.f != DUMP:
            by_key.setdefault(scene.codes.code(call.key), []).append(call)
    return [_object(scene.codes, calls, initial, nil_is_value=nil_is_value) for calls in by_key.values()]


def _object(codes: Codes, calls: Sequence[Call], initial: Any, *, nil_is_value: bool) -> _Object:
    lists = _is_list(calls, initial)
    found = _Object(calls[0].key, lists, _shown(codes, initial, "the initial value", lists=lists))
    for call in calls:
        if call.f in _READS:
            if call.outcome == "ok" and (nil_is_value or call.result is not None):
                where = f"operation {call.complete}"
                found.reads.append(_Read(call, _shown(codes, call.result, where, lists=lists)))
        elif call.f not in (("append",) if lists else _WRITES):
            expected = "append or read" if lists else "write or read, or append or read"
            raise Unsupported(f"operation {call.invoke}: read the operation {show(call.f)}; expected {expected}")
        elif call.outcome == "fail":
            found.failed.setdefault(codes.code(call.argument), call)
        else:
            found.writes[codes.code(call.argument)].append(call)
    return found


def _is_list(calls: Sequence[Call], initial: Any) -> bool:
    """Whether it was appended to; or, where nobody wrote, whether lists are what was read, such as an empty one."""
    if any(call.f not in _READS for call in calls):
        return any(call.f == "append" for call in calls)
    shown = any(call.outcome == "ok" and isinstance(call.result, (list, tuple)) for call in calls)
    return shown and (initial is None or isinstance(initial, (list, tuple)))


def _shown(codes: Codes, value: Any, where: str, *, lists: bool) -> tuple[int, ...]:
    if not lists:
        return (codes.code(value),)
    if value is None:
        return ()
    if not isinstance(value, (list, tuple)):
        raise Unsupported(f"{where}: read {show(value)}; expected a list, as it is appended to, or null")
    return tuple(codes.code(element) for element in value)


def _anomalies(scene: _Scene, each: _Object) -> Iterator[Anomaly]:
    counts: Counter[str] = Counter()
    for anomaly in _all_anomalies(scene, each):
        counts[anomaly.type] += 1
        if counts[anomaly.type] <= _ANOMALIES_MAX:
            yield anomaly


def _all_anomalies(scene: _Scene, each: _Object) -> Iterator[Anomaly]:
    for read in each.reads:
        yield from _strangers(scene, each, read)
    if each.lists and each.reads:
        longest = max(each.reads, key=lambda read: len(read.shown))
        for read in each.reads:
            if read.shown != longest.shown[: len(read.shown)]:
                yield _incompatible(scene, each, read, longest)
            elif read.shown[: len(each.initial)] != each.initial:
                yield _not_initial(scene, each, read)
        yield from _out_of_turn(scene, each, longest)


def _strangers(scene: _Scene, each: _Object, read: _Read) -> Iterator[Anomaly]:
    """What the read showed though it was not written, or not as often, by the time it completed."""
    assert read.call.complete is not None, "an ok read has completed"
    first = Counter(each.initial)
    for code, times in Counter(read.shown).items():
        writes = each.writes.get(code, [])
        begun = [write for write in writes if write.invoke < read.call.complete]
        if times <= first[code] + len(begun) or (not each.lists and begun):
            continue
        value = show(scene.codes.value(code))
        if begun or first[code]:
            count = first[code] + len(begun)
            text = f"{_whose(read.call)} shows {value} {times} times, though it was appended at most {count} times."
            yield _anomaly(each, DUPLICATE_ELEMENTS, (read.call, *begun), text)
        elif writes:
            text = f"{_whose(read.call)} shows {value}, which {_whose(writes[0])} began to write only afterwards."
            yield _anomaly(each, FUTURE_READ, (read.call, writes[0]), text)
        elif code in each.failed:
            text = f"{_whose(read.call)} shows {value}, though {_whose(each.failed[code])} had failed."
            yield _anomaly(each, ABORTED_READ, (read.call, each.failed[code]), text)
        else:
            yield _anomaly(each, GARBAGE_READ, (read.call,), f"{_whose(read.call)} shows {value}, which nobody wrote.")


def _incompatible(scene: _Scene, each: _Object, read: _Read, longest: _Read) -> Anomaly:
    at = next(i for i, (a, b) in enumerate(zip(read.shown, longest.shown, strict=False)) if a != b)
    here, there = (show(scene.codes.value(shown[at])) for shown in (read.shown, longest.shown))
    text = (
        f"{_whose(read.call)} shows {here} as element {at}, where {_whose(longest.call)} shows {there}: neither is a "
        "prefix of the other, so no one order of the appends explains both."
    )
    return _anomaly(each, INCOMPATIBLE_ORDER, (read.call, longest.call), text)


def _not_initial(scene: _Scene, each: _Object, read: _Read) -> Anomaly:
    initial = show([scene.codes.value(code) for code in each.initial])
    text = f"{_whose(read.call)} does not begin with {initial}, the initial value."
    return _anomaly(each, INCOMPATIBLE_ORDER, (read.call,), text)


def _out_of_turn(scene: _Scene, each: _Object, longest: _Read) -> Iterator[Anomaly]:
    """Elements shown without, or before, one that their own session had appended earlier."""
    place = {code: at for at, code in enumerate(longest.shown)}
    for earlier, later in _session_pairs(scene, each, place):
        first, second = (scene.codes.code(call.argument) for call in (earlier, later))
        if _ambiguous(each, first) or _ambiguous(each, second) or second not in place:
            continue
        if first not in place:
            text = (
                f"{_whose(longest.call)} shows {show(later.argument)} without {show(earlier.argument)}, which the same "
                f"session had appended before: {_whose(earlier)} was acknowledged before {_whose(later)} began."
            )
            yield _anomaly(each, GAP, (longest.call, earlier, later), text)
        elif place[first] > place[second]:
            text = (
                f"{_whose(longest.call)} shows {show(later.argument)} before {show(earlier.argument)}, though the same "
                f"session had appended that before: {_whose(earlier)} was acknowledged before {_whose(later)} began."
            )
            yield _anomaly(each, REORDERED, (longest.call, earlier, later), text)


def _session_pairs(scene: _Scene, each: _Object, place: dict[int, int]) -> Iterator[tuple[Call, Call]]:
    """Of each append that is shown, those of its session that must come before it and do so last: in the order of the
    list, the latest of those shown, and every one not shown. What these do not contradict, nothing does."""
    by_session: defaultdict[Any, list[Call]] = defaultdict(list)
    for calls in each.writes.values():
        for call in calls:
            by_session[scene.session(call)].append(call)
    for calls in by_session.values():
        completed = sorted((c for c in calls if c.outcome == "ok"), key=_completion)
        completed.reverse()
        before: list[Call] = []
        for later in sorted(calls, key=lambda call: call.invoke):
            while completed and _completion(completed[-1]) < later.invoke:
                before.append(completed.pop())
                before = _binding(scene, before, place)
            yield from ((earlier, later) for earlier in before)


def _binding(scene: _Scene, before: Sequence[Call], place: dict[int, int]) -> list[Call]:
    """One that is not shown, if any; and the one that is shown last; and those whose place is not known for sure."""
    missing = [call for call in before if scene.codes.code(call.argument) not in place]
    shown = [call for call in before if scene.codes.code(call.argument) in place]
    last = max(shown, key=lambda call: place[scene.codes.code(call.argument)], default=None)
    return [*missing[:1], *([] if last is None else [last])]


def _completion(call: Call) -> int:
    assert call.complete is not None, "an ok operation has completed"
    return call.complete


def _ambiguous(each: _Object, code: int) -> bool:
    """Whether an element may be one of several writes."""
    return len(each.writes.get(code, ())) + each.initial.count(code) > 1


def _doubt(scene: _Scene, each: _Object) -> str | None:
    """Why it is not known whether the key's reads are prefixes, where equal elements were appended."""
    shown = {code for read in each.reads for code in read.shown}
    if not each.lists or not any(_ambiguous(each, code) for code in shown | set(each.writes)):
        return None
    counts = Counter(scene.session(call) for calls in each.writes.values() for call in calls)
    if max(counts.values(), default=0) < 2 or not shown:  # no session orders two appends: any order will do
        return None
    code = next(code for code in sorted(shown | set(each.writes)) if _ambiguous(each, code))
    where = "" if each.key is None else f"key {show(each.key)}: "
    return (
        f"{where}{show(scene.codes.value(code))} was appended more than once, so which append a read shows, and "
        "whether each session's order is kept, is not known"
    )


def _anomaly(each: _Object, type_: str, calls: Sequence[Call], text: str) -> Anomaly:
    where = "" if each.key is None else f"Key {show(each.key)}: "
    return Anomaly(type_, tuple(call.invoke for call in calls), where + text, {"key": plain(each.key)})


def _whose(call: Call) -> str:
    what = f"{call.f} {show(call.argument)}" if call.argument is not None else call.f
    return f"process {call.process}'s {what} (op {call.invoke})"
