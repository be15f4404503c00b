"""Sums: a number to which events add, and which others know, or which must stay within bounds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from checkers.linearizable.symbolic.formula import FALSE
from checkers.linearizable.symbolic.question import Question


@dataclass(frozen=True, slots=True)
class Bound:
    """Before ``event``, if that is taken, the sum is at least ``low`` and at most ``high`` (None: no such bound)."""

    event: int
    low: int | None = None
    high: int | None = None


@dataclass(frozen=True, slots=True)
class Sums:
    """``amounts``: of each event how much it adds. The sum begins as ``initial``. What it is at the end depends only on
    which events are taken."""

    question: Question
    amounts: Sequence[int]
    initial: int
    bounds: Sequence[Bound]

    def constrain(self) -> None:
        question = self.question
        for bound in self.bounds:
            question.formula.check_time()
            terms = [
                (amount, question.together(event, bound.event))
                for event, amount in enumerate(self.amounts)
                if amount and event != bound.event and question.before(event, bound.event) != FALSE
            ]
            low, high = (None if each is None else each - self.initial for each in (bound.low, bound.high))
            question.formula.sum(question.taken[bound.event], terms, low=low, high=high)
