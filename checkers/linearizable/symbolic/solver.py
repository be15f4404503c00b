"""z3, given clauses and sums as text, which it reads a hundred times faster than it takes them one by one.

Its finite-domain solver decides them by propagation and learnt clauses; sums it counts natively. Every question has a
time limit, also where the caller gave none; under a memory limit of the process z3 is told what is left of it.

z3 is imported on first use: a history that is decided without never loads it.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from re import compile as pattern
from typing import Any, Final, Literal

from checkers.linearizable.limit import Limit
from checkers.linearizable.symbolic.formula import TRUE, Formula, Sum

Answer = Literal["sat", "unsat", "time", "memory"]

QUERY_MAX_S: Final = 60.0  # one question to z3, where no time limit is given
_CHUNK: Final = 20_000  # lines of text between two looks at the clock
_SHARE: Final = 0.8  # of the memory that is left, for z3
_BYTES_PER_LITERAL: Final = 300  # measured: 125 to 165 while z3 reads, up to 290 when it decides
_LITERALS_PER_S: Final = 300_000  # z3 prepares larger questions for longer than that, and looks at no clock meanwhile
_PUNCTUAL: Final = 0.95  # z3 notices that its time is up a little late
_VALUE: Final = pattern(r"\(define-fun v(\d+) \(\) Bool\s+(true|false)\)")


class Solver:
    """Raises ImportError without z3. ``model`` after "sat": the variables that z3 chose, with their values;
    ``core`` after "unsat": assumptions that are enough for that."""

    def __init__(self, formula: Formula) -> None:
        import z3

        self._z3: Any = z3
        self._formula = formula
        self._solver: Any = z3.SolverFor("QF_FD")
        self._declared, self._clauses, self._sums, self._told = 0, 0, 0, 0
        self.questions = 0
        self.model: dict[int, bool] = {}
        self.core: frozenset[int] = frozenset()

    def check(self, limit: Limit, assumptions: Sequence[int] = ()) -> Answer:
        """Whether all that the formula has by now can be satisfied together with the assumed variables."""
        z3 = self._z3
        self.questions += 1
        try:
            if not self._fits():
                return "memory"
            if not self._tell(limit):
                return "time"
            remaining_s = limit.remaining_s()
            query_s = QUERY_MAX_S if remaining_s is None else _PUNCTUAL * remaining_s
            self._solver.set("timeout", max(1, int(1000 * query_s)))
            answer = self._solver.check(*(z3.Bool(f"v{variable}") for variable in assumptions))
        except z3.Z3Exception as error:
            if "memory" in str(error):
                return "memory"
            raise
        if answer == z3.unknown:
            return "memory" if "memory" in self._solver.reason_unknown() else "time"
        if answer == z3.unsat:
            self.core = frozenset(int(str(each)[1:]) for each in self._solver.unsat_core())
            return "unsat"
        self.model = {int(name): value == "true" for name, value in _VALUE.findall(self._solver.model().sexpr())}
        return "sat"

    def holds(self, literal: int) -> bool | None:
        """The literal's value in the model; None if it is free to have either."""
        value = self.model.get(abs(literal))
        return value if value is None or literal > 0 else not value

    def _tell(self, limit: Limit) -> bool:
        """Give z3 what the formula has and z3 does not; False if the time is up before, or would be."""
        formula = self._formula
        remaining_s = limit.remaining_s()
        if remaining_s is not None and formula.size > _LITERALS_PER_S * remaining_s:
            return False
        lines = [f"(declare-const v{number} Bool)" for number in range(self._declared + 1, formula.variables + 1)]
        if not self._declared:
            lines.append(f"(assert v{TRUE})")
        lines += [_clause(clause) for clause in formula.clauses[self._clauses :]]
        lines += [_sum(each) for each in formula.sums[self._sums :]]
        self._declared, self._clauses, self._sums = formula.variables, len(formula.clauses), len(formula.sums)
        self._told = formula.size
        for at in range(0, len(lines), _CHUNK):
            if limit.expired():
                return False
            self._solver.from_string("\n".join(lines[at : at + _CHUNK]))
        return True

    def _fits(self) -> bool:
        """Whether the memory that is left allows z3 to be told what is new; z3 is told to stop where it ends.

        While it reads, z3 knows no limit, and ends the process where memory is refused.
        """
        left = _memory_left()
        if left is None:
            return True
        own = self._z3.Z3_get_estimated_alloc_size()
        self._solver.set("max_memory", max(1, int((left + own) * _SHARE) >> 20))
        return (self._formula.size - self._told) * _BYTES_PER_LITERAL < left


def _memory_left() -> int | None:
    """Bytes of address space that this process may still take; None if there is no limit."""
    from resource import RLIM_INFINITY, RLIMIT_AS, getpagesize, getrlimit

    soft = getrlimit(RLIMIT_AS)[0]
    if soft == RLIM_INFINITY:
        return None
    return soft - int(Path("/proc/self/statm").read_text().split()[0]) * getpagesize()


def _clause(clause: Sequence[int]) -> str:
    if len(clause) == 1:
        return f"(assert {_literal(clause[0])})"
    return f"(assert (or {' '.join(map(_literal, clause))}))" if clause else "(assert false)"


def _sum(each: Sum) -> str:
    enough = f"((_ pbge {each.low} {' '.join(map(str, each.weights))}) {' '.join(map(_literal, each.literals))})"
    return f"(assert {enough})" if each.guard == TRUE else f"(assert (=> {_literal(each.guard)} {enough}))"


def _literal(literal: int) -> str:
    return f"v{literal}" if literal > 0 else f"(not v{-literal})"
