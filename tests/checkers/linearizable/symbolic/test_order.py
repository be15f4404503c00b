"""The order of events: what is forced, and what an assignment of the rest means."""

from __future__ import annotations

from itertools import permutations
from math import inf
from random import Random

import pytest

from checkers.linearizable.limit import Limit
from checkers.linearizable.problem import TooLarge
from checkers.linearizable.symbolic.formula import FALSE, TRUE, Formula
from checkers.linearizable.symbolic.order import EVENTS_MAX, CircularError, Order


def order_of(*intervals: tuple[int, float]) -> tuple[Order, Formula]:
    formula = Formula(Limit())
    return Order(formula, intervals), formula


def test_intervals_force_an_order_where_they_do_not_overlap() -> None:
    order, _ = order_of((0, 3), (1, 5), (4, 6), (2, inf))
    assert [order.before(0, 2), order.before(2, 0)] == [TRUE, FALSE]
    assert order.before(0, 1) == -order.before(1, 0)
    assert order.before(3, 0) not in (TRUE, FALSE)


def test_what_is_forced_is_closed_and_told() -> None:
    order, _ = order_of((0, 9), (1, 8), (2, 7), (3, 6))
    first, last, across = order.before(0, 1), order.before(2, 3), order.before(3, 0)
    assert order.force(0, 1) == [first]
    assert order.force(2, 3) == [last]
    assert order.force(1, 2) == [-across]
    assert order.before(0, 3) == TRUE
    assert order.force(0, 2) == []
    with pytest.raises(CircularError):
        order.force(3, 0)


def test_too_many_events_are_refused() -> None:
    with pytest.raises(TooLarge):
        order_of(*((i, i + 1) for i in range(EVENTS_MAX + 1)))


@pytest.mark.parametrize("seed", range(60))
def test_an_assignment_is_an_order_or_has_a_circle(seed: int) -> None:
    """Of five events that overlap; those not present are on no circle."""
    random = Random(seed)
    order, formula = order_of(*((i, inf) for i in range(5)))
    pairs = {(a, b): order.before(a, b) for a in range(5) for b in range(a) if random.random() < 0.8}
    values = {variable: random.random() < 0.5 for variable in range(2, formula.variables + 1)}

    def holds(literal: int) -> bool:
        return values[abs(literal)] == (literal > 0)

    present = random.choice((0b11111, 0b10111))
    events = [a for a in range(5) if present >> a & 1]
    possible = [
        each for each in permutations(events)
        if all((each.index(a) < each.index(b)) is holds(literal)
               for (a, b), literal in pairs.items() if a in events and b in events)
    ]  # fmt: skip
    arranged, circles = order.arrange(holds, present)
    assert bool(possible) is not bool(circles)
    assert not possible or tuple(arranged) in possible
    for circle in circles:
        assert all(holds(literal) for literal in circle)
        steps = dict(order.pairs[each] if each > 0 else order.pairs[-each][::-1] for each in circle)
        assert sorted(steps) == sorted(steps.values())


@pytest.mark.parametrize("seed", range(40))
def test_triangles_rule_out_no_order(seed: int) -> None:
    random = Random(seed)
    intervals = [(begin, begin + random.randint(1, 8)) for begin in random.sample(range(10), 5)]
    order, formula = order_of(*intervals)
    for a, b in permutations(range(5), 2):
        if random.random() < 0.6:
            order.before(a, b)
    order.close()
    for each in permutations(range(5)):
        place = {event: at for at, event in enumerate(each)}
        if any(intervals[b][1] < intervals[a][0] and place[a] < place[b] for a, b in permutations(range(5), 2)):
            continue
        true = {variable if place[a] < place[b] else -variable for variable, (a, b) in order.pairs.items()}
        assert all(not true.isdisjoint(clause) for clause in formula.clauses)
