"""The pairs' solver by z3: lazily, as by SAT, or with the moments as numbers (difference logic).

It is the second opinion: an encoding of order as numbers shares nothing with the cycles that are found lazily. It is
10 to 100 times slower than SAT (300 transactions with 1000 open pairs: 1.5 s, and 0.05 s).
"""

from __future__ import annotations

from collections.abc import Sequence
from time import monotonic
from typing import Any

from checkers.guard import OutOfTimeError
from checkers.transactional.register.polygraph.residue import Clause, Residue


class SmtSolver:
    """Clauses over Booleans. See :class:`checkers.transactional.register.polygraph.residue.Solver`."""

    def __init__(self, first: Sequence[bool]) -> None:
        import z3

        self._solver: Any = z3.Solver()
        self._pairs: list[Any] = [z3.Bool(f"p{number}") for number in range(len(first))]

    def add(self, clause: Clause) -> None:
        import z3

        self._solver.add(z3.Or([self._literal(each) for each in clause]))

    def _literal(self, literal: int) -> Any:
        import z3

        pair = self._pairs[abs(literal) - 1]
        return pair if literal > 0 else z3.Not(pair)

    def solve(self, deadline: float | None) -> list[bool] | None:
        if not _satisfiable(self._solver, deadline):
            return None
        model = self._solver.model()
        return [bool(model.eval(pair, model_completion=True)) for pair in self._pairs]


def numbered(open_: Residue) -> list[bool] | None:
    """Values of the pairs that close no cycle, None if there are none: moments are integers, an edge says less.

    What singles forbid is still found lazily. Raises :class:`checkers.guard.OutOfTimeError`.
    """
    import z3

    solver: Any = z3.SolverFor("QF_IDL") if not _has_singles(open_) else z3.Solver()
    moments = [z3.Int(f"m{node}") for node in range(len(open_.graph.past))]
    pairs = [z3.Bool(f"p{number}") for number in range(len(open_.pairs))]
    for node, sources in enumerate(open_.graph.before):
        for source in sources:
            solver.add(moments[source] < moments[node])
    for pair, sides in zip(pairs, open_.sides, strict=True):
        for condition, side in zip((pair, z3.Not(pair)), sides, strict=True):
            for source, target in side.edges:
                solver.add(z3.Implies(condition, moments[source] < moments[target]))
    while _satisfiable(solver, open_.graph.deadline):
        model = solver.model()
        values = [bool(model.eval(pair, model_completion=True)) for pair in pairs]
        clauses = open_.conflicts(values)
        if not clauses:
            return values
        for clause in clauses:
            solver.add(z3.Or([pairs[each - 1] if each > 0 else z3.Not(pairs[-each - 1]) for each in clause]))
    return None


def _has_singles(open_: Residue) -> bool:
    return bool(open_.graph.singles) or any(side.singles for sides in open_.sides for side in sides)


def _satisfiable(solver: Any, deadline: float | None) -> bool:
    """Raises :class:`checkers.guard.OutOfTimeError` where z3 gives up."""
    import z3

    if deadline is not None:
        solver.set("timeout", max(1, int((deadline - monotonic()) * 1000)))
    answer = solver.check()
    if answer == z3.unknown:
        raise OutOfTimeError(f"z3 was choosing orders of writes and says {solver.reason_unknown()}")
    return bool(answer == z3.sat)
