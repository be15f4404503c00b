"""z3 decides a window: which points can be reached at its end, from the points at its beginning.

Each operation gets a moment, a real number inside its interval. Each operation that observes a value names its source:
the mutation before it with none between the two, or the state in which the window begins. The end of the window is one
more observer, of whatever value is there. A window ends where nothing is open, so that points are all that connects
two windows. Points are enumerated: each one found is excluded, with all that are no better, until none is left.

z3 is imported on first use; a history that the search decides never loads it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any, Final

from checkers.guard import OutOfTimeError
from checkers.linearizable.limit import Limit
from checkers.linearizable.problem import ANY, Problem
from checkers.linearizable.search import Ends, Exploration, Point, Trail

QUERIES_MAX: Final = 100_000
QUERY_MAX_S: Final = 60.0  # one question to z3, where no time limit is given


@dataclass(frozen=True, slots=True, eq=False)
class _Moment:
    """An operation in the window. ``step`` is its place in a trail; ``taken`` is None for one that took effect."""

    expects: int
    leaves: int
    after: int
    before: float
    step: int
    at: Any
    taken: Any = None

    @property
    def mutates(self) -> bool:
        return self.expects != self.leaves


@dataclass(slots=True)
class _Question:
    """The window as constraints. ``starting[i]`` says that the window begins at the i-th point, ``last[m]`` that m is
    its last mutation (None: that there is none), ``spent[c]`` how many of class c are used at its end."""

    z3: Any
    solver: Any
    moments: list[_Moment]
    starts: Sequence[Point]
    starting: list[Any]
    spent: list[Any]
    limit: Limit
    last: dict[_Moment | None, Any] = field(default_factory=dict)
    orders: dict[tuple[_Moment, _Moment], Any] = field(default_factory=dict)

    def before(self, a: _Moment, b: _Moment) -> Any:
        """a < b: known from their intervals, or a constraint."""
        if a.before < b.after:
            return True
        if b.before < a.after:
            return False
        if (a, b) not in self.orders:
            self.orders[a, b] = a.at < b.at
        return self.orders[a, b]

    def any_of(self, *terms: Any) -> Any:
        if any(term is True for term in terms):
            return True
        return self.z3.Or([term for term in terms if term is not False])

    def begins_with(self, state: int) -> Any:
        return self.z3.Or(
            [here for here, point in zip(self.starting, self.starts, strict=True) if point.state == state]
        )


def ends(
    problem: Problem, span: tuple[int, int], starts: Sequence[Point], limit: Limit, *, every_end: bool = True
) -> Exploration:
    """What :func:`checkers.linearizable.search.explore` says of the span, decided by z3.

    Every class of the problem must be counted. Raises ImportError without z3.
    """
    import z3

    try:
        question = _ask(z3, problem, span, starts, limit)
    except OutOfTimeError:
        return Exploration((), "time", span[0], span[0], 0)
    found = Ends()
    for asked in range(1, QUERIES_MAX + 1):
        question.solver.set("timeout", max(1, int(1000 * _query_s(limit))))
        answer = question.solver.check()
        if answer == z3.unknown:
            return Exploration(found.points(), "time", span[0], span[0], asked)
        if answer == z3.unsat:
            points = found.points()
            return Exploration(points, "done", span[1] if points else span[0], span[1] - 1, asked)
        point = _point(question)
        found.add(point)
        if not every_end:
            return Exploration(found.points(), "done", span[1], span[1], asked)
        _exclude(question, point)
    return Exploration(found.points(), "memory", span[0], span[0], QUERIES_MAX)


def _query_s(limit: Limit) -> float:
    remaining = limit.remaining_s()
    return QUERY_MAX_S if remaining is None else remaining


def _ask(z3: Any, problem: Problem, span: tuple[int, int], starts: Sequence[Point], limit: Limit) -> _Question:
    solver = z3.Solver()
    starting = [z3.Bool(f"start {i}") for i in range(len(starts))]
    solver.add(z3.PbEq([(here, 1) for here in starting], 1))
    question = _Question(z3, solver, list(_required(z3, problem, span)), starts, starting, [], limit)
    for number in range(len(problem.classes)):
        _add_class(question, problem, number, span)
    for moment in question.moments:
        solver.add(moment.at > moment.after)
        if moment.before != float("inf"):
            solver.add(moment.at < int(moment.before))
    for moment in question.moments:
        if moment.expects != ANY:
            _observe(question, moment)
    _close(question)
    return question


def _required(z3: Any, problem: Problem, span: tuple[int, int]) -> Iterator[_Moment]:
    for rank in range(*span):
        yield _Moment(
            expects=problem.expects[rank],
            leaves=problem.leaves[rank],
            after=problem.invokes[rank],
            before=problem.completes[rank],
            step=rank,
            at=z3.Real(f"rank {rank}"),
        )


def _add_class(question: _Question, problem: Problem, number: int, span: tuple[int, int]) -> None:
    """The optional operations of a class: a pool of those invoked before the window, and one by one those within.

    The pool needs no more of them than there are observers in the window (see ``witness._Shrinking.helpers``).
    """
    z3, each = question.z3, problem.classes[number]
    assert each.counted, "points between windows tell all that is used"
    begin = problem.completes[span[0] - 1] if span[0] else -1
    within = [invoke for invoke in each.invokes if begin < invoke < problem.completes[span[1] - 1]]
    earlier = sum(invoke < begin for invoke in each.invokes)
    observers = sum(moment.step >= 0 and moment.expects != ANY for moment in question.moments)
    pool = min(observers, max(earlier - point.used[number] for point in question.starts))
    taken = [z3.Bool(f"class {number} {i}") for i in range(pool + len(within))]
    for i, (flag, after) in enumerate(zip(taken, [begin] * pool + within, strict=True)):
        at = z3.Real(f"class {number} at {i}")
        question.moments.append(_Moment(each.expects, each.leaves, after, float("inf"), ~number, at, flag))
    for here, point in zip(question.starting, question.starts, strict=True):
        if pool > earlier - point.used[number]:
            at_most = z3.PbLe([(flag, 1) for flag in taken[:pool]], earlier - point.used[number])
            question.solver.add(z3.Implies(here, at_most))
    for one, next_ in pairwise(taken[:pool]):
        question.solver.add(z3.Implies(next_, one))
    used = [z3.If(here, p.used[number], 0) for here, p in zip(question.starting, question.starts, strict=True)]
    question.spent.append(z3.Sum([*used, *(z3.If(flag, 1, 0) for flag in taken)]))


def _observe(question: _Question, observer: _Moment) -> None:
    """The observer has a source: a mutation that left what it expects, with no other in between; or the beginning."""
    z3 = question.z3
    others = [moment for moment in question.moments if moment.mutates and moment is not observer]
    sources = []
    for source in [None, *(moment for moment in others if moment.leaves == observer.expects)]:
        if source is not None and question.before(source, observer) is False:
            continue
        chosen = z3.FreshConst(z3.BoolSort(), "source")
        sources.append(chosen)
        _imply(question, chosen, _is_source(question, source, observer, others))
    question.solver.add(question.any_of(*sources, False if observer.taken is None else z3.Not(observer.taken)))


def _is_source(
    question: _Question, source: _Moment | None, observer: _Moment, others: Sequence[_Moment]
) -> Iterator[Any]:
    if source is None:
        yield question.begins_with(observer.expects)
    else:
        yield question.before(source, observer)
        yield True if source.taken is None else source.taken
    for other in others:
        if other is not source:
            earlier = False if source is None else question.before(other, source)
            yield _unless_taken(question, other, earlier, question.before(observer, other))


def _close(question: _Question) -> None:
    """The end observes the last mutation, or the beginning if there is none."""
    mutations = [moment for moment in question.moments if moment.mutates]
    for last in [None, *mutations]:
        chosen = question.z3.FreshConst(question.z3.BoolSort(), "last")
        question.last[last] = chosen
        earlier = [
            _unless_taken(question, other, False if last is None else question.before(other, last))
            for other in mutations
            if other is not last
        ]
        taken = True if last is None or last.taken is None else last.taken
        _imply(question, chosen, (taken, *earlier))
    question.solver.add(question.z3.Or(list(question.last.values())))


def _unless_taken(question: _Question, moment: _Moment, *terms: Any) -> Any:
    return question.any_of(*terms, False if moment.taken is None else question.z3.Not(moment.taken))


def _imply(question: _Question, chosen: Any, terms: Iterable[Any]) -> None:
    if question.limit.expired():
        raise OutOfTimeError
    for term in terms:
        if term is not True:
            question.solver.add(question.z3.Implies(chosen, term))


def _point(question: _Question) -> Point:
    """The point at the end of the window that z3 found, and its way there."""
    z3, model = question.z3, question.solver.model()

    def holds(term: Any) -> bool:
        return bool(z3.is_true(model.eval(term, model_completion=True)))

    begin = next(p for here, p in zip(question.starting, question.starts, strict=True) if holds(here))
    placed = [moment for moment in question.moments if moment.taken is None or holds(moment.taken)]
    placed.sort(key=lambda moment: model.eval(moment.at, model_completion=True).as_fraction())
    trail: Trail | None = begin.trail
    for moment in placed:
        trail = (trail, moment.step)
    last = next(moment for moment, chosen in question.last.items() if holds(chosen))
    used = tuple(model.eval(spent, model_completion=True).as_long() for spent in question.spent)
    return Point(begin.state if last is None else last.leaves, used, trail)


def _exclude(question: _Question, point: Point) -> None:
    """From now on only points with another state, or with fewer optional operations of some class."""
    z3 = question.z3
    same = [chosen for moment, chosen in question.last.items() if moment is not None and moment.leaves == point.state]
    same.append(z3.And(question.last[None], question.begins_with(point.state)))
    more = [spent >= used for spent, used in zip(question.spent, point.used, strict=True)]
    question.solver.add(z3.Not(z3.And(z3.Or(same), *more)))
