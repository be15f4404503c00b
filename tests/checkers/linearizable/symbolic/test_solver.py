"""z3 as it is used here: answers, models, cores, and limits that are kept."""

from __future__ import annotations

import sys
from subprocess import run
from time import monotonic

import pytest

from checkers.linearizable.limit import Limit
from checkers.linearizable.symbolic.formula import TRUE, WEIGHT_MAX, Formula
from checkers.linearizable.symbolic.solver import Solver


def pigeons(formula: Formula, count: int) -> None:
    """One pigeon more than there are holes: short to say, and beyond any solver of this kind."""
    sits = [[formula.variable() for _ in range(count - 1)] for _ in range(count)]
    for places in sits:
        formula.add(*places)
    for hole in zip(*sits, strict=True):
        for at, one in enumerate(hole):
            for other in hole[:at]:
                formula.add(-one, -other)


def test_a_model_and_then_none() -> None:
    formula = Formula(Limit())
    a, b, c = (formula.variable() for _ in range(3))
    formula.add(a, b)
    formula.sum(TRUE, [(2, a), (1, -b), (1, c)], low=3)
    solver = Solver(formula)
    assert solver.check(Limit()) == "sat"
    assert solver.holds(a)
    assert not solver.holds(-a)
    formula.add(-a)  # later clauses count, too
    assert solver.check(Limit()) == "unsat"


def test_large_weights_are_counted_right() -> None:
    """Beyond 32 bits z3 is silently wrong: the greatest weight allowed is not."""
    formula = Formula(Limit())
    a, b, c = (formula.variable() for _ in range(3))
    formula.sum(TRUE, [(WEIGHT_MAX - 2, a), (1, b), (1, c)], low=WEIGHT_MAX - 1)
    solver = Solver(formula)
    assert solver.check(Limit()) == "sat"
    formula.add(-b)
    formula.add(-c)
    assert solver.check(Limit()) == "unsat"


def test_a_core_names_the_assumptions_that_are_needed() -> None:
    formula = Formula(Limit())
    a, b, c, d = (formula.variable() for _ in range(4))
    formula.add(-a, -c)
    formula.add(-b, d)
    solver = Solver(formula)
    assert solver.check(Limit(), [a, b]) == "sat"
    assert solver.check(Limit(), [a, b, c]) == "unsat"
    assert solver.core == {a, c}


def test_time_is_kept() -> None:
    formula = Formula(Limit())
    pigeons(formula, 13)
    began = monotonic()
    assert Solver(formula).check(Limit().at_most(seconds=0.5)) == "time"
    assert monotonic() - began < 1.5


def test_a_question_that_z3_would_take_too_long_to_read_is_not_asked() -> None:
    formula = Formula(Limit())
    for _ in range(50_000):
        formula.add(2, 3, 4)
    formula.variables = 4
    began = monotonic()
    assert Solver(formula).check(Limit().at_most(seconds=0.1)) == "time"
    assert monotonic() - began < 0.1


@pytest.mark.parametrize("clauses", [2_000, 60_000])
def test_a_memory_limit_is_no_crash(clauses: int) -> None:
    """In a process of its own: the limit of the address space stays. z3 would end it while it reads too long a
    question; a short one it decides."""
    program = f"""
import resource, z3
from checkers.linearizable.limit import Limit
from checkers.linearizable.symbolic.formula import Formula
from checkers.linearizable.symbolic.solver import Solver
formula = Formula(Limit())
variables = [formula.variable() for _ in range(2000)]
for i in range({clauses}):
    formula.add(*(variables[(i * 7919 + j * (i % 97 + 1)) % 2000] * (1 if (i + j) % 3 else -1) for j in range(10)))
solver = Solver(formula)
used = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (used + (60 << 20), used + (70 << 20)))
print(solver.check(Limit().at_most(seconds=60)))
"""
    ran = run([sys.executable, "-c", program], capture_output=True, text=True, timeout=120, check=False)
    assert (ran.returncode, ran.stdout.strip()) == (0, "sat" if clauses == 2_000 else "memory"), ran.stderr[-2000:]


def test_without_z3(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "z3", None)
    with pytest.raises(ImportError):
        Solver(Formula(Limit()))
