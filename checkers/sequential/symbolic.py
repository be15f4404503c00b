"""z3 decides registers: a moment for each operation, and for each observer a source with nothing between the two.

Only the order counts, so moments are numbers that z3 chooses; inside a chain they ascend. What saturation knows of the
order is not asked again. z3 is imported on first use.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from checkers.guard import OutOfTimeError
from checkers.linearizable.limit import Limit
from checkers.sequential.arrangement import NONE, Arrangement, Needs
from checkers.sequential.saturation import Saturation
from checkers.sequential.search import Searched

TERMS_MAX: Final = 200_000
QUERY_MAX_S: Final = 60.0  # where no time limit is given


@dataclass(frozen=True, slots=True, eq=False)
class _Moment:
    """An operation; ``node`` NONE and ``taken`` not None: one that perhaps took effect."""

    node: int
    object: int
    expects: int
    leaves: int
    at: Any
    item: Any
    needs: Needs = ()
    taken: Any = None


@dataclass(slots=True)
class _Question:
    z3: Any
    solver: Any
    arrangement: Arrangement
    known: Saturation
    limit: Limit
    moments: list[_Moment] = field(default_factory=list)
    terms: int = 0

    def less(self, a: _Moment, b: _Moment) -> Any:
        """a < b: known, or a constraint."""
        before = self.known.before
        if before is not None and NONE not in (a.node, b.node):
            for first, second, answer in ((a.node, b.node, True), (b.node, a.node, False)):
                chain, position = self.arrangement.place[first]
                if before[second][chain] > position:
                    return answer
        return a.at < b.at

    def any_of(self, *terms: Any) -> Any:
        self.terms += len(terms)
        if self.terms > TERMS_MAX:
            raise MemoryError(f"more than {TERMS_MAX} terms for z3")
        if any(term is True for term in terms):
            return True
        return self.z3.Or([term for term in terms if term is not False])

    def add(self, term: Any) -> None:
        if term is not True:
            self.solver.add(term)


def solve(arrangement: Arrangement, known: Saturation, limit: Limit) -> Searched:
    """An order of the operations, all of them on registers. Raises ImportError without z3, MemoryError where there are
    too many operations."""
    import z3

    question = _Question(z3, z3.Solver(), arrangement, known, limit)
    try:
        _ask(question)
    except OutOfTimeError:
        return Searched("time", (), 0, 0)
    remaining = limit.remaining_s()
    question.solver.set("timeout", max(1, int(1000 * (QUERY_MAX_S if remaining is None else remaining))))
    answer = question.solver.check()
    if answer == z3.unknown:
        return Searched("time", (), 0, 1)
    if answer == z3.unsat:
        return Searched("invalid", (), 0, 1)
    return Searched("valid", tuple(_order(question)), len(arrangement), 1)


def _ask(question: _Question) -> None:
    a, z3 = question.arrangement, question.z3
    for node, item in enumerate(a.items):
        at = z3.Real(f"at {node}")
        question.moments.append(_Moment(node, item.object, a.expects[node], a.leaves[node], at, item, a.needs[node]))
    for number, each in enumerate(a.classes):
        for i, (item, needs) in enumerate(zip(each.items, each.needs, strict=True)):
            at, taken = z3.Real(f"at {number} {i}"), z3.Bool(f"taken {number} {i}")
            moment = _Moment(NONE, item.object, each.expects, each.leaves, at, item, needs, taken)
            question.moments.append(moment)
    _keep_order(question)
    mutators: defaultdict[int, list[_Moment]] = defaultdict(list)
    for moment in question.moments:
        if moment.leaves != NONE:
            mutators[moment.object].append(moment)
    for moment in question.moments:
        if moment.expects != NONE:
            _observe(question, moment, [each for each in mutators[moment.object] if each is not moment])


def _keep_order(question: _Question) -> None:
    """What is not asked again must stand as a constraint: the order of sessions, and what was derived."""
    for edge in question.known.edges:
        question.solver.add(question.moments[edge.first].at < question.moments[edge.second].at)
    for moment in question.moments:
        for chain, count in moment.needs if moment.node == NONE else ():
            last = question.arrangement.chains[chain][count - 1]
            question.solver.add(question.moments[last].at < moment.at)


def _observe(question: _Question, observer: _Moment, others: Sequence[_Moment]) -> None:
    z3 = question.z3
    sources: list[_Moment | None] = [each for each in others if each.leaves == observer.expects]
    if question.arrangement.held[observer.object] == observer.expects:
        sources.append(None)
    chosen = []
    for source in sources:
        if source is not None and question.less(source, observer) is False:
            continue
        if question.limit.expired():
            raise OutOfTimeError
        here = z3.FreshConst(z3.BoolSort(), "source")
        chosen.append(here)
        for term in _is_source(question, source, observer, others):
            if term is not True:
                question.solver.add(z3.Implies(here, term))
    question.add(question.any_of(*chosen, False if observer.taken is None else z3.Not(observer.taken)))


def _is_source(
    question: _Question, source: _Moment | None, observer: _Moment, others: Sequence[_Moment]
) -> Iterator[Any]:
    if source is not None:
        yield question.less(source, observer)
        yield True if source.taken is None else source.taken
    for other in others:
        if other is not source:
            earlier = False if source is None else question.less(other, source)
            absent = False if other.taken is None else question.z3.Not(other.taken)
            yield question.any_of(earlier, question.less(observer, other), absent)


def _order(question: _Question) -> Iterator[Any]:
    z3, model = question.z3, question.solver.model()
    placed = [
        moment
        for moment in question.moments
        if moment.taken is None or z3.is_true(model.eval(moment.taken, model_completion=True))
    ]
    placed.sort(key=lambda moment: model.eval(moment.at, model_completion=True).as_fraction())
    return (moment.item for moment in placed)
