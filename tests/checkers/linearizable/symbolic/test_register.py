"""Of a register z3 finds, for each window, what the search finds."""

from __future__ import annotations

from itertools import pairwise
from operator import le
from random import Random
from time import monotonic

import pytest

from benchmarks.random_history import Shape, arbitrary, linearizable
from checkers.linearizable.decide import decide
from checkers.linearizable.limit import Limit
from checkers.linearizable.problem import Problem, counting, problem
from checkers.linearizable.search import Point, explore, start
from checkers.linearizable.symbolic import ends
from harness.history import History
from harness.result import Reason
from tests.checkers.linearizable.notation import of, single


def counted(history: History) -> Problem:
    key, _ = single(history)
    arrays = problem(key.required, key.optional, key.initial)
    return counting(arrays, range(len(arrays.classes)))


def as_good(point: Point, others: tuple[Point, ...]) -> bool:
    """Whether one of the others is the same state for no more optional operations."""
    return any(other.state == point.state and all(map(le, other.used, point.used)) for other in others)


@pytest.mark.parametrize("seed", range(40))
def test_every_window_leads_to_the_points_that_the_search_finds(seed: int) -> None:
    """z3 finds more: it may end a window with an optional write, which the search puts off until it is observed."""
    shape = Shape(14, 4, crashes=seed % 4)
    arrays = counted(History((linearizable if seed % 2 else arbitrary)(shape, Random(seed))))
    points: tuple[Point, ...] = (start(arrays),)
    for span in pairwise(arrays.cuts):
        by_search = explore(arrays, span, points, Limit(), every_end=True)
        by_z3 = ends(arrays, span, points, Limit())
        assert all(as_good(point, by_z3.ends) for point in by_search.ends)
        if not any(each.invokes for each in arrays.classes):
            assert {point.state for point in by_z3.ends} == {point.state for point in by_search.ends}
        assert by_z3.outcome == by_search.outcome == "done"
        points = by_search.ends
        if not points:
            break


def test_windows_are_decided_one_after_the_other() -> None:
    key, _ = single(History(linearizable(Shape(120, 3), Random(1))))
    decision = decide(key, "z3", Limit())
    assert (decision.valid, decision.method) == (True, "z3")
    assert decision.windows["z3"] > 5


def test_what_one_window_used_is_gone_in_the_next() -> None:
    """The first window may end with the lost write or without it; the second needs its value twice."""
    key, _ = single(
        of(("write", 1, 0, None), ("write", 9, 1, 2), ("write", 7, 3, 8), ("cas", [1, 3], 4, 5), ("read", 1, 6, 7))
    )
    assert decide(key, "z3", Limit()).valid is False
    assert decide(key, "search", Limit()).valid is False


def test_no_time_is_no_verdict() -> None:
    key, _ = single(History(linearizable(Shape(400, 20), Random(1))))
    decision = decide(key, "z3", Limit(deadline=monotonic()))
    assert (decision.valid, decision.reason) == (None, Reason.TIMEOUT)


def test_without_z3_the_search_stands_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "z3", None)
    key, _ = single(History(linearizable(Shape(30, 3), Random(1))))
    decision = decide(key, "auto", Limit(configurations=1))
    assert (decision.valid, decision.method, decision.reason) == (None, "search", Reason.OUT_OF_MEMORY)
    with pytest.raises(ImportError):
        decide(key, "z3", Limit())
