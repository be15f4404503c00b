"""The verdict on a run: what the workload's checker says of the history, less what the run itself takes from it.

A valid history is evidence only if enough happened in the run, its faults bit, and it came to its proper end. So each
of these can turn valid into unknown; nothing turns invalid into anything else.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from time import perf_counter
from typing import Any

from harness.availability import Availability, availability
from harness.faults.disturbance import is_list, named
from harness.faults.effect import summary
from harness.faults.fault_file import Words
from harness.faults.witness import witnessed
from harness.formats import read_history
from harness.history import DUMP, INVOKE, NEMESIS, History
from harness.node.failure import EXIT
from harness.node_failure import ASSERTION, CRASH, NodeFailure, exits_of, failures_of, read_events
from harness.result import SCHEMA, Reason, Result, composed, unknown
from harness.runner import HEAL, Record
from harness.setup import Setup
from harness.store import RunFolder
from harness.sufficiency import asked, shortfall


@dataclass(frozen=True, slots=True)
class Verdict:
    """The result, and the other results of a run. ``applications`` of faults are the lines of ``faults.jsonl``,
    ``faults`` what they come to, fault by fault; ``checked`` is what the checkers alone said, ``doubts`` why the run is
    no evidence of more. ``exits`` says which nodes ended with the database that they kept."""

    result: Result
    faults: Sequence[dict[str, Any]]
    availability: Sequence[Availability]
    record: Record
    applications: Sequence[Mapping[str, Any]] = ()
    checked: Result | None = None
    doubts: Sequence[tuple[Reason, str]] = ()
    exits: Sequence[str] = ()

    @property
    def idle_faults(self) -> tuple[str, ...]:
        """The faults without measured effect, if that is all that keeps the run from being valid, and others bit."""
        reasons = {reason for reason, _ in self.doubts}
        bit = any(line["bit"] for line in self.faults)
        if (
            not bit
            or reasons != {Reason.FAULT_WITHOUT_EFFECT}
            or self.checked is None
            or self.checked.valid is not True
        ):
            return ()
        return tuple(line["name"] for line in self.faults if not line["bit"])

    def as_json(self) -> dict[str, Any]:
        """The fields of ``results.json``; those of ``Result`` and, besides, the run's own."""
        counts = self.record.counts
        return {
            "schema": SCHEMA,
            **self.result.as_json(),
            "checked": None if self.checked is None else self.checked.valid,
            "ok": counts.ok,
            "fail": counts.fail,
            "info": counts.info,
            "faults": list(self.faults),
            "availability": [entry.as_json() for entry in self.availability],
            "recovery_seconds": None if self.record.recovery_s is None else round(self.record.recovery_s, 3),
            "interrupted": self.record.interrupted,
            **({"exits": list(self.exits)} if self.exits else {}),
            "troubles": [*self.record.unhealed, *self.record.troubles],
            "origin_ns": self.record.origin_ns,
            "main_start_ns": self.record.main_start_ns,
            "main_end_ns": self.record.main_end_ns,
            **({"versions": dict(self.record.versions)} if self.record.versions else {}),
        }


def judge(setup: Setup, folder: RunFolder, record: Record, time_limit_s: float | None) -> Verdict:
    """Check what the run left on disk, and write ``faults.jsonl`` and ``results.json``. Touches no cluster.

    Raises harness.formats' FormatError if the history on disk is not one: that is no verdict.
    """
    history = read_history(folder.history, "jsonl") if folder.history.exists() else History()
    election = setup.system.leadership(setup.plan.options)
    events = read_events(folder.nodes, (ASSERTION, CRASH, EXIT, *(() if election is None else election[:1])))
    verdict = assess(setup, history, record, list(events), time_limit_s)
    folder.write_faults(verdict.applications)
    folder.write_results({**verdict.as_json(), "initial": setup.plan.initial, "nil_reads": "value"})
    return verdict


def assess(
    setup: Setup,
    history: History,
    record: Record,
    events: Sequence[Mapping[str, Any]],
    time_limit_s: float | None,
    *,
    failures: Sequence[NodeFailure] | None = None,
) -> Verdict:
    """The verdict on a run that is in memory: a pure function, which touches no disk.

    ``events`` are what the nodes told, each as a line of events.jsonl (others than the leaders' and the nodes' own ends
    may be left out); ``failures`` those of the nodes, if they are known already.
    """
    applications = witnessed(record.applications, history)
    failures = failures_of(events) if failures is None else failures
    faults = _faults(setup, applications)
    said = composed(checked(setup, history, time_limit_s), *_others(setup, history, events))
    doubts = (*_run_doubts(record, failures), *_evidence_doubts(setup, history, record, faults))
    times = availability(history, record.main_start_ns, record.main_end_ns, setup.system.answers)
    result = _qualified(said, doubts, failures)
    return Verdict(result, faults, times, record, applications, said, doubts, exits_of(events))


def checked(setup: Setup, history: History, time_limit_s: float | None) -> Result:
    """What the workload's checker says. One that raises, or is interrupted, gives unknown."""
    workload = setup.workload
    return _protected(workload.expect, workload.model, lambda: workload.check(history, time_limit_s))


def _others(setup: Setup, history: History, events: Sequence[Mapping[str, Any]]) -> Iterator[Result]:
    """What is checked of every run, whatever its workload, wherever its system has it: that replicas come to agree, and
    that no epoch has two leaders."""
    from checkers import convergence, leadership

    if DUMP in history.f_names:
        yield _protected(convergence.EXPECT, None, lambda: convergence.check(history))
    if (election := setup.system.leadership(setup.plan.options)) is not None:
        event, epoch = election
        yield _protected(leadership.EXPECT, None, lambda: leadership.check(events, event=event, epoch=epoch))


def _protected(expect: str, model: str | None, check: Callable[[], Result]) -> Result:
    started = perf_counter()
    try:
        return check()
    except KeyboardInterrupt:
        reason, text = (
            Reason.INTERRUPTED,
            "the check was interrupted; `splitbrain check` on the run's folder repeats it",
        )
    except MemoryError:
        reason, text = Reason.OUT_OF_MEMORY, "the checker ran out of memory"
    except Exception as error:  # noqa: BLE001 (whatever a checker raises is never a verdict)
        reason, text = Reason.CHECKER_ERROR, f"the checker raised {type(error).__name__}: {error}"[:1000]
    return unknown(expect, reason, text, model=model, seconds=perf_counter() - started)


def _faults(setup: Setup, applications: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Per fault named in the plan: times applied, what was measured, whether it ever bit."""
    lines = {line["name"]: line for line in summary(applications)}
    names = dict.fromkeys([*_named(setup), *lines])
    return [lines.get(name, {"name": name, "applied": 0, "bit": False, "effect": {}}) for name in names]


def _named(setup: Setup) -> list[str]:
    specs = named(setup.plan.faults, Words(setup.faults))
    return [*(spec.name for spec in specs), *(entry.fault for entry in setup.plan.schedule)]


def _qualified(result: Result, doubts: Sequence[tuple[Reason, str]], failures: Sequence[NodeFailure]) -> Result:
    """The result, made invalid by a failed assertion, or unknown by whatever the run lacks.

    What the run lacks stands before a checker's own reason not to know: that one may be settled by checking again.
    """
    if assertions := tuple(failure.anomaly() for failure in failures if failure.kind == ASSERTION):
        anomalies = (*result.anomalies, *assertions)
        return replace(result, valid=False, reason=None, explanation=None, anomalies=anomalies)
    if result.valid is False or not doubts:
        return result
    reason, _ = doubts[0]
    texts = [text for _, text in doubts] + ([result.explanation] if result.explanation else [])
    return replace(result, valid="unknown", reason=reason, explanation="; besides, ".join(texts))


def _run_doubts(record: Record, failures: Sequence[NodeFailure]) -> Iterator[tuple[Reason, str]]:
    """What went wrong with the run itself."""
    if record.interrupted:
        yield Reason.INTERRUPTED, "the run was interrupted; what there is was checked"
    if record.unhealed:
        yield Reason.HARNESS_ERROR, "not everything was healed: " + "; ".join(record.unhealed)
    if record.troubles:
        yield Reason.HARNESS_ERROR, "; ".join(record.troubles)
    if crashes := [str(failure) for failure in failures if failure.kind != ASSERTION]:
        yield Reason.HARNESS_ERROR, "; ".join(crashes[:5])
    if not record.recovered and not record.interrupted:
        yield Reason.NO_RECOVERY, "nothing succeeded after everything was healed"


def _evidence_doubts(
    setup: Setup, history: History, record: Record, faults: Sequence[dict[str, Any]]
) -> Iterator[tuple[Reason, str]]:
    """Why a valid history would be no evidence."""
    thresholds = setup.workload.thresholds
    plan = asked(setup.plan, thresholds)
    if (short := shortfall(history, thresholds, _main_phase_end(history, record), plan)) is not None:
        yield short
    toothless = [line for line in faults if not line["bit"]]
    if toothless and (is_list(setup.plan.faults) or len(toothless) == len(faults)):
        yield Reason.FAULT_WITHOUT_EFFECT, _toothless(toothless, record.applications)


def _toothless(lines: Sequence[Mapping[str, Any]], applications: Sequence[Mapping[str, Any]]) -> str:
    """Faults that were applied in vain, and those that were not applied at all, and why."""
    vain = [line["name"] for line in lines if line["applied"]]
    said = []
    if vain:
        said.append(f"no effect of {', '.join(vain)} was measured, so the run says nothing about it (faults.jsonl has "
                    "the figures)")  # fmt: skip
    for name in (line["name"] for line in lines if not line["applied"]):
        told = dict.fromkeys(entry["effect"]["explanation"] for entry in applications if entry["fault"] == name)
        because = "; ".join(list(told)[:2]) or "there was no time for it"
        said.append(f"{name} was never applied: {because}")
    return "; ".join(said)


def _main_phase_end(history: History, record: Record) -> int:
    """The position at which the load was over: where the heal began or, if there was none, the first operation that was
    asked later than the load."""
    for index, code in enumerate(history.processes):
        if code >= 0 and history.types[index] == INVOKE and history.times[index] > record.main_end_ns > 0:
            return index
        if code < 0 and history.f_names[history.fs[index]] == HEAL and history.process_name(code) == NEMESIS:
            return index
    return len(history)
