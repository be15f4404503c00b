"""The question that shrinking asks thousands of times: does this plan fail in the same way? Cached, counted, bounded."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from time import monotonic
from typing import Final

from harness.plan import Plan, ScheduledOperation
from harness.search.shrink_failure import Failure

CACHE_MAX: Final = 50_000


class BudgetSpentError(Exception):
    """The time is over, or a person wants the best so far."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of a plan. ``fails``: in the way that is asked for. ``needed``: the positions in its operations of those
    that the anomaly consists of; ``shown_ns``: when the last of them had ended, from the start of the main phase;
    ``struck_ns``: position in the schedule -> when that fault struck; ``explanation``: the anomaly in words."""

    fails: bool
    needed: tuple[int, ...] = ()
    shown_ns: int | None = None
    struck_ns: dict[int, int] = field(default_factory=dict)
    explanation: str = ""


Judge = Callable[[Plan], Answer]
"""Runs a plan and says what came of it."""

Accept = Callable[[Plan], Plan | None]
"""What a pass asks: the plan to go on with, if the one given will do (it, or the same with another seed); else None."""


@dataclass(slots=True)
class Test:
    """Answers about plans, each found once. ``tries`` counts the runs made, ``stages`` those of each stage by name;
    ``deadline_s`` is on the clock of ``time.monotonic``; ``stopped`` may say at any time that it is enough."""

    judge: Judge
    deadline_s: float
    stopped: Callable[[], bool] = lambda: False
    watch: Callable[[Test], None] = lambda test: None
    tries: int = 0
    stage: str = ""
    stages: dict[str, int] = field(default_factory=dict)
    best: Plan | None = None
    _answers: dict[str, Answer] = field(default_factory=dict)

    def answer(self, plan: Plan) -> Answer:
        """Raises BudgetSpentError where the answer is not known yet and there is no time to find it."""
        key = json.dumps(plan.as_json(), sort_keys=True)
        if (known := self._answers.get(key)) is not None:
            return known
        if self.stopped() or monotonic() >= self.deadline_s:
            raise BudgetSpentError
        self.tries += 1
        self.stages[self.stage] = self.stages.get(self.stage, 0) + 1
        found = self.judge(plan)
        if len(self._answers) < CACHE_MAX:
            self._answers[key] = found
        self.watch(self)
        return found

    def accept(self, plan: Plan) -> Plan | None:
        """A pass's question: what fails is the best so far, since a pass asks only for what it would take."""
        if not self.answer(plan).fails:
            return None
        self.best = plan
        return plan

    @contextmanager
    def named(self, stage: str) -> Iterator[None]:
        """Count the tries within under the stage's name."""
        before, self.stage = self.stage, stage
        try:
            yield
        finally:
            self.stage = before

    @property
    def left_s(self) -> float:
        return max(0.0, self.deadline_s - monotonic())


def index_of(
    operations: tuple[ScheduledOperation, ...], thread: int, f: str, key: object, value: object, time_ns: int
) -> int | None:
    """The position of the operation that a history shows: of those with that thread, name, key and value the nearest."""
    places = [
        position
        for position, operation in enumerate(operations)
        if (operation.thread, operation.f, operation.key, operation.value) == (thread, f, key, value)
    ]
    return min(places, key=lambda position: abs(operations[position].time_ns - time_ns), default=None)


__all__ = ["Accept", "Answer", "BudgetSpentError", "Failure", "Judge", "Test", "index_of"]
