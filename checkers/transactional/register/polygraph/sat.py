"""The pairs' solver by SAT: CaDiCaL through python-sat, with the guess as the phase to try first."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module
from importlib.util import find_spec
from time import monotonic
from typing import Any, Final

from checkers.guard import OutOfTimeError
from checkers.transactional.register.polygraph.residue import Clause

CONFLICTS_PER_STEP: Final = 2_000
"""Between two looks at the clock."""


class SatSolver:
    """Incremental. See :class:`checkers.transactional.register.polygraph.residue.Solver`."""

    def __init__(self, first: Sequence[bool]) -> None:
        solvers = import_module("pysat.solvers")  # 60 ms, and most histories never need it
        self._solver: Any = solvers.Cadical195()
        self._count = len(first)
        for number, value in enumerate(first, 1):
            self._solver.add_clause([number, -number])
            self._solver.set_phases([number if value else -number])

    def add(self, clause: Clause) -> None:
        self._solver.add_clause(list(clause))

    def solve(self, deadline: float | None) -> list[bool] | None:
        answer: bool | None = None
        while answer is None:
            if deadline is not None and monotonic() > deadline:
                raise OutOfTimeError(f"the SAT solver was choosing orders for {self._count} pairs of writes")
            self._solver.conf_budget(CONFLICTS_PER_STEP)
            answer = self._solver.solve_limited()
        if not answer:
            return None
        model = self._solver.get_model()
        values = [False] * self._count
        for literal in model:
            if abs(literal) <= self._count:
                values[abs(literal) - 1] = literal > 0
        return values


def installed() -> bool:
    """Whether python-sat is there; z3 takes its place where it is not."""
    return find_spec("pysat") is not None
