"""Fencing tokens: each is greater than all before it, also than those that nobody saw.

Between two tokens that are known lie at least as many numbers as locks were acquired between them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from checkers.linearizable.symbolic.question import Answered, Question


@dataclass(frozen=True, slots=True)
class Fencing:
    """``acquired``: the events that acquired the lock, with their tokens (None: nobody knows it). ``last``: the token
    before them, if there was one."""

    question: Question
    acquired: Sequence[tuple[int, int | None]]
    last: int | None

    def constrain(self) -> None:
        known = sorted((token, event) for event, token in self.acquired if token is not None)
        unknown = [event for event, token in self.acquired if token is None]
        for at, (token, event) in enumerate(known):
            self.question.formula.check_time()
            if self.last is not None:
                self._apart(None, event, token - self.last, unknown)
            for greater, later in known[at + 1 :]:
                self._apart(event, later, greater - token, unknown)

    def _apart(self, first: int | None, second: int, distance: int, unknown: Sequence[int]) -> None:
        """The first, if both are taken, is before the second, with fewer than ``distance`` events between them."""
        question, formula = self.question, self.question.formula
        guard = question.taken[second] if first is None else formula.both(question.taken[first], question.taken[second])
        if distance <= 0:
            formula.add(-guard)
            return
        if first is not None:
            formula.add(-guard, question.before(first, second))
        terms = []
        for event in unknown if distance <= len(unknown) else ():
            between = question.together(event, second)
            terms.append((1, between if first is None else formula.both(between, question.before(first, event))))
        formula.sum(guard, terms, high=distance - 1)

    def ending(self, found: Answered) -> Iterator[int]:
        """Literals that hold in the answer and together imply the last token at its end: what is after the last known
        one, and what is not."""
        yield from self.question.chosen(found)
        tokens = dict(self.acquired)
        present = [event for event in found.order if event in tokens]
        known = [event for event in present if tokens[event] is not None]
        last = known[-1] if known else None
        for at, event in enumerate(present if last is not None else ()):
            assert last is not None
            if event != last:
                earlier = at < present.index(last)
                yield self.question.before(event, last) if earlier else self.question.before(last, event)
