"""Saturation: what follows from a formula and the forced order by itself, before a solver is asked.

Clauses of which one literal is left are taken at their word; one that is about the order of two events is closed
transitively with all that is forced already, which may settle others. Where only one write can have been read from,
where only one order of two puts can explain two takes, this decides; often it leaves nothing to ask.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from typing import Final

from checkers.linearizable.symbolic.formula import FALSE, TRUE, Formula
from checkers.linearizable.symbolic.order import CircularError, Order

_CLOCK_EVERY: Final = 256


def saturate(formula: Formula, order: Order) -> bool:
    """Simplify the formula and force the order in place; False if there is a contradiction."""
    true = _propagate(formula, order)
    if true is None:
        return False
    clauses, sums = formula.clauses, formula.sums
    formula.clauses, formula.sums, formula.size = [], [], 0
    for clause in clauses:
        if true.isdisjoint(clause):
            formula.add(*(literal for literal in clause if -literal not in true))
    for each in sums:
        terms = [(w, _now(literal, true)) for w, literal in zip(each.weights, each.literals, strict=True)]
        formula.sum(_now(each.guard, true), terms, low=each.low)
    for literal in true:
        if literal not in order.pairs and -literal not in order.pairs:
            formula.add(literal)
    return () not in formula.clauses


def _now(literal: int, true: set[int]) -> int:
    return TRUE if literal in true else FALSE if -literal in true else literal


def _propagate(formula: Formula, order: Order) -> set[int] | None:
    """All literals that must hold; None if some cannot. Raises OutOfTimeError."""
    clauses = formula.clauses
    left = [len(clause) for clause in clauses]
    if 0 in left:
        return None
    places: defaultdict[int, list[int]] = defaultdict(list)
    for number, clause in enumerate(clauses):
        for literal in clause:
            places[literal].append(number)
    formula.check_time()
    waiting = [clause[0] for clause in clauses if len(clause) == 1]
    true: set[int] = set()
    while waiting:
        literal = waiting.pop()
        if literal in true:
            continue
        if -literal in true:
            return None
        true.add(literal)
        if len(true) % _CLOCK_EVERY == 0:
            formula.check_time()
        try:
            waiting.extend(_ordered(literal, order))
        except CircularError:
            return None
        for number in places.get(-literal, ()):
            left[number] -= 1
            if left[number] == 0:
                return None
            if left[number] == 1:
                waiting.extend(each for each in clauses[number] if -each not in true)
    return true


def _ordered(literal: int, order: Order) -> Iterable[int]:
    if literal in order.pairs:
        return order.force(*order.pairs[literal])
    if -literal in order.pairs:
        return order.force(*reversed(order.pairs[-literal]))
    return ()
