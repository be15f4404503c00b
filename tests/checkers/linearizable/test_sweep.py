"""The registers' sweep says what the search by single operations says, and is done where that is not."""

from __future__ import annotations

from collections import Counter
from random import Random

import pytest

from benchmarks.linearizable_histories import generate
from benchmarks.random_history import Shape, linearizable, spoil
from checkers.linearizable.certificate import refute
from checkers.linearizable.decide import decide
from checkers.linearizable.limit import Limit
from checkers.linearizable.operation import KeyHistory
from checkers.linearizable.problem import counting, problem
from checkers.linearizable.search import explore, start
from checkers.linearizable.supply import place
from checkers.linearizable.sweep import sweep, trail
from harness.history import History
from tests.checkers.linearizable.notation import of, single

HISTORIES = 2_000
PARTS = 4


def crowded(seed: int) -> KeyHistory:
    """A history of many clients, with many compare-and-sets; small enough for the search by single operations."""
    random = Random(seed)
    shape = Shape(
        operations=random.randint(10, 60),
        processes=random.randint(2, 8),
        values=tuple(range(1, random.randint(2, 5) + 1)),
        initial=random.choice((None, 1)),
        read_share=random.choice((0.2, 0.4, 0.6)),
        cas_share=random.choice((0.0, 0.2, 0.4, 0.7)),
        fail_share=0.0,
        crashes=random.choice((0, 0, 1, 3, 8)),
    )
    lines = linearizable(shape, random)
    if random.random() < 0.6:
        lines = spoil(lines, shape, random, times=random.randint(1, 3))
    return single(History(lines), shape.initial)[0]


@pytest.mark.parametrize("part", range(PARTS))
def test_it_says_what_the_search_by_single_operations_says(part: int) -> None:
    counts: Counter[bool] = Counter()
    for seed in range(5_000_000 + part, 5_000_000 + HISTORIES, PARTS):
        key = crowded(seed)
        relaxed = problem(key.required, key.optional, key.initial)
        arrays = counting(relaxed, range(len(relaxed.classes)))
        explored = explore(arrays, (0, len(arrays)), [start(arrays)], Limit(configurations=30_000))
        if explored.outcome != "done":
            continue
        swept = sweep(arrays, Limit())
        assert (swept.outcome, swept.found) == ("done", bool(explored.ends)), seed
        counts[swept.found] += 1
        for way in swept.ways if swept.found else ():
            placement = place(arrays, trail(arrays, way, swept.rank))
            assert not placement.overdrawn
            assert refute(key, placement.order) is None, seed
    assert min(counts.values()) > HISTORIES // PARTS // 8
    assert sum(counts.values()) > HISTORIES // PARTS * 9 // 10


def test_a_write_of_the_value_that_is_there_goes_before_a_cas() -> None:
    history = of(
        ("write", 5, 0, 1), ("cas", [5, 3], 2, 4), ("write", 3, 3, 8), ("cas", [3, 2], 5, 6), ("read", 2, 9, 10)
    )
    key, _ = single(history)
    arrays = problem(key.required, key.optional, key.initial)
    swept = sweep(arrays, Limit())
    assert swept.found
    assert refute(key, place(arrays, trail(arrays, swept.ways[0], swept.rank)).order) is None


def test_a_write_can_hide_before_one_of_the_value_that_is_there() -> None:
    """Nobody sees 7: it was written before the 3 that changed nothing, before the compare-and-set."""
    calls = [("write", 3, 0, 1), ("write", 7, 2, 8), ("write", 3, 3, 9), ("cas", [3, 2], 4, 5), ("read", 2, 10, 11)]
    key, _ = single(of(*calls))
    arrays = problem(key.required, key.optional, key.initial)
    assert sweep(arrays, Limit()).found
    key, _ = single(of(*calls[:2], *calls[3:]))
    assert not sweep(problem(key.required, key.optional, key.initial), Limit()).found


@pytest.mark.parametrize("row", ["register", "cas-register"])
@pytest.mark.parametrize("clients", [20, 30])
@pytest.mark.parametrize("valid", [True, False])
def test_where_others_give_up(row: str, clients: int, valid: bool) -> None:
    history, model = generate(row, seed=1, operations=1000, clients=clients, valid=valid)
    key, _ = single(history, model=model)
    decision = decide(key, "search", Limit())
    assert decision.valid is valid
    assert decision.configurations < 40_000


@pytest.mark.parametrize("row", ["crashed-writes", "crashed-cas", "crashed-cas-first"])
@pytest.mark.parametrize("valid", [True, False])
def test_forty_operations_without_an_answer(row: str, valid: bool) -> None:
    history, model = generate(row, seed=2, operations=1000, clients=1, valid=valid, crashed=40)
    key, _ = single(history, model=model)
    decision = decide(key, "search", Limit())
    assert decision.valid is valid
    assert decision.configurations < 40_000


def test_limits_are_kept_and_tell_how_far_it_came() -> None:
    history, model = generate("register", seed=3, operations=1000, clients=20)
    key, _ = single(history, model=model)
    swept = sweep(problem(key.required, key.optional, key.initial), Limit(configurations=500))
    assert (swept.outcome, swept.configurations) == ("memory", 501)
    assert 0 < swept.rank < 1000
    assert len(swept.ways) == 1
