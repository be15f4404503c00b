"""The verdict on a run: what the workload's checker says of the history, less what the run itself takes from it.

A valid history is evidence only if enough happened in the run, its faults bit, and it came to its proper end. So each
of these can turn valid into unknown; nothing turns invalid into anything else.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from time import perf_counter
from typing import Any

from harness.availability import Availability, availability
from harness.faults.effect import summary
from harness.faults.witness import witnessed
from harness.formats import read_history
from harness.history import NEMESIS, History
from harness.node_failure import ASSERTION, NodeFailure, node_failures
from harness.result import SCHEMA, Reason, Result, unknown
from harness.runner import HEAL, Record, Setup
from harness.store import RunFolder
from harness.sufficiency import shortfall


@dataclass(frozen=True, slots=True)
class Verdict:
    """The result, and the other results of a run."""

    result: Result
    faults: Sequence[dict[str, Any]]
    availability: Sequence[Availability]
    record: Record

    def as_json(self) -> dict[str, Any]:
        """The fields of ``results.json``; those of ``Result`` and, besides, the run's own."""
        counts = self.record.counts
        return {
            "schema": SCHEMA,
            **self.result.as_json(),
            "ok": counts.ok,
            "fail": counts.fail,
            "info": counts.info,
            "faults": list(self.faults),
            "availability": [entry.as_json() for entry in self.availability],
            "recovery_seconds": None if self.record.recovery_s is None else round(self.record.recovery_s, 3),
            "interrupted": self.record.interrupted,
            "troubles": [*self.record.unhealed, *self.record.troubles],
            "main_start_ns": self.record.main_start_ns,
            "main_end_ns": self.record.main_end_ns,
        }


def judge(setup: Setup, folder: RunFolder, record: Record, time_limit_s: float | None) -> Verdict:
    """Check what the run left on disk, and write ``faults.jsonl`` and ``results.json``. Touches no cluster.

    Raises harness.formats' FormatError if the history on disk is not one: that is no verdict.
    """
    history = read_history(folder.history, "jsonl") if folder.history.exists() else History()
    failures = node_failures(folder.nodes)
    applications = witnessed(record.applications, history)
    folder.write_faults(applications)
    faults = _faults(setup, applications)
    result = _qualified(checked(setup, history, time_limit_s), setup, history, record, faults, failures)
    times = availability(history, record.main_start_ns, record.main_end_ns)
    verdict = Verdict(result, faults, times, record)
    folder.write_results({**verdict.as_json(), "initial": setup.plan.initial, "nil_reads": "value"})
    return verdict


def checked(setup: Setup, history: History, time_limit_s: float | None) -> Result:
    """What the workload's checker says. One that raises, or is interrupted, gives unknown."""
    workload, started = setup.workload, perf_counter()
    try:
        return workload.check(history, time_limit_s)
    except KeyboardInterrupt:
        reason, text = (
            Reason.INTERRUPTED,
            "the check was interrupted; `splitbrain check` on the run's folder repeats it",
        )
    except MemoryError:
        reason, text = Reason.OUT_OF_MEMORY, "the checker ran out of memory"
    except Exception as error:  # noqa: BLE001 (whatever a checker raises is never a verdict)
        reason, text = Reason.CHECKER_ERROR, f"the checker raised {type(error).__name__}: {error}"[:1000]
    seconds = perf_counter() - started
    return unknown(workload.expect, reason, text, model=workload.model, seconds=seconds)


def _faults(setup: Setup, applications: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Per fault named in the plan: times applied, what was measured, whether it ever bit."""
    lines = {line["name"]: line for line in summary(applications)}
    names = dict.fromkeys([*_named(setup), *lines])
    return [lines.get(name, {"name": name, "applied": 0, "bit": False, "effect": {}}) for name in names]


def _named(setup: Setup) -> list[str]:
    from harness.faults.grammar import parse

    return [*(spec.name for spec in parse(setup.plan.faults, setup.faults)), *(s.fault for s in setup.plan.schedule)]


def _qualified(
    result: Result,
    setup: Setup,
    history: History,
    record: Record,
    faults: Sequence[dict[str, Any]],
    failures: Sequence[NodeFailure],
) -> Result:
    """The result, made invalid by a failed assertion, or unknown by whatever the run lacks.

    What the run lacks stands before a checker's own reason not to know: that one may be settled by checking again.
    """
    if assertions := tuple(failure.anomaly() for failure in failures if failure.kind == ASSERTION):
        anomalies = (*result.anomalies, *assertions)
        return replace(result, valid=False, reason=None, explanation=None, anomalies=anomalies)
    doubts = [*_run_doubts(record, failures), *_evidence_doubts(setup, history, faults)]
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


def _evidence_doubts(setup: Setup, history: History, faults: Sequence[dict[str, Any]]) -> Iterator[tuple[Reason, str]]:
    """Why a valid history would be no evidence."""
    if (short := shortfall(history, setup.workload.thresholds, _main_phase_end(history))) is not None:
        yield short
    if toothless := [line["name"] for line in faults if not line["bit"]]:
        yield (
            Reason.FAULT_WITHOUT_EFFECT,
            (
                f"no effect of {', '.join(toothless)} was measured, so the run says nothing about it "
                "(faults.jsonl has the figures)"
            ),
        )


def _main_phase_end(history: History) -> int:
    """The position at which the load was over and the heal began; the end where there was none."""
    heals = (
        index
        for index, code in enumerate(history.processes)
        if code < 0 and history.f_names[history.fs[index]] == HEAL and history.process_name(code) == NEMESIS
    )
    return next(heals, len(history))
