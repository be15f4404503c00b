"""The search completion by completion says what the search by single operations says, where brute force cannot."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from random import Random

import pytest

from benchmarks.linearizable_histories import generate
from benchmarks.random_object import Faulty, make, play, spoil
from checkers.linearizable.automaton import Automaton
from checkers.linearizable.certificate import refute
from checkers.linearizable.decide import decide
from checkers.linearizable.just_in_time import JustInTime
from checkers.linearizable.limit import Limit
from checkers.linearizable.models import BY_NAME
from checkers.linearizable.operation import KeyHistory, by_key
from checkers.linearizable.schedule import schedule
from checkers.linearizable.walk import Walk
from checkers.value import Codes
from harness.history import History
from tests.checkers.linearizable.notation import of, single

HISTORIES = 300  # of each model


def crowded(model: str, seed: int) -> Iterator[KeyHistory]:
    random = Random(f"{model} {seed}")
    thing, initial = make(model, random)
    if model == "deque" and random.random() < 0.3:
        thing.content = random.sample((1, 2, 3, 4, 5), random.randint(1, 4))  # type: ignore[attr-defined]
        initial = list(thing.content)  # type: ignore[attr-defined]
    if random.random() < 0.6:
        thing = Faulty(thing, random, random.choice((0.02, 0.05, 0.2)))
    lines = play(thing, random.randint(8, 30), random.randint(2, 7), random.choice((0, 0, 0.05)), random)
    lines = spoil(lines, random, random.choice((0, 0, 1, 2)))
    yield from by_key(History(lines), BY_NAME[model], Codes(), initial=initial)


@pytest.mark.parametrize("model", ["counter", "deque", "fenced-mutex", "kv", "multi-register", "semaphore", "set"])
def test_it_says_what_the_search_by_single_operations_says(model: str) -> None:
    counts: Counter[bool] = Counter()
    for seed in range(8_000_000, 8_000_000 + HISTORIES):
        for key in crowded(model, seed):
            arrays = schedule(key)
            walk = Walk(arrays, Automaton(key, arrays))
            search = JustInTime(key, arrays, Automaton(key, arrays))
            if not walk.go(3_000, Limit()) or not search.go(10_000, Limit()):
                continue
            assert (search.order is None) is (walk.order is None), seed
            assert search.order is None or refute(key, search.order) is None, seed
            counts[search.order is not None] += 1
    assert min(counts.values()) > HISTORIES // 12
    assert sum(counts.values()) > HISTORIES * 7 // 10


@pytest.mark.parametrize("puts", [40, 41])
def test_lost_adds_are_counted_only_where_that_matters(puts: int) -> None:
    """Forty adds of 1 without an answer: forty-one reads see one more each time, forty-two cannot."""
    crashed = [("add", 1, i, None) for i in range(40)]
    reads = [("read", value, 100 + 2 * value, 101 + 2 * value) for value in range(puts + 1)]
    key, _ = single(of(*crashed, *reads), model="counter")
    arrays = schedule(key)
    search = JustInTime(key, arrays, Automaton(key, arrays))
    assert search.go(20_000, Limit())
    assert (search.order is not None) is (puts == 40)


@pytest.mark.parametrize(
    ("row", "operations", "clients", "crashed"),
    [("set-removes", 300, 15, 0), ("set-removes", 300, 10, 20), ("counter", 500, 20, 0), ("multi-register", 300, 8, 0),
     ("kv-duplicates", 300, 10, 0), ("deque", 300, 5, 0)],
)  # fmt: skip
@pytest.mark.parametrize("valid", [True, False])
def test_where_others_give_up(row: str, operations: int, clients: int, crashed: int, valid: bool) -> None:
    history, model = generate(row, seed=0, operations=operations, clients=clients, valid=valid, crashed=crashed)
    key, _ = single(history, model=model)
    decision = decide(key, "search", Limit(configurations=150_000))
    assert decision.valid is valid
    assert not decision.valid or refute(key, decision.order) is None
