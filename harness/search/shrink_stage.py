"""The stages of shrinking, one after another, and the order of their passes; ``harness.search.shrink`` says why."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass, field
from time import monotonic
from typing import Any, Final

from harness.plan import Plan
from harness.search import shrink_hypothesis
from harness.search.shrink_fault import drop_faults, earlier_triggers, simpler_actions, timed_faults
from harness.search.shrink_operation import drop_operations, fewer_clients, fewer_keys, keep_needed, smaller_values
from harness.search.shrink_oracle import Accept, BudgetSpentError, Oracle
from harness.search.shrink_regenerate import smaller_plans
from harness.search.shrink_size import Count, Size, count, size
from harness.search.shrink_time import cut_after, earlier, rounder, shorter_faults, shorter_horizon
from harness.search.shrink_world import SEEDS, fewer_nodes, plainer, smaller_seed
from harness.setup import Setup, node_specs

ROUNDS_MAX: Final = 6
STAGE_S_MIN: Final = 0.5
REMOVALS_SHARE: Final = 0.2
MANY: Final = 8
SMALL: Final = 3
"""Faults and operations together: to the stages after our own passes so small a plan is small enough."""
NODES_FEW: Final = 3
EXPLICIT, REMOVALS, RESEEDED, REGENERATED = "explicit", "removals", "other seeds", "from scratch"
POLISH, HYPOTHESIS = "polish", "hypothesis"


Pass = Callable[[Plan], Plan]
"""Makes a plan smaller in one respect, asking the oracle; returns the plan to go on with."""


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
        """What makes runs shorter and plans smaller, until there is nothing left to take away; or for a share of the
        time: where it is slow, what follows may be faster, and the rest is done when that has made the plan smaller."""
        with self._for(max(STAGE_S_MIN, self.oracle.left_s * REMOVALS_SHARE)):
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
        """What the anomaly itself says: when it was complete, and of what it consists. As long as there is much to be
        gained, under other seeds as well: without the other operations, things interleave in another way."""
        oracle = self.oracle
        cut_after(oracle.best, oracle.answer(oracle.best).shown_ns, oracle.accept)
        many = len(oracle.best.operations or ()) > MANY
        accept = oracle.accept_with_seeds(SEEDS) if many else oracle.accept
        keep_needed(oracle.best, oracle.answer(oracle.best).needed, accept)

    def _shortening(self, accept: Accept) -> list[Pass]:
        return [
            lambda plan: drop_faults(plan, accept),
            lambda plan: timed_faults(plan, self.oracle.answer(plan).struck_ns, accept),
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
    def _for(self, seconds: float) -> Iterator[None]:
        """Within, only so much time; to run out of it is no failure, unless it is all there was."""
        oracle, deadline_s = self.oracle, self.oracle.deadline_s
        oracle.deadline_s = min(deadline_s, monotonic() + seconds)
        try:
            with suppress(BudgetSpentError):
                yield
        finally:
            oracle.deadline_s = deadline_s
        if oracle.stopped() or oracle.left_s <= 0:
            raise BudgetSpentError

    def _as_long_as_before(self) -> AbstractContextManager[None]:
        return self._for(max(STAGE_S_MIN, monotonic() - self.started_s))
