"""The set checker: is every element whose add was acknowledged still there at the end, and nothing else?

After Jepsen's ``set`` and ``set-full`` checkers. Operations: ``add`` (the value is the element) and ``read`` (an ok
value is the list of elements, null none). An element is

* *lost* if an add of it was acknowledged and the final read lacks it,
* *unexpected* if a read returned it though no add of it had been invoked by then, or all its adds certainly failed,
* *duplicate* if one read returned it twice,
* *recovered* if nobody knew whether its add happened, and the final read has it; *never read* if it has not,
* *stale* if a read after its acknowledgement missed it and the final read has it: counted, and allowed.

The final read is the last ok read, which must have begun after the last add completed. What an ok read overlapping it
still returned is not lost. Keys, where present, are sets of their own.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from time import monotonic
from typing import Any, Final

from checkers.guard import OutOfTimeError, Unsupported, guarded
from checkers.value import Codes, plain, show
from harness.fault_window import FaultWindow, fault_windows
from harness.history import DUMP, INVOKE, Call, History
from harness.result import Anomaly, Reason, Result

EXPECT: Final = "set"
NO_FAULT: Final = "none"
_LISTED_MAX: Final = 24
_TOLD_MAX: Final = 4
_GROUPS_MAX: Final = 6
_AFTERMATH_NS: Final = 500_000_000
_COUNTS: Final = (
    "attempts", "acknowledged", "lost", "recovered", "never_read", "unexpected", "duplicates", "stale", "reads",
)  # fmt: skip


@dataclass(slots=True)
class _Element:
    """What became of the adds of one element. ``acknowledged`` is the first that was."""

    first_invoke: int
    attempts: int = 0
    acknowledged: Call | None = None
    unknown: bool = False

    def saw(self, add: Call) -> None:
        self.attempts += 1
        self.unknown |= add.outcome == "info"
        if add.outcome == "ok" and (self.acknowledged is None or _end(add) < _end(self.acknowledged)):
            self.acknowledged = add


@dataclass(slots=True)
class _Set:
    """One key: its elements by code, its ok reads in order of invocation, and the last completion of an add."""

    key: Any
    elements: dict[int, _Element] = field(default_factory=dict)
    reads: list[Call] = field(default_factory=list)
    last_add: int = -1


@dataclass(slots=True)
class _Findings:
    """What one key's reads show. Elements map to the read that shows it (lost ones: the final read)."""

    lost: dict[int, Call] = field(default_factory=dict)
    unexpected: dict[int, Call] = field(default_factory=dict)
    duplicates: dict[int, Call] = field(default_factory=dict)
    recovered: set[int] = field(default_factory=set)
    never_read: set[int] = field(default_factory=set)
    stale: set[int] = field(default_factory=set)
    final: Call | None = None


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
    codes = Codes()
    scene = _Scene(history, codes, fault_windows(history))
    counts: Counter[str] = Counter()
    lost_under: Counter[str] = Counter()
    anomalies: list[Anomaly] = []
    unread: list[Any] = []
    sets = _sets(history, codes)
    for each in sets:
        found = _look(each, codes, deadline)
        _count(counts, each, found)
        lost_under.update(name for code in found.lost for name in _blamed(scene, each.elements[code])[1])
        anomalies.extend(_anomalies(scene, each, found))
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


def _sets(history: History, codes: Codes) -> list[_Set]:
    found: dict[int, _Set] = {}
    for call in history.calls():
        if call.f == DUMP:
            continue
        each = found.setdefault(codes.code(call.key), _Set(call.key))
        if call.f == "add":
            element = each.elements.setdefault(codes.code(call.argument), _Element(call.invoke))
            element.saw(call)
            each.last_add = max(each.last_add, -1 if call.complete is None else call.complete)
        elif call.f == "read":
            if call.outcome == "ok":
                each.reads.append(call)
        elif call.outcome != "fail":
            raise Unsupported(f"operation {call.invoke}: read the operation {show(call.f)}; expected add or read")
    return list(found.values())


def _look(each: _Set, codes: Codes, deadline: float | None) -> _Findings:
    found = _Findings()
    final = _final_reads(each)
    final_ones = {read.invoke for read in final}
    present: set[int] = set()
    missed: set[int] = set()
    known: set[int] = set()
    acknowledged = sorted((_end(e.acknowledged), code) for code, e in each.elements.items() if e.acknowledged)
    acknowledged.reverse()
    for done, read in enumerate(each.reads):
        if deadline is not None and monotonic() > deadline:
            raise OutOfTimeError(f"{done} of {len(each.reads)} reads were looked at within the time allowed")
        returned = _returned(read, codes)
        seen = set(returned)
        _judge_read(each, read, returned, seen, found)
        while acknowledged and acknowledged[-1][0] < read.invoke:
            known.add(acknowledged.pop()[1])
        if read.invoke in final_ones:
            present |= seen
        missed |= known - seen
    if final:
        found.final = final[-1]
        lost = {code for code, element in each.elements.items() if element.acknowledged} - present
        found.lost = dict.fromkeys(sorted(lost), final[-1])
        found.stale = missed - lost
        unknown = {code for code, element in each.elements.items() if element.unknown and not element.acknowledged}
        found.recovered, found.never_read = unknown & present, unknown - present
    return found


def _final_reads(each: _Set) -> list[Call]:
    """The last ok read that began after the last add had completed, and before it those that overlap it."""
    after = [read for read in each.reads if read.invoke > each.last_add]
    if not after:
        return []
    last = max(after, key=_end)
    return [read for read in after if _end(read) > last.invoke and read is not last] + [last]


def _returned(read: Call, codes: Codes) -> list[int]:
    if read.result is None:
        return []
    if not isinstance(read.result, (list, tuple, set, frozenset)):
        raise Unsupported(f"operation {read.complete}: read {show(read.result)}; expected a list of elements, or null")
    return [codes.code(element) for element in read.result]


def _judge_read(each: _Set, read: Call, returned: Sequence[int], seen: set[int], found: _Findings) -> None:
    for code in seen:
        element = each.elements.get(code)
        possible = element is not None and (element.acknowledged is not None or element.unknown)
        if element is None or not possible or element.first_invoke > _end(read):
            found.unexpected.setdefault(code, read)
    if len(seen) < len(returned):
        for code, times in Counter(returned).items():
            if times > 1:
                found.duplicates.setdefault(code, read)


def _end(call: Call) -> int:
    assert call.complete is not None, "an ok operation has completed"
    return call.complete


def _count(counts: Counter[str], each: _Set, found: _Findings) -> None:
    counts["attempts"] += sum(element.attempts for element in each.elements.values())
    counts["acknowledged"] += sum(element.acknowledged is not None for element in each.elements.values())
    counts["reads"] += len(each.reads)
    for name in ("lost", "recovered", "never_read", "unexpected", "duplicates", "stale"):
        counts[name] += len(getattr(found, name))


@dataclass(frozen=True, slots=True)
class _Scene:
    """What the stories are told with."""

    history: History
    codes: Codes
    faults: Sequence[FaultWindow]

    def seconds(self, position: int) -> float | None:
        seconds = self.history.seconds(position)
        return None if seconds is None else round(seconds, 3)


def _anomalies(scene: _Scene, each: _Set, found: _Findings) -> Iterable[Anomaly]:
    if found.lost:
        yield _lost(scene, each, found.lost)
    if found.unexpected:
        yield _returned_wrongly(scene, each, "unexpected", found.unexpected, "though no add of it can have happened")
    if found.duplicates:
        yield _returned_wrongly(scene, each, "duplicate", found.duplicates, "more than once in one read")


def _lost(scene: _Scene, each: _Set, lost: Mapping[int, Call]) -> Anomaly:
    in_order = sorted(lost, key=lambda code: _end_of_add(each.elements[code]))
    read = next(iter(lost.values()))
    under: Counter[str] = Counter(name for code in lost for name in _blamed(scene, each.elements[code])[1])
    return Anomaly(
        type="lost",
        operations=_positions(each, in_order, read),
        explanation=(
            f"{_where(each)}{_elements(len(lost))} acknowledged and {'is' if len(lost) == 1 else 'are'} missing from "
            f"the final read (op {read.complete}): {_losses(scene, each, in_order)}."
        ),
        details={
            **_listed(scene, each, in_order),
            "acknowledged_s": [
                scene.seconds(_end_of_add(each.elements[code])) for code in in_order[:_LISTED_MAX]
            ],
            "lost_under": dict(under),
        },
    )  # fmt: skip


def _losses(scene: _Scene, each: _Set, in_order: Sequence[int]) -> str:
    """The lost elements by the faults in whose windows they were acknowledged, in order of time."""
    groups: dict[str, list[int]] = {}
    for code in in_order:
        groups.setdefault(_blamed(scene, each.elements[code])[0], []).append(code)
    told = [_loss(scene, each, circumstance, codes) for circumstance, codes in list(groups.items())[:_GROUPS_MAX]]
    more = [f"and under {len(groups) - _GROUPS_MAX} other circumstances"] if len(groups) > _GROUPS_MAX else []
    return "; ".join(told + more)


def _blamed(scene: _Scene, element: _Element) -> tuple[str, list[str]]:
    """Under which faults a lost element was acknowledged, in words and by name: those in force while its add ran; else
    the one healed just before (its victims may not yet know); else the first to begin after it."""
    add = element.acknowledged
    assert add is not None, "only what was acknowledged can be lost"
    if now := [fault for fault in scene.faults if fault.overlaps(add.invoke, _end(add))]:
        return f"under {' and '.join(dict.fromkeys(map(str, now)))}", list(dict.fromkeys(fault.fault for fault in now))
    time_ns = scene.history.times[add.invoke]
    for fault in reversed(scene.faults):
        if fault.stop is not None and fault.stop < add.invoke and 0 <= fault.stop_ns >= time_ns - _AFTERMATH_NS:
            return f"just after {fault}", [fault.fault]
    next_ = next((fault for fault in scene.faults if fault.start > _end(add)), None)
    return (f"before {next_}", [next_.fault]) if next_ is not None else ("under no fault", [NO_FAULT])


def _loss(scene: _Scene, each: _Set, circumstance: str, codes: Sequence[int]) -> str:
    ends = [_end_of_add(each.elements[code]) for code in codes]
    shown = ", ".join(
        f"{show(scene.codes.value(code))} (op {end})" for code, end in list(zip(codes, ends, strict=True))[:_TOLD_MAX]
    )
    more = f" and {len(codes) - _TOLD_MAX} more" if len(codes) > _TOLD_MAX else ""
    return f"{len(codes)} {circumstance}{_when(scene, ends[0], ends[-1])}: {shown}{more}"


def _when(scene: _Scene, first: int, last: int) -> str:
    first_s, last_s = scene.seconds(first), scene.seconds(last)
    if first_s is None or last_s is None:
        return ""
    return f", acknowledged at {first_s:.2f} s" + (f" to {last_s:.2f} s" if last != first else "")


def _returned_wrongly(scene: _Scene, each: _Set, type_: str, found: Mapping[int, Call], why: str) -> Anomaly:
    codes = list(found)
    read = found[codes[0]]
    shown = ", ".join(show(scene.codes.value(code)) for code in codes[:_TOLD_MAX])
    more = f" and {len(codes) - _TOLD_MAX} more" if len(codes) > _TOLD_MAX else ""
    return Anomaly(
        type=type_,
        operations=_positions(each, codes, read),
        explanation=f"{_where(each)}process {read.process}'s read (op {read.complete}) returned {why}: {shown}{more}."
        if all(other is read for other in found.values())
        else f"{_where(each)}reads (the first: op {read.complete}) returned {why}: {shown}{more}.",
        details=_listed(scene, each, codes),
    )


def _listed(scene: _Scene, each: _Set, codes: Sequence[int]) -> dict[str, Any]:
    listed = [plain(scene.codes.value(code)) for code in codes[:_LISTED_MAX]]
    return {"key": plain(each.key), "count": len(codes), "elements": listed}


def _positions(each: _Set, codes: Sequence[int], read: Call) -> tuple[int, ...]:
    """Both halves of the acknowledged (or else the first) adds of the first elements, then both of the read."""
    positions: list[int] = []
    for code in codes[:_LISTED_MAX]:
        element = each.elements.get(code)
        if element is not None and element.acknowledged is not None:
            positions += [element.acknowledged.invoke, _end(element.acknowledged)]
        elif element is not None:
            positions.append(element.first_invoke)
    return (*positions, read.invoke, _end(read))


def _end_of_add(element: _Element) -> int:
    assert element.acknowledged is not None, "only what was acknowledged can be lost"
    return _end(element.acknowledged)


def _elements(count: int) -> str:
    return "1 element was" if count == 1 else f"{count} elements were"


def _where(each: _Set) -> str:
    return "" if each.key is None else f"Key {show(each.key)}: "
