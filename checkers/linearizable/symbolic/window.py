"""Decide any bundled model by z3, window by window.

A window ends where nothing is open: the states that can be reached there, each with the optional operations that were
used, are all that connects it with the next. They are enumerated; where there are more than a few, the window grows
instead until there are few, or the history ends.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import inf
from operator import le
from typing import Final, Literal

from checkers.guard import OutOfTimeError
from checkers.linearizable.limit import Limit
from checkers.linearizable.model import State
from checkers.linearizable.operation import KeyHistory, Operation
from checkers.linearizable.problem import TooLarge
from checkers.linearizable.schedule import Schedule, schedule
from checkers.linearizable.symbolic.formula import FALSE, TRUE
from checkers.linearizable.symbolic.question import Answered, Event, Question
from checkers.linearizable.symbolic.semantics import Ending, constrain, contents, starting

Used = tuple[int, ...]
Outcome = Literal["valid", "invalid", "time", "memory"]

OPERATIONS_MIN: Final = 40  # of a window: smaller ones are joined
_POINTS_MAX: Final = 6
_ANSWERS_MAX: Final = 24  # to find these points


@dataclass(frozen=True, slots=True)
class Point:
    """A state that can be reached at a cut, with how many of each class were used, in this order."""

    state: State
    used: Used
    order: tuple[Operation, ...]


@dataclass(frozen=True, slots=True)
class Unwound:
    """``rank``: how many completions some order explains. ``refuted``: where invalid, operations that none does."""

    outcome: Outcome
    rank: int
    windows: int
    questions: int
    order: tuple[Operation, ...] = ()
    refuted: tuple[Operation, ...] = ()


class _Undecided(Exception):
    def __init__(self, outcome: Literal["time", "memory"]) -> None:
        super().__init__(outcome)
        self.outcome: Literal["time", "memory"] = outcome


def unwind(key: KeyHistory, limit: Limit) -> Unwound:
    """Whether the object's operations can be linearized. Raises ImportError without z3, Unsupported for what z3 does
    not know (``semantics.constrain``)."""
    try:
        return _Unwinding(key, schedule(key), limit).run()
    except OutOfTimeError:
        return Unwound("time", 0, 0, 0)


@dataclass(slots=True)
class _Unwinding:
    key: KeyHistory
    arrays: Schedule
    limit: Limit
    questions: int = 0

    def run(self) -> Unwound:
        start = Point(self.key.initial, (0,) * len(self.arrays.classes), ())
        points: Sequence[Point] = (start,)
        begin, windows, cuts = 0, 0, self._cuts()
        while cuts:
            end = cuts.pop(0)
            try:
                found = self._window(begin, end, points)
            except (OutOfTimeError, _Undecided, TooLarge) as error:
                outcome = error.outcome if isinstance(error, _Undecided) else "time"
                outcome = "memory" if isinstance(error, TooLarge) else outcome
                return Unwound(outcome, begin, windows, self.questions)
            if found is None:
                cuts = [cut for cut in cuts[:-1] if cut - begin >= 2 * (end - begin)] + cuts[-1:]
                continue
            windows += 1
            if not found:
                return Unwound("invalid", begin, windows, self.questions, refuted=self.arrays.operations[:end])
            begin, points = end, found
        return Unwound("valid", begin, windows, self.questions, order=points[0].order)

    def _cuts(self) -> list[int]:
        """Where windows of a reasonable size end."""
        chosen, last = [], 0
        for cut in self.arrays.cuts[1:]:
            if cut - last >= OPERATIONS_MIN or cut == len(self.arrays):
                chosen.append(cut)
                last = cut
        return chosen

    def _window(self, begin: int, end: int, points: Sequence[Point]) -> Sequence[Point] | None:
        """The points that can be reached at ``end`` from those at ``begin``; one is enough at the end of the history.
        None if they are too many."""
        found: list[Point] = []
        final = end == len(self.arrays)
        answers = 0
        for point in points:
            for state in starting(self.key.model, point.state):
                for reached in self._reach(begin, end, point, state):
                    answers += 1
                    if not any(other.state == reached.state and _within(other.used, reached.used) for other in found):
                        found = [other for other in found
                                 if other.state != reached.state or not _within(reached.used, other.used)]  # fmt: skip
                        found.append(reached)
                    if final:
                        return found
                    if len(found) > _POINTS_MAX or answers > _ANSWERS_MAX:
                        return None
        return found

    def _reach(self, begin: int, end: int, point: Point, state: State) -> Iterator[Point]:
        """The points at the end of the window, one after the other."""
        numbers: list[int | None] = []
        events = list(contents(self.key.model, state))
        numbers.extend(None for _ in events)
        for rank in range(begin, end):
            operation = self.arrays.operations[rank]
            assert operation.complete is not None
            events.append(Event(operation.step, operation.invoke, operation.complete, operation))
            numbers.append(None)
        last = self.arrays.completes[end - 1]
        for number, each in enumerate(self.arrays.classes):
            for operation in each.operations[point.used[number] :]:
                if operation.invoke < last:
                    events.append(Event(operation.step, operation.invoke, inf, operation))
                    numbers.append(number)
        question = Question(events, self.limit)
        ending = constrain(self.key.model, state, question)
        if end < len(self.arrays):
            _in_time(question)
        while (answered := question.ask(self.limit)).answer == "sat":
            self.questions += 1
            yield self._point(point, state, question, answered, numbers)
            _exclude(question, ending, answered)
        self.questions += 1
        if answered.answer != "unsat":
            raise _Undecided("memory" if answered.answer == "memory" else "time")

    def _point(
        self, point: Point, state: State, question: Question, answered: Answered, numbers: Sequence[int | None]
    ) -> Point:
        used = list(point.used)
        order: list[Operation] = []
        for event in answered.order:
            operation = question.events[event].operation
            if operation is None:
                continue
            state = self.key.model.step(state, operation.step)
            assert state is not None, f"z3 orders operation {operation.invoke} where it is impossible"
            order.append(operation)
            number = numbers[event]
            if number is not None:
                used[number] += 1
        return Point(state, tuple(used), (*point.order, *order))


def _within(used: Used, other: Used) -> bool:
    return all(map(le, used, other))


def _in_time(question: Question) -> None:
    """An optional event that nothing follows in the window can as well wait for the next one."""
    required = [number for number, event in enumerate(question.events) if not event.optional and event.operation]
    for number, event in enumerate(question.events):
        if event.optional:
            befores = [question.before(number, other) for other in required]
            question.formula.add(-question.taken[number], *(each for each in befores if each != FALSE))


def _exclude(question: Question, ending: Ending, answered: Answered) -> None:
    """From now on only answers with another ending, or other optional events."""
    taken = [literal if answered.holds(literal) else -literal for literal in question.taken if literal != TRUE]
    question.formula.add(*(-literal for literal in (*taken, *ending(answered))))
