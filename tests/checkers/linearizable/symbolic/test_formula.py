"""Formulas mean what they say, however they were folded: every assignment is tried."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from random import Random
from time import monotonic

import pytest

from checkers.guard import OutOfTimeError, Unsupported
from checkers.linearizable.limit import Limit
from checkers.linearizable.problem import TooLarge
from checkers.linearizable.symbolic import formula as module
from checkers.linearizable.symbolic.formula import FALSE, TRUE, WEIGHT_MAX, Formula

VARIABLES = 4


def assignments(variables: int) -> Iterator[dict[int, bool]]:
    for values in product((False, True), repeat=variables - 1):
        yield dict(enumerate((True, *values), 1))


def holds(values: dict[int, bool], literal: int) -> bool:
    return values[abs(literal)] == (literal > 0)


def satisfied(formula: Formula, values: dict[int, bool]) -> bool:
    return all(any(holds(values, literal) for literal in clause) for clause in formula.clauses) and all(
        not holds(values, each.guard)
        or sum(w for w, literal in zip(each.weights, each.literals, strict=True) if holds(values, literal)) >= each.low
        for each in formula.sums
    )


def fresh() -> Formula:
    formula = Formula(Limit())
    for _ in range(VARIABLES - 1):
        formula.variable()
    return formula


@pytest.mark.parametrize("seed", range(150))
def test_sums(seed: int) -> None:
    random = Random(seed)
    literals = [*range(1, VARIABLES + 1), *(-v for v in range(1, VARIABLES + 1))]
    terms = [(random.randint(-3, 3), random.choice(literals)) for _ in range(random.randint(0, 4))]
    low, high = (random.choice((None, random.randint(-4, 5))) for _ in range(2))
    guard = random.choice((TRUE, 2, -3, FALSE))
    formula = fresh()
    formula.sum(guard, terms, low=low, high=high)
    for values in assignments(VARIABLES):
        total = sum(weight for weight, literal in terms if holds(values, literal))
        meant = not holds(values, guard) or ((low is None or total >= low) and (high is None or total <= high))
        assert satisfied(formula, values) is meant, (terms, low, high, guard, values)


def test_both_is_a_conjunction() -> None:
    formula = fresh()
    both = formula.both(2, -3)
    assert formula.both(-3, 2) == both
    solutions = [values for values in assignments(formula.variables) if satisfied(formula, values)]
    assert all(values[both] is (values[2] and not values[3]) for values in solutions)
    assert len(solutions) == 2 ** (VARIABLES - 1)
    assert [formula.both(TRUE, 4), formula.both(4, FALSE), formula.both(4, -4), formula.both(4, 4)] == [
        4, FALSE, FALSE, 4,
    ]  # fmt: skip


def test_what_always_holds_is_no_clause() -> None:
    formula = fresh()
    formula.add(2, TRUE)
    formula.add(3, FALSE)
    assert formula.clauses == [(3,)]


def test_amounts_beyond_32_bits_are_refused() -> None:
    formula = fresh()
    formula.sum(TRUE, [(WEIGHT_MAX - 2, 2), (1, 3), (1, 4)], low=2)
    with pytest.raises(Unsupported, match="z3 is given sums of"):
        formula.sum(TRUE, [(WEIGHT_MAX - 1, 2), (1, 3), (1, 4)], low=2)


def test_limits_of_size_and_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "LITERALS_MAX", 10_000)
    large, late = Formula(Limit()), Formula(Limit(deadline=monotonic()))
    with pytest.raises(TooLarge):
        add_clauses(large)
    with pytest.raises(OutOfTimeError):
        add_clauses(late)


def add_clauses(formula: Formula) -> None:
    for _ in range(10_000):
        formula.add(2, 3)
