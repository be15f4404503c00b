"""Shrinking: from a plan that fails to the smallest one that fails in the same way.

A failing run of ten seconds has a dozen faults and hundreds of operations, of which perhaps one and three matter. What
comes out here is those, as a few lines of data that ``--replay`` runs.

*The plan is made explicit first.* Its run is made once, and the operations that the generator drew are listed in the
plan in its place. Then every operation can be taken away without changing the others. Random streams in the simulator
are keyed by link, node and disk for the same reason: taking something away leaves the rest as it was, mostly. Where the
explicit plan does not fail (its operations come by the plan's clock, not by the generator's), the generator is kept,
and only the faults and the world become smaller.

*Then guesses and removals.* The anomaly itself says which operations it consists of and when it was complete: one try
with those alone is often enough. The passes that take something away (``shrink_fault``, ``shrink_operation``,
``shrink_world``) come first, since they make the runs shorter by which all questions are answered (``shrink_oracle``).

*Then two ways out of a dead end*, each allowed as much time as all before it: the removals once more, under other seeds
where the plan's own will not do; and smaller plans from scratch, of the same ingredients.

*Then what makes a plan readable*: smaller figures, simpler actions, rounder times (``shrink_time``). At last Hypothesis
looks at the neighbourhood of what is left; what it finds is kept only if it is smaller, and polished again.

Whatever happens, an answer is only ever believed for the very plan that was run; what is returned was run last of all.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from time import monotonic
from typing import Final

from harness.generator.script import operations_of
from harness.plan import Plan
from harness.result import Anomaly
from harness.search.shrink_failure import Failure, failures
from harness.search.shrink_oracle import Oracle
from harness.search.shrink_size import Count, count
from harness.search.shrink_stage import Shrinking, Stage
from harness.search.shrink_trial import judge_of
from harness.search.trial import Trial, run_trial
from harness.setup import Setup
from harness.verdict import Verdict

SEEDS_TRIED: Final = 10


class NothingToShrinkError(Exception):
    """The plan does not fail in the simulated world; ``trial`` is the run that shows it."""

    def __init__(self, trial: Trial) -> None:
        result = trial.verdict.result
        super().__init__(f"{result.valid} ({result.reason})" if result.reason else str(result.valid))
        self.trial = trial


class NotDeterministicError(Exception):
    """The same plan failed and did not fail: nothing that shrinking says would be true."""


@dataclass(frozen=True, slots=True)
class Shrunk:
    """The outcome. ``anomaly`` (None: it did not recover) and ``verdict`` are of the last run of the plan.

    ``explicit``: the plan lists its operations; ``complete``: nothing was left to try when it ended, so neither the
    time was over nor a person in a hurry; ``reached_s``: seconds until its faults and operations were as few as they
    are (the rest made it rounder); ``seeds_failed``: under how many of the first SEEDS_TRIED seeds it fails;
    ``broken``: candidates that could not be run at all.
    """

    plan: Plan
    failure: Failure
    anomaly: Anomaly | None
    verdict: Verdict
    before: Count
    explicit: bool
    complete: bool
    tries: int
    seconds: float
    reached_s: float
    seeds_failed: int
    stages: Mapping[str, Stage]
    broken: int = 0
    last_error: str = ""

    @property
    def after(self) -> Count:
        return count(self.plan)

    @property
    def explanation(self) -> str:
        return self.anomaly.explanation if self.anomaly is not None else self.verdict.result.explanation or ""


def shrink(
    setup: Setup,
    time_limit_s: float,
    watch: Callable[[Oracle], None] = lambda oracle: None,
    stopped: Callable[[], bool] = lambda: False,
) -> Shrunk:
    """The smallest plan found within the time that fails as ``setup``'s plan does, in the simulated world.

    ``watch`` is told of every try; ``stopped`` may ask for what there is. Raises NothingToShrinkError, and TrialError
    where the plan's run comes to no verdict; NotDeterministicError.
    """
    started, plan = monotonic(), replace(setup.plan, provider="sim")
    first = run_trial(replace(setup, plan=plan))
    failure = next((found for found, _ in failures(first.verdict.result)), None)
    if failure is None:
        raise NothingToShrinkError(first)
    listed = listing(first)
    judge = judge_of(first, listed, failure)
    oracle = Oracle(judge, plan, started + time_limit_s, stopped, watch, reached_s=started)
    shrinking = Shrinking(setup, oracle, started)
    complete = shrinking.run(listed)
    last, anomaly = _shown(setup, oracle.best, failure)
    seeds = range(0 if stopped() else SEEDS_TRIED)
    before = count(listed if plan.operations is None else plan)
    return Shrunk(
        plan=oracle.best,
        failure=failure,
        anomaly=anomaly,
        verdict=last.verdict,
        before=before,
        explicit=oracle.best.operations is not None,
        complete=complete,
        tries=1 + oracle.tries,
        seconds=monotonic() - started,
        reached_s=oracle.reached_s - started,
        seeds_failed=sum(judge(replace(oracle.best, seed=seed)).fails for seed in seeds),
        stages=shrinking.stages,
        broken=judge.broken,
        last_error=judge.last_error,
    )


def _shown(setup: Setup, plan: Plan, failure: Failure) -> tuple[Trial, Anomaly | None]:
    """A whole run of the plan, and what shows the failure in it: nothing is returned that has not just failed. Raises
    NotDeterministicError."""
    trial = run_trial(replace(setup, plan=plan))
    for found, anomaly in failures(trial.verdict.result):
        if found == failure:
            return trial, anomaly
    raise NotDeterministicError(
        "a plan failed, and then it did not: the system is not deterministic; `run --provider sim --check-determinism` "
        "says where"
    )


def listing(trial: Trial) -> Plan:
    """The plan of a run with its operations listed, if it was not so already."""
    plan, record = trial.setup.plan, trial.verdict.record
    if plan.operations is not None:
        return replace(plan, provider="sim")
    operations = operations_of(trial.history, record.main_start_ns, plan.concurrency, record.main_end_ns)
    return replace(plan, provider="sim", operations=operations)
