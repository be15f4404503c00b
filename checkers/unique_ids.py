"""Unique ids: no id is given out twice; and, in the details, how far their order follows time.

Operations: ``generate`` (also ``generate-id``, ``next``), whose ok answer is the id: any value but null. An operation
of unknown outcome may have used up an id that nobody saw; that harms nobody. Keys, where present, are generators of
their own: the same id from two of them is no duplicate.

A ``look-up`` of [id, row] asks what stands under an id that was given for that row, and its ok answer is [id, what was
found]. Another row is a "mismatch"; null, that nothing is there, is counted in the details (``missing``), no more.

Ids that are all numbers, all strings, or all lists of such of one length, have an order. The details then say how many
are smaller than an id that was complete before they were asked for (``realtime_inversions``), or than the one before of
the same process (``process_inversions``), and ``k``: in order of completion no id stands further than k places from its
place in sorted order (0: sorted; *k-sorted* ids: Estivill-Castro & Wood 1992). ``ordered-ids`` (``ordered_ids``)
demands the first.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from checkers.guard import Unsupported, guarded
from checkers.value import Codes, plain, show
from harness.history import DUMP, INVOKE, Call, History
from harness.result import Anomaly, Result

EXPECT: Final = "unique-ids"
ANOMALY: Final = "duplicate"
MISMATCH: Final = "mismatch"
LOOK_UP: Final = "look-up"
NAMES: Final = ("generate", "generate-id", "generate_id", "next")
ANOMALIES_MAX: Final = 16
_PARTS_MAX: Final = 8


@dataclass(frozen=True, slots=True)
class Given:
    """An id that was given out; ``end`` is where."""

    call: Call
    id: Any

    @property
    def end(self) -> int:
        assert self.call.complete is not None, "an ok operation has completed"
        return self.call.complete


@dataclass(frozen=True, slots=True)
class Generator:
    """One key: its ids in order of completion. ``order`` are values that compare as the ids do, None if they have no
    order."""

    key: Any
    given: tuple[Given, ...]
    order: tuple[Any, ...] | None


def check(history: History, *, time_limit_s: float | None = None) -> Result:
    """Whether no id was given out twice; and, in the details, how far ids are in order of time.

    Invalid: one anomaly "duplicate" per id, whose operations are the first two that were given it. Linear, but for
    sorting; the time limit is unused. Raises :class:`harness.history.HistoryError`.
    """
    return guarded(EXPECT, lambda: _judge(history), method="ids")


def _judge(history: History) -> Result:
    codes = Codes()
    generators = read(history, codes)
    duplicates = [anomaly for each in generators for anomaly in _duplicates(each, codes)]
    looks = _looks(history)
    mismatches = [_mismatch(look) for look in looks if look.result[1] not in (None, look.argument[1])]
    anomalies = [*duplicates[: ANOMALIES_MAX - bool(mismatches)], *mismatches]
    missing = {"missing": sum(look.result[1] is None for look in looks)} if looks else {}
    return Result(
        valid=not anomalies,
        expect=EXPECT,
        method="ids",
        anomalies=tuple(anomalies[:ANOMALIES_MAX]),
        operations=history.types.count(INVOKE),
        details={**counted(generators), "duplicates": len(duplicates), **missing},
    )


def read(history: History, codes: Codes) -> list[Generator]:
    """The generators of a history. Raises :class:`checkers.guard.Unsupported`."""
    by_key: dict[int, list[Call]] = {}
    for call in history.calls():
        if call.f in (DUMP, LOOK_UP):
            continue
        if call.f not in NAMES:
            raise Unsupported(f"operation {call.invoke}: read the operation {show(call.f)}; expected {NAMES[0]}")
        if call.outcome == "ok" and call.result is None:
            raise Unsupported(f"operation {call.complete}: read the id null; expected any other value")
        by_key.setdefault(codes.code(call.key), []).append(call)
    return [_generator(calls) for calls in by_key.values()]


def _generator(calls: Sequence[Call]) -> Generator:
    given = [Given(call, call.result) for call in calls if call.outcome == "ok"]
    given.sort(key=lambda each: each.end)
    kinds = {_kind(each.id) for each in given}
    order = None
    if len(kinds) <= 1 and None not in kinds:
        order = tuple(tuple(each.id) if isinstance(each.id, (list, tuple)) else each.id for each in given)
    return Generator(calls[0].key, tuple(given), order)


def _kind(value: Any) -> Any:
    """What a value compares with; None for one that compares with nothing."""
    if isinstance(value, (list, tuple)):
        kinds = tuple(None if isinstance(each, (list, tuple)) else _kind(each) for each in value[: _PARTS_MAX + 1])
        return None if None in kinds or len(value) > _PARTS_MAX else kinds
    if isinstance(value, str):
        return "string"
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool) and value == value
    return "number" if is_number else None


def _duplicates(generator: Generator, codes: Codes) -> list[Anomaly]:
    by_id: dict[int, list[Call]] = {}
    for each in generator.given:
        by_id.setdefault(codes.code(each.id), []).append(each.call)
    return [_duplicate(generator, calls) for calls in by_id.values() if len(calls) > 1]


def _duplicate(generator: Generator, calls: Sequence[Call]) -> Anomaly:
    first, second = calls[:2]
    where = "" if generator.key is None else f"Key {show(generator.key)}: "
    more = "" if len(calls) == 2 else f" ({len(calls)} operations were given it)"
    text = (
        f"{where}the id {show(first.result)} was given to process {first.process} (op {first.invoke}) and to process "
        f"{second.process} (op {second.invoke}){more}."
    )
    details = {"key": plain(generator.key), "id": plain(first.result), "count": len(calls)}
    return Anomaly(ANOMALY, (first.invoke, second.invoke), text, details)


def _looks(history: History) -> list[Call]:
    """The look-ups that were answered. Raises :class:`checkers.guard.Unsupported`."""
    found = [call for call in history.calls() if call.f == LOOK_UP and call.outcome == "ok"]
    for call in found:
        for read in (call.argument, call.result):
            if not isinstance(read, (list, tuple)) or len(read) != 2:
                raise Unsupported(f"operation {call.invoke}: read the look-up {show(read)}; expected [id, row]")
    return found


def _mismatch(look: Call) -> Anomaly:
    number, row = look.argument
    text = (
        f"Process {look.process} looked up the id {show(number)} (op {look.invoke}), which was given to it for "
        f"{show(row)}, and was shown {show(look.result[1])}."
    )
    details = {"key": plain(look.key), "id": plain(number), "row": plain(row), "shown": plain(look.result[1])}
    return Anomaly(MISMATCH, (look.invoke,), text, details)


def counted(generators: Sequence[Generator]) -> dict[str, Any]:
    """How many ids there are, and what is known of their order."""
    details: dict[str, Any] = {"ids": sum(len(each.given) for each in generators)}
    if any(each.order is None for each in generators):
        return {**details, "comparable": False}
    return {
        **details,
        "comparable": True,
        "realtime_inversions": sum(len(realtime_inversions(each)) for each in generators),
        "process_inversions": sum(_process_inversions(each) for each in generators),
        "k": max((_k(each) for each in generators), default=0),
    }


def realtime_inversions(generator: Generator) -> list[tuple[Given, Given]]:
    """Of each id that is not larger than one that was complete before it was asked for: the largest such, and it."""
    assert generator.order is not None, "the ids have an order"
    by_end = list(zip(generator.order, generator.given, strict=True))
    found: list[tuple[Given, Given]] = []
    largest: tuple[Any, Given] | None = None
    done = 0
    for value, each in sorted(by_end, key=lambda pair: pair[1].call.invoke):
        while by_end[done][1].end < each.call.invoke:
            if largest is None or by_end[done][0] > largest[0]:
                largest = by_end[done]
            done += 1
        if largest is not None and value <= largest[0]:
            found.append((largest[1], each))
    return found


def _process_inversions(generator: Generator) -> int:
    assert generator.order is not None, "the ids have an order"
    last: dict[Any, Any] = {}
    count = 0
    for value, each in zip(generator.order, generator.given, strict=True):
        count += each.call.process in last and value <= last[each.call.process]
        last[each.call.process] = value
    return count


def _k(generator: Generator) -> int:
    """Equal ids stand in order of completion."""
    order = generator.order
    assert order is not None, "the ids have an order"
    places = sorted(range(len(order)), key=order.__getitem__)
    return max((abs(place - at) for place, at in enumerate(places)), default=0)
