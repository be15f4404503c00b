"""The compiled search itself: its budgets, its room for ways, and long histories of many clients."""

from __future__ import annotations

from random import Random
from typing import Any

import numpy as np
import pytest

from benchmarks.random_history import Shape, linearizable, spoil
from checkers.linearizable.certificate import refute
from checkers.linearizable.columnar.board import SLOTS, ways_of
from checkers.linearizable.columnar.objects import LEFT, REFUTED, VALID
from checkers.linearizable.columnar.search import Search
from checkers.linearizable.columnar.transitions import ANY, COUNTED, EXPECTS, LEAVES, SIZE, transitions
from checkers.linearizable.decide import decide
from checkers.linearizable.limit import Limit
from checkers.linearizable.models import BY_NAME
from checkers.linearizable.operation import by_key
from checkers.value import Codes
from harness.history import History
from tests.checkers.linearizable.columnar.notation import of, read

MOST = 10**7


def _search(history: History, limit: Limit | None = None) -> Search:
    found = read(history, "cas-register")
    calls = found.calls()
    return Search(transitions(calls, np.arange(len(calls.key_codes)), found.initial), limit or Limit())


def _random(seed: int, **shape: Any) -> History:
    random = Random(seed)
    chosen = Shape(values=(1, 2, 3), cas_share=0.4, read_share=0.3, **shape)
    lines = linearizable(chosen, random)
    return History(spoil(lines, chosen, random, times=1) if seed % 2 else lines)


def test_as_many_configurations_as_are_allowed() -> None:
    history = _random(2, operations=2_000, processes=8)
    assert _search(history).decide(0, MOST)[0] == VALID
    assert _search(history).decide(0, 500)[0] == LEFT
    assert _search(history, Limit().at_most(seconds=0)).decide(0, MOST)[0] == LEFT


def test_ways_that_lead_nowhere_make_room() -> None:
    history = _random(4, operations=3_000, processes=6)
    plenty, narrow = _search(history), _search(history)
    narrow._ways = ways_of(1)
    assert plenty.decide(0, MOST)[0] == narrow.decide(0, MOST)[0] == VALID
    (key,) = by_key(history, BY_NAME["cas-register"], Codes())
    at = {operation.invoke: operation for operation in (*key.required, *key.optional)}
    for search in (plenty, narrow):
        assert refute(key, [at[invoke] for invoke in search.decide(0, MOST)[1].tolist()]) is None
    assert narrow._ways.shape[1] < plenty._ways.shape[1]


def test_the_same_room_serves_one_key_after_another() -> None:
    """Whatever a key left behind - refuted, given up, with operations open - does not matter to the next one."""
    wide = [("write", number % 2, number, 1000 + number) for number in range(SLOTS + 1)]
    parts = [of(("write", 1, 0, 3), ("cas", [2, 3], 1, 2), ("read", 1, 4, 5), key="bad"), of(*wide, key="wide"),
             of(("cas", [None, 1], 0, None), ("read", 1, 1, 2), key="lost"), of(("read", 1, 0, 1), key="nothing"),
             of(("cas", [None, 1], 0, 1), ("cas", [1, None], 2, 3), ("read", None, 4, 5), key="good")]  # fmt: skip
    from tests.checkers.linearizable.columnar.notation import together

    search = _search(together(*parts))
    expected = [REFUTED, LEFT, VALID, REFUTED, VALID]
    for _ in range(2):
        assert [search.decide(number, MOST)[0] for number in range(5)] == expected


@pytest.mark.parametrize("seed", range(40))
def test_longer_histories_as_the_plain_search_decides_them(seed: int) -> None:
    history = _random(1000 + seed, operations=150, processes=4 + seed % 9, crashes=(0, 2, 6)[seed % 3])
    (key,) = by_key(history, BY_NAME["cas-register"], Codes())
    verdict, operations = _search(history).decide(0, MOST)
    plain = decide(key, "search", Limit(configurations=500_000))
    assert plain.valid is not None
    assert (verdict == VALID) is plain.valid
    if verdict == REFUTED:
        assert set(operations.tolist()) <= {each.invoke for each in key.required}
        assert operations[-1] == operations.tolist()[len(operations) - 1]


def test_lost_operations_nobody_could_see_are_no_class() -> None:
    history = of(("write", 1, 0, None), ("write", 2, 1, None), ("read", 2, 3, 4), ("write", 2, 6, None),
                 ("cas", [2, 3], 7, None))  # fmt: skip
    found = read(history, "cas-register")
    calls = found.calls()
    classes = transitions(calls, np.zeros(1, np.int64), found.initial).classes
    assert classes.shape[1] == 1
    assert (classes[EXPECTS, 0], classes[SIZE, 0], classes[COUNTED, 0]) == (ANY, 1, 0)
    assert classes[LEAVES, 0] == transitions(calls, np.zeros(1, np.int64), found.initial).ranks[LEAVES, 0]
