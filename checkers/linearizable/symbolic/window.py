"""Decide any bundled model by z3, window by window.

A window ends where nothing is open: the states that can be reached there, each with the optional operations that were
used, are all that connects it with the next. They are enumerated; where there are more than a few, the window grows
instead until there are few, or the history ends.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import inf
from operator import le
from typing import Final, Literal

from checkers.guard import OutOfTimeError
from checkers.linearizable.limit import Limit
from checkers.linearizable.model import Model, State
from checkers.linearizable.operation import KeyHistory, Operation
from checkers.linearizable.problem import TooLarge
from checkers.linearizable.schedule import Schedule, schedule
from checkers.linearizable.symbolic.formula import FALSE
from checkers.linearizable.symbolic.question import Event, Question
from checkers.linearizable.symbolic.semantics import constrain, contents, starting

Used = tuple[int, ...]
Outcome = Literal["valid", "invalid", "time", "memory"]

OPERATIONS_MIN: Final = 40  # of a window: smaller ones are joined
_POINTS_MAX: Final = 6
_ANSWERS_MAX: Final = 12  # to find these points
_GROWTH: Final = 4  # of a window with more


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


class UndecidedError(Exception):
    """z3 came to no end within the time or the memory."""

    def __init__(self, outcome: Literal["time", "memory"]) -> None:
        super().__init__(outcome)
        self.outcome: Literal["time", "memory"] = outcome


def unwind(key: KeyHistory, limit: Limit, operations_min: int = OPERATIONS_MIN) -> Unwound:
    """Whether the object's operations can be linearized, in windows of so many operations or more.

    Raises ImportError without z3, Unsupported for what z3 does not know (``semantics.constrain``)."""
    try:
        return _Unwinding(key, schedule(key), limit, operations_min).run()
    except OutOfTimeError:
        return Unwound("time", 0, 0, 0)


@dataclass(slots=True)
class _Unwinding:
    key: KeyHistory
    arrays: Schedule
    limit: Limit
    operations_min: int
    questions: int = 0

    def run(self) -> Unwound:
        start = Point(self.key.initial, (0,) * len(self.arrays.classes), ())
        points: Sequence[Point] = (start,)
        begin, windows, cuts = 0, 0, self._cuts()
        while cuts:
            end = cuts.pop(0)
            try:
                found = self._window(begin, end, points)
            except (OutOfTimeError, UndecidedError, TooLarge) as error:
                outcome = error.outcome if isinstance(error, UndecidedError) else "time"
                outcome = "memory" if isinstance(error, TooLarge) else outcome
                return Unwound(outcome, begin, windows, self.questions)
            if found is None:
                cuts = [cut for cut in cuts[:-1] if cut - begin >= _GROWTH * (end - begin)] + cuts[-1:]
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
            if cut - last >= self.operations_min or cut == len(self.arrays):
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
        last = self.arrays.completes[end - 1]
        required = self.arrays.operations[begin:end]
        optional = [
            (number, operation)
            for number, each in enumerate(self.arrays.classes)
            for operation in each.operations[point.used[number] :]
            if operation.invoke < last
        ]
        classes = {operation.invoke: number for number, operation in optional}
        window = Window(self.key.model, state, required, [operation for _, operation in optional])
        for order in window.orders(self.limit, final=end == len(self.arrays)):
            self.questions += 1
            used = Counter(classes[operation.invoke] for operation in order if operation.invoke in classes)
            more = tuple(count + used[number] for number, count in enumerate(point.used))
            yield Point(_after(self.key.model, state, order), more, (*point.order, *order))
        self.questions += 1


@dataclass(frozen=True, slots=True)
class Window:
    """Operations, each of them after all that led to ``state``, which is one of ``semantics.starting``."""

    model: Model
    state: State
    required: Sequence[Operation]
    optional: Sequence[Operation]

    def orders(self, limit: Limit, *, final: bool) -> Iterator[tuple[Operation, ...]]:
        """Linearizations, each with another end: another state, or no more of the same optional operations. ``final``:
        nothing comes after the window. Raises :class:`UndecidedError`."""
        events = [*contents(self.model, self.state)]
        events += [Event(each.step, each.invoke, inf if each.complete is None else each.complete, each)
                   for each in (*self.required, *self.optional)]  # fmt: skip
        question = Question(events, limit)
        ending = constrain(self.model, self.state, question)
        if not final:
            _in_time(question)
        while (answered := question.ask(limit)).answer == "sat":
            operations = (question.events[event].operation for event in answered.order)
            yield tuple(operation for operation in operations if operation is not None)
            question.formula.add(*(-literal for literal in ending(answered)))
        if answered.answer != "unsat":
            raise UndecidedError("memory" if answered.answer == "memory" else "time")


def _after(model: Model, state: State, order: Sequence[Operation]) -> State:
    for operation in order:
        state = model.step(state, operation.step)
        assert state is not None, f"z3 orders operation {operation.invoke} where it is impossible"
    return state


def _within(used: Used, other: Used) -> bool:
    return all(map(le, used, other))


def _in_time(question: Question) -> None:
    """An optional event that nothing follows in the window can as well wait for the next one."""
    required = [number for number, event in enumerate(question.events) if not event.optional and event.operation]
    for number, event in enumerate(question.events):
        if event.optional:
            befores = [question.before(number, other) for other in required]
            question.formula.add(-question.taken[number], *(each for each in befores if each != FALSE))
