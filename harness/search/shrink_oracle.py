"""The question that shrinking asks hundreds of times: does this plan fail in the same way? Cached, counted, bounded."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from time import monotonic
from typing import Final

from harness.plan import Plan
from harness.search.shrink_size import count

ANSWERS_MAX: Final = 50_000


class BudgetSpentError(Exception):
    """The time is over, or a person wants the best so far."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of a plan. ``fails``: in the way that is asked for. ``needed``: positions in its operations of those
    that the anomaly consists of; ``shown_ns``: when the last of them had ended, from the start of the main phase (None:
    in what is asked after it); ``struck_ns``: position in the schedule -> when that fault struck, likewise;
    ``explanation``: the anomaly in words."""

    fails: bool
    needed: tuple[int, ...] = ()
    shown_ns: int | None = None
    struck_ns: Mapping[int, int] = field(default_factory=dict)
    explanation: str = ""


Judge = Callable[[Plan], Answer]
"""Runs a plan and says what came of it."""

Accept = Callable[[Plan], Plan | None]
"""What a pass asks of a plan: the plan to go on with, if that one will do (it, or the same with another seed); or None.
A pass asks only for plans that it would take."""


@dataclass(slots=True)
class Oracle:
    """Answers about plans, each found once.

    ``tries`` counts the runs made, ``stages`` those of each stage; ``deadline_s`` is on the clock of ``monotonic``, as
    is ``reached_s``: when the last of its faults and operations went from ``best``, which is what was accepted last;
    ``stopped`` may say at any time that it is enough; ``watch`` is told of every try.
    """

    judge: Judge
    best: Plan
    deadline_s: float
    stopped: Callable[[], bool] = lambda: False
    watch: Callable[[Oracle], None] = lambda oracle: None
    tries: int = 0
    stage: str = ""
    stages: dict[str, int] = field(default_factory=dict)
    reached_s: float = 0.0
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
        if len(self._answers) < ANSWERS_MAX:
            self._answers[key] = found
        self.watch(self)
        return found

    def accept(self, plan: Plan) -> Plan | None:
        """A pass's question."""
        if plan == self.best:
            return plan
        if not self.answer(plan).fails:
            return None
        if count(plan) != count(self.best):
            self.reached_s = monotonic()
        self.best = plan
        return plan

    def accept_with_seeds(self, seeds: range) -> Accept:
        """As :meth:`accept`, and where a plan does not fail, with these seeds in turn: so that what is taken away may
        change how things interleave, and the plan does not hang on one interleaving."""

        def accept(plan: Plan) -> Plan | None:
            for seed in (plan.seed, *seeds):
                if (found := self.accept(replace(plan, seed=seed))) is not None:
                    return found
            return None

        return accept

    @contextmanager
    def named(self, stage: str) -> Iterator[None]:
        """Count the tries within under the stage's name."""
        before, self.stage = self.stage, stage
        self.stages.setdefault(stage, 0)
        try:
            yield
        finally:
            self.stage = before

    @property
    def left_s(self) -> float:
        return max(0.0, self.deadline_s - monotonic())
