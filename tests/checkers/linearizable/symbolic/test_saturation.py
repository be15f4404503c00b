"""What follows by itself needs no solver; what does not is left as it was meant."""

from __future__ import annotations

from math import inf

from checkers.linearizable.limit import Limit
from checkers.linearizable.symbolic.formula import TRUE, Formula
from checkers.linearizable.symbolic.order import Order
from checkers.linearizable.symbolic.saturation import saturate


def overlapping(count: int) -> tuple[Formula, Order]:
    formula = Formula(Limit())
    return formula, Order(formula, [(i, inf) for i in range(count)])


def test_a_forced_order_settles_others() -> None:
    """a before b and b before c: so c is not before a, and what would follow from that is not asked."""
    formula, order = overlapping(3)
    other = formula.variable()
    formula.add(order.before(0, 1))
    formula.add(order.before(1, 2), other)
    formula.add(-other)
    formula.add(order.before(0, 2), formula.variable())
    assert saturate(formula, order)
    assert order.before(0, 2) == TRUE
    assert formula.clauses == [(-other,)]


def test_a_circle_is_a_contradiction() -> None:
    formula, order = overlapping(3)
    for a, b in ((0, 1), (1, 2), (2, 0)):
        formula.add(order.before(a, b))
    assert not saturate(formula, order)


def test_a_clause_of_which_nothing_is_left_is_a_contradiction() -> None:
    formula, order = overlapping(1)
    a, b = formula.variable(), formula.variable()
    formula.add(a, b)
    formula.add(-a)
    formula.add(-b, a)
    assert not saturate(formula, order)


def test_a_sum_that_cannot_be_reached_is_a_contradiction() -> None:
    formula, order = overlapping(1)
    a, b, c = (formula.variable() for _ in range(3))
    formula.sum(TRUE, [(1, a), (1, b), (1, c)], low=2)
    assert saturate(formula, order)
    formula.add(-a)
    formula.add(-b)
    assert not saturate(formula, order)


def test_sums_lose_what_is_known() -> None:
    formula, order = overlapping(1)
    a, b, c = (formula.variable() for _ in range(3))
    formula.sum(TRUE, [(2, a), (1, b), (1, c)], low=3)
    formula.add(a)
    assert saturate(formula, order)
    assert not formula.sums
    assert (b, c) in formula.clauses
