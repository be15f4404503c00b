"""z3 decides a window of a register: which points can be reached at its end, from the points at its beginning.

The same as :func:`checkers.linearizable.search.explore` finds by searching, for windows that take that too long.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Final

from checkers.guard import OutOfTimeError
from checkers.linearizable.limit import Limit
from checkers.linearizable.model import Model
from checkers.linearizable.models.register import CasRegister
from checkers.linearizable.operation import Operation
from checkers.linearizable.problem import Problem, TooLarge, transition
from checkers.linearizable.search import Ends, Exploration, Point
from checkers.linearizable.symbolic.window import UndecidedError, Window

QUESTIONS_MAX: Final = 100_000
_MODEL: Final[Model] = CasRegister()


def ends(
    problem: Problem, span: tuple[int, int], starts: Sequence[Point], limit: Limit, *, every_end: bool = True
) -> Exploration:
    """What ``explore`` says of the span, decided by z3.

    Every class of the problem must be counted: points tell all that is used. Raises ImportError without z3.
    """
    found = Ends()
    questions = 0
    try:
        for start in starts:
            questions += 1
            for point in _reached(problem, span, start, limit, final=not every_end):
                found.add(point)
                questions += 1
                if not every_end:
                    return Exploration(found.points(), "done", span[1], span[1], questions)
                if questions > QUESTIONS_MAX:
                    return Exploration(found.points(), "memory", span[0], span[0], questions)
    except OutOfTimeError:
        return Exploration(found.points(), "time", span[0], span[0], questions)
    except TooLarge:
        return Exploration(found.points(), "memory", span[0], span[0], questions)
    except UndecidedError as error:
        return Exploration(found.points(), error.outcome, span[0], span[0], questions)
    points = found.points()
    return Exploration(points, "done", span[1] if points else span[0], span[1] - 1, questions)


def _reached(problem: Problem, span: tuple[int, int], start: Point, limit: Limit, *, final: bool) -> Iterator[Point]:
    """The points that can be reached from one, each with its trail."""
    last = problem.completes[span[1] - 1]
    classes: dict[int, int] = {}
    optional: list[Operation] = []
    for number, each in enumerate(problem.classes):
        assert each.counted, "points between windows tell all that is used"
        fresh = [operation for operation in each.operations[start.used[number] :] if operation.invoke < last]
        classes.update((operation.invoke, ~number) for operation in fresh)
        optional += fresh
    steps = classes | {problem.operations[rank].invoke: rank for rank in range(*span)}
    window = Window(_MODEL, start.state, problem.operations[span[0] : span[1]], optional)
    for order in window.orders(limit, final=final):
        state, trail = start.state, start.trail
        for operation in order:
            state = transition(operation.step)[1]
            trail = (trail, steps[operation.invoke])
        used = Counter(~steps[operation.invoke] for operation in order if operation.invoke in classes)
        yield Point(state, tuple(count + used[number] for number, count in enumerate(start.used)), trail)
