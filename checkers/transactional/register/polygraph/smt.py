"""The pairs' solver by z3: lazily, as by SAT, or with the moments as numbers (differences of integers).

The second way is the second opinion: an encoding of order as numbers shares nothing with the cycles that are found
lazily. Both are told as text, which z3 reads much faster than terms, and begin with the guess: with these two, z3's
finite-domain solver comes near CaDiCaL (benchmarks/polygraph_solvers.py; 200 transactions, 1,560 open pairs: 0.04 s and
0.02 s; numbers take 1.1 s, and 4 kB for each edge). A third way is in ``propagator``.
"""

from __future__ import annotations

import resource
from collections.abc import Sequence
from math import inf
from pathlib import Path
from re import compile as pattern
from time import monotonic
from typing import Any, Final

from checkers.guard import OutOfTimeError
from checkers.transactional.register.polygraph.residue import Clause, Residue

BYTES_MAX: Final = 1_500_000_000
"""For one question, whatever this process may have."""
_SHARE: Final = 0.8  # of the memory that is left
_BYTES_PER_EDGE: Final = 5_000  # measured: 4,300, most of it while z3 reads, when it knows no limit
_EDGES_PER_S: Final = 30_000  # z3 prepares more for longer than that, and looks at no clock meanwhile
_CHUNK: Final = 5_000  # lines of text between two looks at the clock
_PUNCTUAL: Final = 0.95  # z3 notices that its time is up a little late
_VALUE: Final = pattern(r"\(define-fun p(\d+) \(\) Bool\s+(true|false)\)")


class SmtSolver:
    """Clauses over Booleans. See :class:`checkers.transactional.register.polygraph.residue.Solver`."""

    def __init__(self, first: Sequence[bool]) -> None:
        import z3

        self._solver: Any = z3.SolverFor("QF_FD")
        self._values = list(first)
        self._lines: list[str] = []
        tell(self._solver, declared(len(first)), None)
        begin_with(self._solver, first)

    def add(self, clause: Clause) -> None:
        self._lines.append(asserted(clause))

    def solve(self, deadline: float | None) -> list[bool] | None:
        tell(self._solver, self._lines, deadline)
        self._lines.clear()
        if not satisfiable(self._solver, deadline):
            return None
        read_model(self._solver, self._values)
        return list(self._values)


def numbered(open_: Residue, first: Sequence[bool]) -> list[bool] | None:
    """Values of the pairs that close no cycle, None if there are none: moments are integers, an edge says less.

    What singles forbid is still found lazily. Raises :class:`checkers.guard.OutOfTimeError`, and :class:`MemoryError`.
    """
    import z3

    _check_size(open_)
    deadline = open_.graph.deadline
    solver: Any = z3.SimpleSolver()
    solver.set("arith.solver", 6)  # simplex: what z3 would take has a matrix of all moments, 13 GB at 10,000
    tell(solver, [f"(declare-const m{node} Int)" for node in range(len(open_.graph.past))], deadline)
    tell(solver, declared(len(first)), deadline)
    tell(solver, _differences(open_), deadline)
    begin_with(solver, first)
    values = list(first)
    while satisfiable(solver, deadline):
        read_model(solver, values)
        clauses = open_.conflicts(values)
        if not clauses:
            return values
        tell(solver, [asserted(clause) for clause in clauses], deadline)
    return None


def _check_size(open_: Residue) -> None:
    edges = sum(map(len, open_.graph.before)) + sum(len(side.edges) for sides in open_.sides for side in sides)
    size = f"{edges} edges between the moments of {open_.graph.size} transactions"
    if edges * _BYTES_PER_EDGE > memory_bytes():
        raise MemoryError(f"{size} are too many for z3's numbers")
    deadline = open_.graph.deadline
    if deadline is not None and edges > _EDGES_PER_S * (deadline - monotonic()):
        raise OutOfTimeError(f"{size} would have taken z3 longer to read")


def _differences(open_: Residue) -> list[str]:
    lines = [
        f"(assert (<= (- m{source} m{node}) (- 1)))"
        for node, sources in enumerate(open_.graph.before) for source in sources
    ]  # fmt: skip
    for number, sides in enumerate(open_.sides, 1):
        for otherwise, side in zip((f"(not p{number})", f"p{number}"), sides, strict=True):
            lines += [f"(assert (or {otherwise} (<= (- m{source} m{target}) (- 1))))" for source, target in side.edges]
    return lines


# ---------------------------------------------------------------------------- z3


def declared(count: int) -> list[str]:
    """A yes-no variable for each pair."""
    return [f"(declare-const p{number} Bool)" for number in range(1, count + 1)]


def asserted(clause: Clause) -> str:
    return f"(assert (or false {' '.join(f'p{each}' if each > 0 else f'(not p{-each})' for each in clause)}))"


def tell(solver: Any, lines: Sequence[str], deadline: float | None) -> None:
    """Raises :class:`checkers.guard.OutOfTimeError`."""
    for at in range(0, len(lines), _CHUNK):
        if deadline is not None and monotonic() > deadline:
            raise OutOfTimeError("z3 was being told what the orders of writes imply")
        solver.from_string("\n".join(lines[at : at + _CHUNK]))


def begin_with(solver: Any, first: Sequence[bool]) -> None:
    """The values that are tried first. No question may have been asked."""
    import z3

    yes, no = z3.BoolVal(True), z3.BoolVal(False)
    for number, value in enumerate(first, 1):
        solver.set_initial_value(z3.Bool(f"p{number}"), yes if value else no)


def read_model(solver: Any, values: list[bool]) -> None:
    """Into ``values``: those of the pairs that z3 gave any."""
    for number, value in _VALUE.findall(solver.model().sexpr()):
        values[int(number) - 1] = value == "true"


def satisfiable(solver: Any, deadline: float | None) -> bool:
    """Raises :class:`checkers.guard.OutOfTimeError` where z3 gives up, and :class:`MemoryError` where it has used up
    what it may have."""
    import z3

    until = inf
    if deadline is not None:
        remaining_s = deadline - monotonic()
        if remaining_s <= 0:
            raise OutOfTimeError("z3 was choosing orders of writes")
        solver.set("timeout", max(1, int(_PUNCTUAL * 1000 * remaining_s)))
        until = deadline - 2 * (1 - _PUNCTUAL) * remaining_s
    limit_mb = max(1, (z3.Z3_get_estimated_alloc_size() + memory_bytes()) >> 20)
    solver.set("max_memory", limit_mb)  # the finite-domain solver looks at this one, and the general one at the next
    z3.set_param("memory_high_watermark_mb", limit_mb)
    try:
        answer = solver.check()
        why = solver.reason_unknown() if answer == z3.unknown else ""
    except z3.Z3Exception as error:
        if "memory" not in str(error):
            raise
        answer, why = z3.unknown, str(error)
    finally:
        z3.set_param("memory_high_watermark_mb", 0)  # it is everybody's in this process; 0: none
    if answer != z3.unknown:
        return bool(answer == z3.sat)
    said = f"z3 was choosing orders of writes and says {why}"
    stopped_early = why == "canceled" and monotonic() < until  # z3 says so of both limits
    raise MemoryError(said) if "mem" in why or stopped_early else OutOfTimeError(said)


def memory_bytes() -> int:
    """What z3 may take now: of what the limits of this process leave."""
    pages = Path("/proc/self/statm").read_text().split()
    left = BYTES_MAX
    for limit, used in ((resource.RLIMIT_AS, pages[0]), (resource.RLIMIT_DATA, pages[5])):
        soft = resource.getrlimit(limit)[0]
        if soft != resource.RLIM_INFINITY:
            left = min(left, int(_SHARE * (soft - int(used) * resource.getpagesize())))
    return max(0, left)
