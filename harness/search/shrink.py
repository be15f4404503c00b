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

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from time import monotonic
from typing import Any, Final

from harness.generator.script import operations_of
from harness.plan import Plan
from harness.result import Anomaly
from harness.runner import Setup, node_specs
from harness.search import shrink_hypothesis
from harness.search.shrink_failure import Failure, failures
from harness.search.shrink_fault import drop_faults, earlier_triggers, simpler_actions
from harness.search.shrink_operation import drop_operations, fewer_clients, fewer_keys, keep_needed, smaller_values
from harness.search.shrink_oracle import Accept, BudgetSpentError, Oracle
from harness.search.shrink_regenerate import smaller_plans
from harness.search.shrink_size import Count, Size, count, size
from harness.search.shrink_time import cut_after, earlier, rounder, shorter_faults, shorter_horizon
from harness.search.shrink_trial import judge_of
from harness.search.shrink_world import SEEDS, fewer_nodes, plainer, smaller_seed
from harness.search.trial import Trial, run_trial
from harness.verdict import Verdict

ROUNDS_MAX: Final = 6
STAGE_S_MIN: Final = 0.5
SMALL: Final = 3
"""Faults and operations together: to the stages after our own passes so small a plan is small enough."""
NODES_FEW: Final = 3
SEEDS_TRIED: Final = 10
EXPLICIT, REMOVALS, RESEEDED, REGENERATED = "explicit", "removals", "other seeds", "from scratch"
POLISH, HYPOTHESIS = "polish", "hypothesis"


Pass = Callable[[Plan], Plan]
"""Makes a plan smaller in one respect, asking the oracle; returns the plan to go on with."""


class NothingToShrinkError(Exception):
    """The plan does not fail in the simulated world; ``trial`` is the run that shows it."""

    def __init__(self, trial: Trial) -> None:
        result = trial.verdict.result
        super().__init__(f"{result.valid} ({result.reason})" if result.reason else str(result.valid))
        self.trial = trial


class NotDeterministicError(Exception):
    """The same plan failed and did not fail: nothing that shrinking says would be true."""


@dataclass(slots=True)
class Stage:
    """What one stage did: runs, seconds, and what the plan had come to at its end."""

    tries: int = 0
    seconds: float = 0.0
    smaller: bool = False
    after: Count | None = None

    def as_json(self) -> dict[str, Any]:
        after = {} if self.after is None else self.after.as_json()
        return {"tries": self.tries, "seconds": round(self.seconds, 3), "smaller": self.smaller, **after}


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


@dataclass(slots=True)
class Shrinking:
    """The stages, one after another, on ``oracle.best``."""

    setup: Setup
    oracle: Oracle
    started_s: float
    stages: dict[str, Stage] = field(default_factory=dict)

    def run(self, listed: Plan) -> bool:
        """Every stage; whether all came to their end."""
        stages: tuple[tuple[str, Callable[[], None]], ...] = (
            (EXPLICIT, lambda: self._list(listed)),
            (REMOVALS, self._removals),
            (RESEEDED, self._other_seeds),
            (REGENERATED, lambda: self._from_scratch(listed)),
            (POLISH, self._polish),
            (HYPOTHESIS, self._by_hypothesis),
        )
        return all(self._ends(name, work) for name, work in stages)

    def _ends(self, name: str, work: Callable[[], None]) -> bool:
        """Whether the stage came to its end within the time."""
        with self._stage(name):
            try:
                work()
            except BudgetSpentError:
                return False
        return True

    @contextmanager
    def _stage(self, name: str) -> Iterator[None]:
        stage, before, begun = Stage(), self._size, monotonic()
        self.stages[name] = stage
        with self.oracle.named(name):
            try:
                yield
            finally:
                stage.tries, stage.seconds = self.oracle.stages[name], monotonic() - begun
                stage.smaller, stage.after = self._size < before, count(self.oracle.best)

    @property
    def _is_small(self) -> bool:
        """Whether there is next to nothing left to take away."""
        plan = self.oracle.best
        return plan.operations is not None and len(plan.schedule) + len(plan.operations) <= SMALL

    @property
    def _size(self) -> Size:
        return size(self.oracle.best)

    def _list(self, listed: Plan) -> None:
        """The plan with its operations listed, if it still fails, perhaps under another seed."""
        self.oracle.accept_with_seeds(SEEDS)(listed)

    def _removals(self) -> None:
        """What makes runs shorter and plans smaller, until there is nothing left to take away."""
        self._until_nothing_changes(self._shortening(self.oracle.accept))

    def _polish(self) -> None:
        """All passes, until nothing changes."""
        accept = self.oracle.accept
        self._until_nothing_changes([*self._shortening(accept), *self._simplifying(accept)])

    def _until_nothing_changes(self, passes: Sequence[Pass]) -> None:
        oracle = self.oracle
        for _ in range(ROUNDS_MAX):
            before = oracle.best
            self._guess()
            for each in passes:
                each(oracle.best)
            if oracle.best == before:
                return

    def _guess(self) -> None:
        """What the anomaly itself says: when it was complete, and of what it consists."""
        oracle = self.oracle
        cut_after(oracle.best, oracle.answer(oracle.best).shown_ns, oracle.accept)
        keep_needed(oracle.best, oracle.answer(oracle.best).needed, oracle.accept)

    def _shortening(self, accept: Accept) -> list[Pass]:
        return [
            lambda plan: drop_faults(plan, accept),
            lambda plan: drop_operations(plan, accept),
            lambda plan: earlier_triggers(plan, accept),
            lambda plan: shorter_horizon(plan, accept),
            lambda plan: fewer_nodes(plan, self.setup.system, accept),
            lambda plan: fewer_clients(plan, accept),
            lambda plan: fewer_keys(plan, accept),
        ]

    def _simplifying(self, accept: Accept) -> list[Pass]:
        return [
            lambda plan: smaller_values(plan, accept),
            lambda plan: simpler_actions(plan, self._nodes(plan), accept),
            lambda plan: shorter_faults(plan, accept),
            lambda plan: earlier(plan, accept),
            lambda plan: rounder(plan, accept),
            lambda plan: smaller_seed(plan, accept),
            lambda plan: plainer(plan, accept),
        ]

    def _nodes(self, plan: Plan) -> tuple[str, ...]:
        return tuple(spec.name for spec in node_specs(self.setup.system, plan.nodes))

    def _other_seeds(self) -> None:
        """The removals once more, where one seed does not fail another one's chance."""
        before, accept = self.oracle.best, self.oracle.accept_with_seeds(SEEDS)
        with self._as_long_as_before():
            if not self._is_small:
                drop_faults(self.oracle.best, accept)
                drop_operations(self.oracle.best, accept)
            if self.oracle.best.nodes > NODES_FEW:
                fewer_nodes(self.oracle.best, self.setup.system, accept)
        self._remove_again(before)

    def _from_scratch(self, whole: Plan) -> None:
        if self._is_small:
            return
        before = self.oracle.best
        with self._as_long_as_before():
            for candidate in smaller_plans(before, whole):
                if size(candidate) < self._size:
                    self.oracle.accept(candidate)
        self._remove_again(before)

    def _remove_again(self, before: Plan) -> None:
        if self.oracle.best != before:
            self._removals()

    def _by_hypothesis(self) -> None:
        if self._is_small or not shrink_hypothesis.is_available():
            return
        before = self.oracle.best
        with self._as_long_as_before():
            found = shrink_hypothesis.nearby(before, lambda plan: size(plan) < size(before) and self._fails(plan))
            if found is not None:
                self.oracle.accept(found)
        if self.oracle.best != before:
            self._polish()

    def _fails(self, plan: Plan) -> bool:
        """For Hypothesis, which wants its answer: where the time is over, no. It then asks again about its best example
        only, whose answer is known."""
        try:
            return self.oracle.answer(plan).fails
        except BudgetSpentError:
            return False

    @contextmanager
    def _as_long_as_before(self) -> Iterator[None]:
        """Within, only as much time as was spent so far; to run out of it is no failure."""
        oracle, deadline_s = self.oracle, self.oracle.deadline_s
        oracle.deadline_s = min(deadline_s, monotonic() + max(STAGE_S_MIN, monotonic() - self.started_s))
        try:
            with suppress(BudgetSpentError):
                yield
        finally:
            oracle.deadline_s = deadline_s
