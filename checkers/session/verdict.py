"""The verdict on session guarantees: which hold, what breaks each, how often, and how stale the reads were."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from time import monotonic
from typing import Any, Final

from checkers.guard import OutOfTimeError, guarded
from checkers.session.count import Counts
from checkers.session.decide import Decision, Tick, decide, examined
from checkers.session.explain import explain, positions
from checkers.session.large import Findings, decide_large
from checkers.session.minimal import minimal
from checkers.session.operation import NilReads, value_of
from checkers.session.scene import Scene, scene_of
from checkers.session.violation import GUARANTEES, Violation
from checkers.value import plain
from harness.history import INVOKE, History
from harness.result import Anomaly, Result, Validity, worst

ALL: Final = "session-guarantees"
METHOD: Final = "version-order"
ANOMALIES_MAX: Final = 16
_LISTED_MAX: Final = 24
_TICKS_PER_LOOK: Final = 256


def judged(
    history: History,
    names: Sequence[str],
    expect: str,
    *,
    initial: Any,
    nil_reads: NilReads,
    versions: bool,
    time_limit_s: float | None,
) -> Result:
    """Whether all of these guarantees hold, each by itself. ``details`` has each one's verdict and counts."""
    tick = _clock(None if time_limit_s is None else monotonic() + time_limit_s)

    def judge() -> Result:
        found = decide_large(history, names, nil_reads, tick, versions=versions) if initial is None else None
        return _conclude(found or _decide_all(scene_of(history, initial, nil_reads, versions=versions), names, tick),
                         expect)  # fmt: skip

    with _without_collection():
        return guarded(expect, judge, method=METHOD)


def _decide_all(scene: Scene, names: Sequence[str], tick: Tick) -> Findings:
    found = examined(scene, tick)
    decisions = {name: decide(found, name, tick) for name in names}
    counts = {name: Counts().take_all(scene, each.violations) for name, each in decisions.items()}
    totals = {
        "sessions": len(scene.sessions),
        "keys": len(scene.objects),
        "reads": sum(len(each.reads) for each in scene.objects.values()),
        "writes": sum(len(each.happened) for each in scene.objects.values()),
    }
    return Findings(scene, decisions, counts, totals)


def _clock(deadline: float | None) -> Tick:
    """What must be called now and then: it raises :class:`checkers.guard.OutOfTimeError` past the deadline."""
    ticks = 0

    def tick() -> None:
        nonlocal ticks
        ticks += 1
        if deadline is not None and ticks % _TICKS_PER_LOOK == 1 and monotonic() > deadline:
            raise OutOfTimeError("the session guarantees were not decided within the time allowed")

    return tick


def _conclude(found: Findings, expect: str) -> Result:
    verdicts = {name: _validity(decision) for name, decision in found.decisions.items()}
    valid = worst(verdicts.values())
    doubts = [decision for name, decision in found.decisions.items() if verdicts[name] == "unknown"]
    first = doubts[0] if valid == "unknown" else None
    return Result(
        valid=valid,
        expect=expect,
        method=METHOD,
        reason=first.reason if first else None,
        explanation=first.doubt if first else None,
        anomalies=tuple(_anomalies(found.scene, found.decisions)),
        operations=found.scene.history.types.count(INVOKE),
        details=_details(found, verdicts),
    )


def _validity(decision: Decision) -> Validity:
    return False if decision.violations else "unknown" if decision.reason is not None else True


def _details(found: Findings, verdicts: dict[str, Validity]) -> dict[str, Any]:
    told: dict[str, Any] = dict(found.totals)
    for name, decision in found.decisions.items():
        doubt = {"unknown": decision.doubt} if verdicts[name] == "unknown" else {}
        told[name] = {"valid": verdicts[name], **found.counts[name].as_json(), **doubt}
    if len(found.decisions) == 1:
        told |= told.pop(next(iter(found.decisions)))
    return told


def _anomalies(scene: Scene, decisions: Mapping[str, Decision]) -> Iterator[Anomaly]:
    """One per kind and key, the shortest and then the first of each; what is wrong by itself is told once."""
    told: set[tuple[str, Any]] = set()
    for name, decision in decisions.items():
        best: dict[tuple[str, Any], Violation] = {}
        for violation in decision.violations:
            at = violation.type, violation.key
            if at not in told and (at not in best or _size(violation) < _size(best[at])):
                best[at] = violation
        told |= set(best)
        for violation in list(best.values())[:ANOMALIES_MAX]:
            yield _anomaly(scene, name, violation)


def _size(violation: Violation) -> int:
    return len({operation.invoke for operation in violation.witness})


def _anomaly(scene: Scene, name: str, violation: Violation) -> Anomaly:
    witness, is_minimal = minimal(scene, name, violation)
    details = {"key": plain(value_of(violation.key)), "session": scene.sessions[violation.session],
               "minimal": is_minimal}  # fmt: skip
    text = explain(scene, violation)
    return Anomaly(violation.type, positions(witness), text[0].upper() + text[1:], details)


@contextmanager
def _without_collection() -> Iterator[None]:
    """The cyclic garbage collector off: it would walk through everything that is being built, again and again."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


def _of(name: str) -> Callable[..., Result]:
    names = GUARANTEES if name == ALL else (name,)

    def check(
        history: History,
        *,
        initial: Any = None,
        nil_reads: NilReads = "value",
        versions: bool = False,
        time_limit_s: float | None = None,
    ) -> Result:
        return judged(history, names, name, initial=initial, nil_reads=nil_reads, versions=versions,
                      time_limit_s=time_limit_s)  # fmt: skip

    check.__doc__ = _SUMMARIES[name]
    return check


_SUMMARIES: Final = {
    "read-your-writes": "Whether every read shows at least what its session had written, key by key.",
    "monotonic-reads": "Whether no read shows less than an earlier one of its session, key by key.",
    "monotonic-writes": "Whether each session's writes take effect in order, none without those before it, key by key.",
    "writes-follow-reads": "Whether a write comes after what its session had read, seen only with it, key by key.",
    "pram": "Whether each session can order all writes, every session's in its own order, around its own reads.",
    ALL: "Whether all session guarantees hold, each by itself: the four of Terry and others, and PRAM.",
}
read_your_writes = _of("read-your-writes")
monotonic_reads = _of("monotonic-reads")
monotonic_writes = _of("monotonic-writes")
writes_follow_reads = _of("writes-follow-reads")
pram = _of("pram")
session_guarantees = _of(ALL)
