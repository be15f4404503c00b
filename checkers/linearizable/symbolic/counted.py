"""Containers in which equal values are as good as each other: how many of each there are is all that is to know.

A value can be taken where more were put than taken of it; from a priority queue only where none is left of any greater
one. An event that took nobody knows what chooses one of the values.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from checkers.linearizable.model import EMPTY, UNKNOWN
from checkers.linearizable.symbolic.formula import FALSE
from checkers.linearizable.symbolic.question import Answered, Question


@dataclass(frozen=True, slots=True)
class Counted:
    """``greatest_first``: a priority queue; otherwise any value may go next."""

    question: Question
    greatest_first: bool
    _puts: defaultdict[Any, list[int]] = field(default_factory=lambda: defaultdict(list))
    # Of each value the events that take it, each with the literal that it does.
    _takes: defaultdict[Any, list[tuple[int, int]]] = field(default_factory=lambda: defaultdict(list))
    _choices: list[int] = field(default_factory=list)

    def constrain(self) -> None:
        question = self.question
        for number, event in enumerate(question.events):
            if event.step.f == "put":
                self._puts[event.step.given[0]].append(number)
        for number, event in enumerate(question.events):
            if event.step.f == "take" and event.step.returned != EMPTY:
                self._take(number)
        for value, takes in self._takes.items():
            question.formula.check_time()
            for number, takes_it in takes:
                self._goes_next(takes_it, number, value)
        for number, event in enumerate(question.events):
            if event.step.returned == EMPTY:
                for value in self._puts:
                    self._count(question.taken[number], number, value, none=True)
            elif event.step.f == "peek":
                self._goes_next(question.taken[number], number, event.step.returned)

    def ending(self, found: Answered) -> Iterator[int]:
        """Literals that hold in the answer and together imply what is left at its end."""
        yield from self.question.chosen(found)
        yield from (choice for choice in self._choices if found.holds(choice))

    def _take(self, number: int) -> None:
        question, formula = self.question, self.question.formula
        value = question.events[number].step.returned
        if value is not UNKNOWN:
            self._takes[value].append((number, question.taken[number]))
            return
        choices = {value: formula.variable() for value in self._puts}
        self._choices.extend(choices.values())
        formula.add(-question.taken[number], *choices.values())
        formula.at_most_one(list(choices.values()))
        for value, choice in choices.items():
            formula.add(-choice, question.taken[number])
            self._takes[value].append((number, choice))

    def _goes_next(self, guard: int, number: int, value: Any) -> None:
        self._count(guard, number, value, none=False)
        for other in self._puts if self.greatest_first else ():
            if other > value:
                self._count(guard, number, other, none=True)

    def _count(self, guard: int, number: int, value: Any, *, none: bool) -> None:
        """Where the guard holds, none of the value are there before the event, or at least one is."""
        question, formula = self.question, self.question.formula
        terms = [(1, question.together(put, number)) for put in self._puts.get(value, ())]
        for take, takes_it in self._takes.get(value, ()):
            if take != number and (earlier := question.before(take, number)) != FALSE:
                terms.append((-1, formula.both(takes_it, earlier)))
        if none:
            formula.sum(guard, terms, high=0)
        else:
            formula.sum(guard, terms, low=1)
