"""The search on long and on hard histories: bounded work, right verdicts, honest limits."""

from __future__ import annotations

from dataclasses import replace
from random import Random
from time import monotonic

import pytest

from benchmarks.random_history import Shape, linearizable
from checkers.linearizable import check
from checkers.linearizable.decide import Method, decide
from checkers.linearizable.limit import Limit
from checkers.linearizable.problem import problem
from harness.history import History, Op
from harness.result import Reason
from tests.checkers.linearizable.notation import of, single

FIVE = (1, 2, 3, 4, 5)
# A generous bound of the work, in configurations per operation; the clock of a shared machine is no measure.
WORK = 20


def stale_at_the_end(lines: list[Op]) -> History:
    """The last read returns what was overwritten before all else began: every order has to be tried in vain."""
    first = of(("write", "once", 0, 1), ("write", 1, 2, 3))
    before = [replace(op, process=1_000_000 + int(op.process)) for op in first]
    at = max(i for i, op in enumerate(lines) if op.f == "read" and op.type == "ok")
    return History([*before, *lines[:at], replace(lines[at], value="once"), *lines[at + 1 :]])


@pytest.mark.parametrize("clients", [5, 10, 20])
def test_a_thousand_operations(clients: int) -> None:
    lines = linearizable(Shape(1000, clients, FIVE), Random(clients))
    result = check(History(lines), method="search")
    assert result.valid is True
    assert result.details["configurations"] < WORK * 1000
    assert check(stale_at_the_end(lines), method="search").valid is False


def test_twenty_thousand_operations_of_five_clients() -> None:
    lines = linearizable(Shape(20_000, 5, FIVE), Random(1))
    result = check(History(lines))
    assert (result.valid, result.method) == (True, "search")
    assert result.details["configurations"] < WORK * 20_000
    spoilt = check(stale_at_the_end(linearizable(Shape(5_000, 5, FIVE), Random(1))))  # shrunk in time on any machine
    assert spoilt.valid is False
    (anomaly,) = spoilt.anomalies
    assert (anomaly.details["minimal"], anomaly.details["confirmed_by"]) == (True, ["search"])
    assert len(anomaly.operations) == 3
    assert anomaly.operations[0] == 0, "the only write of what was read"


@pytest.mark.parametrize("cas_share", [0.0, 0.3])
@pytest.mark.parametrize("seed", range(5))
def test_forty_crashed_operations(seed: int, cas_share: float) -> None:
    lines = linearizable(Shape(1000, 5, FIVE, cas_share=cas_share, crashes=40), Random(seed))
    assert sum(op.type == "info" for op in lines) >= 10
    result = check(History(lines), method="search")
    assert result.valid is True
    assert result.details["configurations"] < WORK * 1000
    assert check(stale_at_the_end(lines), method="search").valid is False


def test_forty_crashed_writes_of_one_value_are_one_class() -> None:
    crashed = [("write", 1, i, None) for i in range(40)]
    turns = [("write", 2, 100 + 4 * i, 101 + 4 * i) for i in range(41)]
    reads = [("read", 1, 102 + 4 * i, 103 + 4 * i) for i in range(41)]
    assert check(of(*crashed, *turns[:40], *reads[:40]), method="search").valid is True
    result = check(of(*crashed, *turns, *reads), method="search")
    assert result.valid is False, "forty writes cannot be read forty-one times with others between"
    assert result.details["configurations"] < 1000


def test_forty_crashed_cas_in_a_ring() -> None:
    crashed = [("cas", [i % 4, (i + 1) % 4], i, None) for i in range(40)]
    turns = [("read", i % 4, 100 + 2 * i, 101 + 2 * i) for i in range(42)]
    assert check(of(*crashed, *turns[:41]), initial=0, method="search").valid is True
    assert check(of(*crashed, *turns), initial=0, method="search").valid is False


def test_crashed_operations_nobody_can_see_cost_nothing() -> None:
    unseen = [("write", f"unseen {i}", i, None) for i in range(500)]
    key, _ = single(of(*unseen, ("write", 1, 1000, 1001), ("read", 1, 1002, 1003)))
    assert problem(key.required, key.optional, key.initial).classes == ()


def test_a_value_from_nowhere_is_its_own_witness() -> None:
    lines = linearizable(Shape(2000, 60, FIVE), Random(6))
    at = max(i for i, op in enumerate(lines) if op.f == "read" and op.type == "ok")
    result = check(History([*lines[:at], replace(lines[at], value="never written"), *lines[at + 1 :]]))
    assert result.valid is False
    assert len(result.anomalies[0].operations) == 1


def test_cuts_are_where_nothing_runs() -> None:
    key, _ = single(
        of(("write", 1, 0, 3), ("write", 2, 1, 2), ("write", 3, 4, 5), ("write", 4, 6, 9), ("read", 4, 7, 8))
    )
    arrays = problem(key.required, key.optional, key.initial)
    assert arrays.cuts == (0, 2, 3, 5)
    assert [len(ranks) for ranks in arrays.open] == [2, 1, 1, 2, 1]


@pytest.mark.parametrize("method", ["search", "z3", "auto"])
def test_a_time_limit_is_kept_and_tells_how_far_it_came(method: Method) -> None:
    lines = linearizable(Shape(2000, 60, FIVE, read_share=0.2), Random(5))
    began = monotonic()
    result = check(stale_at_the_end(lines), method=method, time_limit_s=0.4)
    assert monotonic() - began < 10, "0.4 s, with room for a busy machine"
    assert (result.valid, result.reason) == ("unknown", Reason.TIMEOUT)
    assert "have a linearization" in (result.explanation or "")
    (progress,) = result.details["unknown"]
    assert 0 < progress["explained"] < progress["of"]


def test_a_memory_limit_is_kept_and_tells_how_far_it_came() -> None:
    key, _ = single(History(linearizable(Shape(1000, 10, FIVE), Random(2))))
    decision = decide(key, "search", Limit(configurations=100))
    assert (decision.valid, decision.reason) == (None, Reason.OUT_OF_MEMORY)
    assert 0 < decision.explained < len(key.required)
