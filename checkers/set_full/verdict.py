"""The verdict on sets read by read: what became of each element, counted, timed and told."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from time import monotonic
from typing import Any, Final

from checkers.guard import OutOfTimeError, guarded
from checkers.quantile import quantiles_ms
from checkers.set.contents import ElementCodes, KeyedSet, end_of, sets_of
from checkers.set.explain import LISTED_MAX, TOLD_MAX, Scene, duplicate, listed, unexpected, where
from checkers.set_full.timeline import Outcomes, Tick, Timelines, outcomes_of, timelines_of
from checkers.value import plain, show
from harness.history import INVOKE, History
from harness.result import Anomaly, Reason, Result

EXPECT: Final = "set-full"
EXPECT_LINEARIZABLE: Final = "set-full-linearizable"
LOST, STALE = "lost", "stale"
WORST_MAX: Final = 8
_COUNTS: Final = ("attempts", "acknowledged", "stable", "lost", "stale", "recovered", "never_read", "unread",
                  "unexpected", "duplicates", "reads")  # fmt: skip


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
        lines = timelines_of(each, codes, tick)
        outcomes = outcomes_of(each, lines)
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


class _Totals:
    """The counts and latencies of all keys together."""

    def __init__(self, scene: Scene) -> None:
        self.counts = dict.fromkeys(_COUNTS, 0)
        self._scene = scene
        self._stable_ns: list[int] = []
        self._lost_ns: list[int] = []
        self._worst: list[tuple[int, dict[str, Any]]] = []

    def add(self, each: KeyedSet, lines: Timelines, outcomes: Outcomes) -> None:
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

    def _latency_ns(self, lines: Timelines, code: int) -> int | None:
        """From known to the beginning of the last read that missed it; None where the times are not known."""
        times, known, absent = self._scene.history.times, end_of(lines.known[code]), lines.absent.get(code)
        if times[known] < 0 or (absent is not None and times[absent.invoke] < 0):
            return None
        return 0 if absent is None else max(0, times[absent.invoke] - times[known])

    def _lasted_ns(self, lines: Timelines, lost: Iterable[int]) -> Iterator[int]:
        """From known to the end of the last read that returned it, which no other did later; 0 if none ever did."""
        times = self._scene.history.times
        for code in lost:
            known, present = end_of(lines.known[code]), lines.present.get(code)
            if times[known] >= 0 and (present is None or times[end_of(present)] >= 0):
                yield 0 if present is None else max(0, times[end_of(present)] - times[known])

    def _told(self, each: KeyedSet, lines: Timelines, code: int, latency_ns: int) -> dict[str, Any]:
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
    scene: Scene, each: KeyedSet, lines: Timelines, outcomes: Outcomes, linearizable: bool
) -> Iterator[Anomaly]:
    if outcomes.lost:
        yield _missed(scene, each, lines, LOST, outcomes.lost)
    if lines.unexpected:
        yield unexpected(scene, each, lines.unexpected)
    if lines.duplicates:
        yield duplicate(scene, each, lines.duplicates)
    if linearizable and outcomes.stale:
        yield _missed(scene, each, lines, STALE, outcomes.stale)


def _missed(scene: Scene, each: KeyedSet, lines: Timelines, type_: str, codes: Sequence[int]) -> Anomaly:
    count = "1 element is" if len(codes) == 1 else f"{len(codes)} elements are"
    told = "; ".join(_story(scene, lines, code) for code in codes[:TOLD_MAX])
    more = f"; and {len(codes) - TOLD_MAX} more" if len(codes) > TOLD_MAX else ""
    return Anomaly(
        type=type_,
        operations=tuple(dict.fromkeys(_positions(lines, codes))),
        explanation=f"{where(each)}{count} {type_}: {told}{more}.",
        details=listed(scene, each, codes),
    )


def _story(scene: Scene, lines: Timelines, code: int) -> str:
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


def _positions(lines: Timelines, codes: Sequence[int]) -> Iterator[int]:
    for code in codes[:LISTED_MAX]:
        for call in (lines.known[code], lines.present.get(code), lines.absent[code]):
            if call is not None:
                yield from (call.invoke, end_of(call))
