"""Optional operations are counted only where a linearization would need more of them than there are."""

from __future__ import annotations

from checkers.linearizable.limit import Limit
from checkers.linearizable.problem import Problem, counting, problem
from checkers.linearizable.search import explore, start
from checkers.linearizable.supply import find, place
from harness.history import History
from tests.checkers.linearizable.notation import of, single


def arrays(history: History) -> Problem:
    key, _ = single(history)
    return problem(key.required, key.optional, key.initial)


ONE_FOR_TWO = of(("write", 1, 0, None), ("read", 1, 1, 2), ("write", 2, 3, 4), ("read", 1, 5, 6))
TWO_FOR_TWO = of(
    ("write", 1, -1, None), ("write", 1, 0, None), ("read", 1, 1, 2), ("write", 2, 3, 4), ("read", 1, 5, 6)
)
ONE_LATE = of(
    ("write", 1, 0, None), ("read", 1, 1, 2), ("write", 2, 3, 4), ("read", 1, 5, 6), ("write", 1, 7, None),
    ("read", 1, 8, 9),
)  # fmt: skip


def test_without_counting_there_is_always_another_one() -> None:
    relaxed = arrays(ONE_FOR_TWO)
    found = explore(relaxed, (0, len(relaxed)), [start(relaxed)], Limit())
    assert found.ends
    assert place(relaxed, found.ends[0].trail).overdrawn == {0}
    counted = counting(relaxed, {0})
    assert not explore(counted, (0, len(counted)), [start(counted)], Limit()).ends


def test_an_order_that_needs_too_many_is_none() -> None:
    for history in (ONE_FOR_TWO, ONE_LATE):
        exploration, placement = find(arrays(history), Limit())
        assert (exploration.ends, exploration.outcome) == ((), "done")
        assert 0 < placement.rank < len(arrays(history))


def test_an_order_that_needs_what_there_is_stands() -> None:
    exploration, placement = find(arrays(TWO_FOR_TWO), Limit())
    assert exploration.ends
    assert [operation.invoke for operation in placement.order] == [0, 2, 4, 1, 6]
    assert (placement.rank, placement.overdrawn) == (3, frozenset())


def test_all_attempts_share_one_limit() -> None:
    relaxed = arrays(ONE_FOR_TWO)
    first = explore(relaxed, (0, len(relaxed)), [start(relaxed)], Limit()).configurations
    exploration, _ = find(relaxed, Limit(configurations=first))
    assert (exploration.outcome, exploration.configurations) == ("memory", first + 1)
