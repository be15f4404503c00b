"""A plan's answer from its run in the simulated world: whether it fails in the way asked for, and what showed it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

from harness.fault_window import application
from harness.faults.timetable import START
from harness.history import DUMP, Op
from harness.plan import Plan, ScheduledOperation
from harness.result import Anomaly
from harness.search.shrink_failure import Failure, failures
from harness.search.shrink_oracle import Answer
from harness.search.trial import Trial, TrialError, run_trial
from harness.setup import Setup

DIVERGENCE: Final = "divergence"
CHECK_S_MAX: Final = 10.0
"""Real seconds for the checker: a small history is decided in milliseconds, and a large one may be passed over."""


@dataclass(slots=True)
class TrialJudge:
    """Runs plans of one system and looks for one failure.

    ``of_listed``: operations that the plan lists must be part of what shows it. Else a plan would shrink to one that
    asks nothing, where the probe after the heal meets the bug and nobody sees how. ``broken`` are plans that could not
    be run at all, with the reason: shrinking may ask for what no generator would have drawn.
    """

    setup: Setup
    failure: Failure
    of_listed: bool = False
    broken: int = 0
    last_error: str = ""

    def __call__(self, plan: Plan) -> Answer:
        try:
            trial = run_trial(replace(self.setup, plan=plan), time_limit_s=CHECK_S_MAX)
        except TrialError:
            return Answer(False)
        except Exception as error:  # noqa: BLE001 (a plan that cannot be run does not fail in the way asked for; counted)
            self.broken, self.last_error = self.broken + 1, f"{type(error).__name__}: {error}"[:300]
            return Answer(False)
        answers = [_shown(trial, anomaly) for found, anomaly in failures(trial.verdict.result) if found == self.failure]
        listed = self.of_listed and plan.operations is not None
        return next((answer for answer in answers if answer.needed or not listed), Answer(False))


def judge_of(trial: Trial, listed: Plan, failure: Failure) -> TrialJudge:
    """The judge of smaller plans than that of ``trial``, which showed ``failure``; ``listed`` is its plan with the
    operations listed. What the failure did not need is not asked any more, as long as plans are only compared: the
    replicas' dumps where they are not what differs, and all final reads where the main phase had shown it."""
    setup = trial.setup
    same = replace(trial, setup=replace(setup, plan=listed))
    answers = [_shown(same, anomaly) for found, anomaly in failures(trial.verdict.result) if found == failure]
    if failure.type != DIVERGENCE:
        setup = replace(setup, system=replace(setup.system, operations=setup.system.operations - {DUMP}))
    if any(answer.shown_ns is not None for answer in answers):
        setup = replace(setup, workload=replace(setup.workload, final_generator=None))
    return TrialJudge(setup, failure, of_listed=any(answer.needed for answer in answers))


def _shown(trial: Trial, anomaly: Anomaly | None) -> Answer:
    history, record = trial.history, trial.verdict.record
    struck_ns = _struck_ns(trial)
    if anomaly is None:
        return Answer(True, struck_ns=struck_ns, explanation=trial.verdict.result.explanation or "")
    needed, last_ns = [], 0
    for position in anomaly.operations:
        partner = history.partners[position]
        invocation = history[min(position, partner) if partner >= 0 else position]
        place = _place(trial, invocation, record.main_start_ns)
        if place is not None:
            needed.append(place)
        last_ns = max(last_ns, history.times[max(position, partner)] - record.main_start_ns)
    later = not anomaly.operations or last_ns > record.main_end_ns - record.main_start_ns
    return Answer(True, tuple(needed), None if later else last_ns, struck_ns, anomaly.explanation)


def _struck_ns(trial: Trial) -> dict[int, int]:
    """Position in the schedule -> when the fault was announced, from the start of the main phase."""
    history, struck = trial.history, dict[int, int]()
    for position, code in enumerate(history.processes):
        if code < 0 and history.f_names[history.fs[position]].startswith(START):
            number = application(history[position])
            if number is not None:
                struck.setdefault(number, history.times[position] - trial.verdict.record.main_start_ns)
    return struck


def _place(trial: Trial, op: Op, start_ns: int) -> int | None:
    """The position in the plan's operations of what the history shows: the nearest in time of that thread and name."""
    plan = trial.setup.plan
    assert isinstance(op.process, int), "anomalies consist of clients' operations"
    thread, time_ns = op.process % plan.concurrency, op.time - start_ns
    if op.time >= trial.verdict.record.main_end_ns:
        return None
    places = [place for place, operation in enumerate(plan.operations or ()) if _is(operation, thread, op)]
    return min(places, key=lambda place: abs((plan.operations or ())[place].time_ns - time_ns), default=None)


def _is(operation: ScheduledOperation, thread: int, op: Op) -> bool:
    return (operation.thread, operation.f, operation.key, operation.value) == (thread, op.f, op.key, op.value)
