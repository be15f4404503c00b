"""z3's limits: past them no verdict, with the reason; and what each way of asking it says of the same pairs."""

from __future__ import annotations

import sys
from functools import cache
from subprocess import run
from time import monotonic

import pytest

from benchmarks.register_transactions import lines
from checkers.guard import OutOfTimeError, guarded
from checkers.transactional.lattice import Family, Order
from checkers.transactional.register.history import RegisterHistory
from checkers.transactional.register.polygraph import smt
from checkers.transactional.register.polygraph.acyclic import Acyclic
from checkers.transactional.register.polygraph.decide import Polygraphs
from checkers.transactional.register.polygraph.smt import SmtSolver
from checkers.transactional.register.polygraph.window import SolverName
from checkers.transactional.register.reading import read_transactions
from checkers.transactional.register.sources import histories
from harness.history import History
from harness.result import Reason, Result

BY_Z3: tuple[SolverName, ...] = ("z3", "z3-lazy", "z3-propagator")


@cache
def contended(count: int) -> RegisterHistory:
    return next(histories(read_transactions(History(lines(count, "snapshot", zipf=True)))))


def judged(solver: SolverName, count: int, deadline: float | None = None) -> Result:
    def judge() -> Result:
        decision = Polygraphs(contended(count), solver, deadline, guess=False).decide(Family.SNAPSHOT, Order.NONE)
        assert decision.valid
        return Result(valid=True, expect="snapshot-isolation")

    return guarded("snapshot-isolation", judge)


@pytest.mark.parametrize("solver", BY_Z3)
def test_without_memory_there_is_no_verdict(solver: SolverName, monkeypatch: pytest.MonkeyPatch) -> None:
    assert judged(solver, 60).valid is True
    monkeypatch.setattr(smt, "BYTES_MAX", 0)
    result = judged(solver, 60)
    assert result.reason is Reason.OUT_OF_MEMORY
    assert "z3" in (result.explanation or "")


@pytest.mark.parametrize("solver", ["z3", "z3-propagator"])
def test_what_z3_takes_is_bounded_while_it_decides(solver: SolverName, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(smt, "_BYTES_PER_EDGE", 0)  # so that it is asked all the same
    monkeypatch.setattr(smt, "BYTES_MAX", 1)
    result = judged(solver, 150)
    assert result.reason is Reason.OUT_OF_MEMORY
    assert "z3 was choosing" in (result.explanation or "")
    monkeypatch.undo()
    assert judged(solver, 60).valid is True  # the limit is gone


@pytest.mark.parametrize("solver", BY_Z3)
def test_time_is_kept(solver: SolverName) -> None:
    contended(600)
    began = monotonic()
    result = judged(solver, 600, began + 0.5)
    assert result.valid is True or result.reason is Reason.TIMEOUT
    assert monotonic() - began < 3  # the machine may be busy


def test_what_z3_would_read_for_too_long_is_not_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(smt, "_EDGES_PER_S", 1)
    result = judged("z3", 60, monotonic() + 20)
    assert result.reason is Reason.TIMEOUT
    assert "longer to read" in (result.explanation or "")


def test_a_deadline_that_has_passed() -> None:
    solver = SmtSolver([True, False])
    solver.add((1, 2))
    assert solver.solve(None) == [True, False]
    solver.add((-1,))
    solver.add((-2, 1))
    assert solver.solve(None) is None
    with pytest.raises(OutOfTimeError, match="z3"):
        solver.solve(monotonic() - 1)


def test_the_guess_is_tried_first() -> None:
    """Among all that satisfies the clauses."""
    values = [number % 3 == 0 for number in range(60)]
    solver = SmtSolver(values)
    for number, value in enumerate(values, 1):
        solver.add((number if value else -number, -(number % 60 + 1)))
    found = solver.solve(None)
    assert found is not None
    assert sum(one != other for one, other in zip(found, values, strict=True)) <= 2


def test_what_fails_inside_the_propagator_is_no_verdict(monkeypatch: pytest.MonkeyPatch) -> None:
    def add(*_: int) -> frozenset[int]:
        raise RuntimeError("the propagator failed")

    monkeypatch.setattr(Acyclic, "add", add)
    result = judged("z3-propagator", 60)
    assert result.reason is Reason.CHECKER_ERROR
    assert "the propagator failed" in (result.explanation or "")


@pytest.mark.parametrize("limit", ["RLIMIT_AS", "RLIMIT_DATA"])
def test_a_limit_of_the_process_is_no_crash(limit: str) -> None:
    """In a process of its own, for the limit stays."""
    program = f"""
import resource, z3
from tests.checkers.transactional.register.polygraph.test_smt import contended, judged
from checkers.transactional.register.polygraph import smt
contended(150)
judged("z3", 60), judged("z3-lazy", 60)
pages = open("/proc/self/statm").read().split()
used = int(pages[0 if {limit!r} == "RLIMIT_AS" else 5]) * resource.getpagesize()
resource.setrlimit(resource.{limit}, (used + (12 << 20), used + (60 << 20)))
assert 0 < smt.memory_bytes() < 12 << 20
print(judged("z3", 150).reason, judged("z3-lazy", 150).valid)
"""
    ran = run([sys.executable, "-c", program], capture_output=True, text=True, timeout=120, check=False)
    assert (ran.returncode, ran.stdout.strip()) == (0, "out-of-memory True"), ran.stderr[-2000:]
