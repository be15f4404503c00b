"""The set-full checker: what every single read says of every element, and how long elements took to stay visible.

After Jepsen's ``set-full`` checker (jepsen.checker/set-full), which asks of each element when it was there and when it
was not, where ``set`` asks of the final read only. Operations: ``add`` and ``read``, as in :mod:`checkers.set`.

An element is *known* from the moment that its add was acknowledged or a read returned it, whichever ended first. It is

* *lost* if a read that began after that, and after every read that returned it had ended, did not: it was there, and in
  the end it is not. (A read that overlaps the last one to return it may have looked earlier: that is no loss.)
* *stable* if it is not lost and was read; a stable element is *stale* if some read that began when it was known missed
  it. Its latency is the time from the moment it was known to the beginning of the last such read, else 0.
* *never read* if it is neither: nobody looked after it was acknowledged, or nobody knows whether it was added at all.
* *recovered* if nobody knew whether its add had happened, and it is stable.

A lost element is invalid. So is an *unexpected* one (a read returned it though no add of it had been invoked by then,
or all had certainly failed; Jepsen passes these over) and a *duplicate* (one read returned it twice). With
``linearizable`` so is a stale one: a linearizable set shows what was acknowledged to every later read. (That is
necessary, and not sufficient: two reads may still contradict each other. ``--expect linearizable --model set`` decides
that.) Unknown if elements of a key were acknowledged and none is stable: nobody looked.

That elements acknowledged late were never read is told and, as in Jepsen, allowed: the sets are judged by their reads.
``details.final_read`` says whether somebody looked after every acknowledgement, as a run of ours must have.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from time import monotonic
from typing import Any, Final

from checkers.guard import OutOfTimeError, guarded
from checkers.quantile import quantiles_ms
from checkers.set.contents import ElementCodes, KeyedSet, end_of, returned, sets_of
from checkers.set.explain import LISTED_MAX, TOLD_MAX, Scene, duplicate, listed, unexpected, where
from checkers.set.findings import twice
from checkers.value import plain, show
from harness.history import INVOKE, Call, History
from harness.result import Anomaly, Reason, Result

EXPECT: Final = "set-full"
EXPECT_LINEARIZABLE: Final = "set-full-linearizable"
LOST, STALE = "lost", "stale"
WORST_MAX: Final = 8
_COUNTS: Final = ("attempts", "acknowledged", "stable", "lost", "stale", "recovered", "never_read", "unread",
                  "unexpected", "duplicates", "reads")  # fmt: skip
_TICK: Final = 256

Tick = Callable[[int, int], None]


@dataclass(slots=True)
class _Timelines:
    """What the reads of one key say of its elements, by code. ``known`` is the add or the read that first made it
    known, ``present`` the last to end of the reads that returned it, ``absent`` the last to begin of those that began
    when it was known and missed it."""

    known: dict[int, Call] = field(default_factory=dict)
    present: dict[int, Call] = field(default_factory=dict)
    absent: dict[int, Call] = field(default_factory=dict)
    unexpected: dict[int, Call] = field(default_factory=dict)
    duplicates: dict[int, Call] = field(default_factory=dict)

    def is_lost(self, code: int) -> bool:
        if code not in self.absent:
            return False
        present = self.present.get(code)
        return present is None or end_of(present) < self.absent[code].invoke


@dataclass(frozen=True, slots=True)
class _Outcomes:
    """The elements of one key, sorted by what became of them; ``unread`` are those never read though acknowledged."""

    lost: Sequence[int]
    stable: Sequence[int]
    stale: Sequence[int]
    recovered: Sequence[int]
    never_read: Sequence[int]
    unread: Sequence[int]


def check(history: History, *, time_limit_s: float | None = None, linearizable: bool = False) -> Result:
    """Whether the sets kept what was in them, read by read.

    Invalid: one anomaly "lost", "unexpected", "duplicate" (or, with ``linearizable``, "stale") per key; the operations
    of lost and stale ones are, of the first 24 elements, both halves of what made it known, of the last read that
    returned it (if any) and of the read that missed it. ``details``: counts over all keys, quantiles of
    ``stable_latencies_ms`` and ``lost_latencies_ms`` (from known to the end of the last read that returned it), and the
    ``worst_stale`` elements. Near-linear in the elements that reads returned. Raises
    :class:`harness.history.HistoryError`.
    """
    deadline = None if time_limit_s is None else monotonic() + time_limit_s
    expect = EXPECT_LINEARIZABLE if linearizable else EXPECT

    def tick(done: int, total: int) -> None:
        if deadline is not None and monotonic() > deadline:
            raise OutOfTimeError(f"{done} of {total} reads of a set were looked at within the time allowed")

    return guarded(expect, lambda: _judge(history, expect, linearizable, tick), method="timelines")


def _judge(history: History, expect: str, linearizable: bool, tick: Tick) -> Result:
    codes = ElementCodes()
    scene = Scene(history, codes, ())
    totals = _Totals(scene)
    anomalies: list[Anomaly] = []
    unread: list[Any] = []
    sets = sets_of(history, codes)
    for each in sets:
        lines = _timelines(each, codes, tick)
        outcomes = _outcomes(each, lines)
        totals.add(each, lines, outcomes)
        anomalies.extend(_anomalies(scene, each, lines, outcomes, linearizable))
        if outcomes.unread and not outcomes.stable:
            unread.append(each.key)
    missing = (bool(unread) or not totals.counts["stable"]) and not anomalies
    late = totals.counts["unread"]
    return Result(
        valid=False if anomalies else "unknown" if missing else True,
        expect=expect,
        method="timelines",
        reason=Reason.MISSING_FINAL_READ if missing else None,
        explanation=_nobody_looked(unread) if missing else _told_late(late) if late and not anomalies else None,
        anomalies=tuple(anomalies),
        operations=history.types.count(INVOKE),
        details={**totals.as_json(), "keys": len(sets), "final_read": late == 0},
    )


def _nobody_looked(keys: Sequence[Any]) -> str:
    which = "" if not keys or keys[0] is None else f" of key {show(keys[0])}"
    return f"no element{which} was read after it was known to be there: nobody looked whether anything was kept"


def _told_late(count: int) -> str:
    what = "1 acknowledged element" if count == 1 else f"{count} acknowledged elements"
    return f"of {what} nothing is said here: no read began after the acknowledgement"


def _timelines(each: KeyedSet, codes: ElementCodes, tick: Tick) -> _Timelines:
    lines = _Timelines()
    _look_for_presence(each, codes, lines, tick)
    _look_for_absence(each, codes, lines, tick)
    return lines


def _look_for_presence(each: KeyedSet, codes: ElementCodes, lines: _Timelines, tick: Tick) -> None:
    """Reads in order of their ends: who saw an element first, and who last. What each returned goes through operations
    on whole sets, so that an element costs a few hash lookups per read that returned it."""
    adds = {code: element.acknowledged for code, element in each.elements.items() if element.acknowledged}
    strangers: set[int] = set()
    for done, read in enumerate(sorted(each.reads, key=end_of)):
        if done % _TICK == 0:
            tick(done, len(each.reads))
        elements = returned(read, codes)
        seen = set(elements)
        for code in seen - lines.known.keys() - strangers:
            element = each.elements.get(code)
            if element is not None and element.possible_in(read):
                add = adds.get(code)
                lines.known[code] = add if add is not None and end_of(add) < end_of(read) else read
            else:
                lines.unexpected.setdefault(code, read)
                if element is None or not (element.acknowledged or element.unknown):
                    strangers.add(code)
        lines.duplicates.update((code, read) for code in twice(elements, seen) if code not in lines.duplicates)
        lines.present.update(dict.fromkeys(seen, read))
    for code, add in adds.items():
        lines.known.setdefault(code, add)


def _look_for_absence(each: KeyedSet, codes: ElementCodes, lines: _Timelines, tick: Tick) -> None:
    """Reads in order of their beginnings: of what was known when a read began, what did it miss?"""
    becoming = sorted(((end_of(call), code) for code, call in lines.known.items()), reverse=True)
    known: set[int] = set()
    for done, read in enumerate(each.reads):
        if done % _TICK == 0:
            tick(done, len(each.reads))
        while becoming and becoming[-1][0] < read.invoke:
            known.add(becoming.pop()[1])
        missed = known.difference(returned(read, codes))
        lines.absent.update(dict.fromkeys(missed, read))


def _outcomes(each: KeyedSet, lines: _Timelines) -> _Outcomes:
    lost = sorted((code for code in lines.absent if lines.is_lost(code)), key=lambda code: lines.absent[code].invoke)
    gone = set(lost)
    stable = [code for code in lines.known if code in lines.present and code not in gone]
    never = [code for code, e in each.elements.items() if (e.acknowledged or e.unknown) and code not in gone
             and code not in lines.present]  # fmt: skip
    return _Outcomes(
        lost=lost,
        stable=stable,
        stale=[code for code in stable if code in lines.absent],
        recovered=[code for code in stable if each.elements[code].acknowledged is None],
        never_read=never,
        unread=[code for code in never if each.elements[code].acknowledged],
    )


class _Totals:
    """The counts and latencies of all keys together."""

    def __init__(self, scene: Scene) -> None:
        self.counts = dict.fromkeys(_COUNTS, 0)
        self._scene = scene
        self._stable_ns: list[int] = []
        self._lost_ns: list[int] = []
        self._worst: list[tuple[int, dict[str, Any]]] = []

    def add(self, each: KeyedSet, lines: _Timelines, outcomes: _Outcomes) -> None:
        self.counts["attempts"] += sum(element.attempts for element in each.elements.values())
        self.counts["acknowledged"] += sum(element.acknowledged is not None for element in each.elements.values())
        self.counts["reads"] += len(each.reads)
        for name in ("stable", "lost", "stale", "recovered", "never_read", "unread"):
            self.counts[name] += len(getattr(outcomes, name))
        self.counts["unexpected"] += len(lines.unexpected)
        self.counts["duplicates"] += len(lines.duplicates)
        latencies = [(code, self._latency_ns(lines, code)) for code in outcomes.stable]
        self._stable_ns += [latency for _, latency in latencies if latency is not None]
        self._lost_ns += self._lasted_ns(lines, outcomes.lost)
        stale = [(latency, code) for code, latency in latencies if latency is not None and code in lines.absent]
        worst = [(latency, self._told(each, lines, code, latency)) for latency, code in sorted(stale)[-WORST_MAX:]]
        self._worst = sorted([*self._worst, *worst], key=lambda entry: -entry[0])[:WORST_MAX]

    def _latency_ns(self, lines: _Timelines, code: int) -> int | None:
        """From known to the beginning of the last read that missed it; None where the times are not known."""
        times, known, absent = self._scene.history.times, end_of(lines.known[code]), lines.absent.get(code)
        if times[known] < 0 or (absent is not None and times[absent.invoke] < 0):
            return None
        return 0 if absent is None else max(0, times[absent.invoke] - times[known])

    def _lasted_ns(self, lines: _Timelines, lost: Iterable[int]) -> Iterator[int]:
        """From known to the end of the last read that returned it, which no other did later; 0 if none ever did."""
        times = self._scene.history.times
        for code in lost:
            known, present = end_of(lines.known[code]), lines.present.get(code)
            if times[known] >= 0 and (present is None or times[end_of(present)] >= 0):
                yield 0 if present is None else max(0, times[end_of(present)] - times[known])

    def _told(self, each: KeyedSet, lines: _Timelines, code: int, latency_ns: int) -> dict[str, Any]:
        return {
            "key": plain(each.key),
            "element": plain(self._scene.codes.value(code)),
            "stale_ms": round(latency_ns / 1e6, 3),
            "known": end_of(lines.known[code]),
            "missed_by": lines.absent[code].invoke,
        }

    def as_json(self) -> dict[str, Any]:
        return {
            **self.counts,
            "stable_latencies_ms": quantiles_ms(self._stable_ns),
            "lost_latencies_ms": quantiles_ms(self._lost_ns),
            "worst_stale": [told for _, told in self._worst],
        }


def _anomalies(
    scene: Scene, each: KeyedSet, lines: _Timelines, outcomes: _Outcomes, linearizable: bool
) -> Iterator[Anomaly]:
    if outcomes.lost:
        yield _missed(scene, each, lines, LOST, outcomes.lost)
    if lines.unexpected:
        yield unexpected(scene, each, lines.unexpected)
    if lines.duplicates:
        yield duplicate(scene, each, lines.duplicates)
    if linearizable and outcomes.stale:
        yield _missed(scene, each, lines, STALE, outcomes.stale)


def _missed(scene: Scene, each: KeyedSet, lines: _Timelines, type_: str, codes: Sequence[int]) -> Anomaly:
    count = "1 element is" if len(codes) == 1 else f"{len(codes)} elements are"
    told = "; ".join(_story(scene, lines, code) for code in codes[:TOLD_MAX])
    more = f"; and {len(codes) - TOLD_MAX} more" if len(codes) > TOLD_MAX else ""
    return Anomaly(
        type=type_,
        operations=tuple(dict.fromkeys(_positions(lines, codes))),
        explanation=f"{where(each)}{count} {type_}: {told}{more}.",
        details=listed(scene, each, codes),
    )


def _story(scene: Scene, lines: _Timelines, code: int) -> str:
    known, absent, present = lines.known[code], lines.absent[code], lines.present.get(code)
    how = "acknowledged" if known.f == "add" else f"read by process {known.process}"
    missed = f"missing from process {absent.process}'s read (op {absent.complete}), which began after that"
    parts = [f"{show(scene.codes.value(code))} was {how} (op {known.complete})"]
    if present is None or present is known:
        parts += ["and " + missed]
    elif lines.is_lost(code):
        parts += [f"last read by process {present.process} (op {present.complete})", "and " + missed]
    else:
        parts += [missed, f"and read by process {present.process} (op {present.complete})"]
    return ", ".join(parts)


def _positions(lines: _Timelines, codes: Sequence[int]) -> Iterator[int]:
    for code in codes[:LISTED_MAX]:
        for call in (lines.known[code], lines.present.get(code), lines.absent[code]):
            if call is not None:
                yield from (call.invoke, end_of(call))
