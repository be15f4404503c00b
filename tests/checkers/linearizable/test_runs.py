"""Keys that are put and appended to, by what their answers reveal: what brute force says, and small witnesses."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from random import Random
from typing import Any

import pytest

from benchmarks.linearizable_histories import generate
from benchmarks.random_object import Faulty, Object, Store, Values, play, spoil
from checkers.linearizable import brute, check
from checkers.linearizable.certificate import refute
from checkers.linearizable.decide import decide
from checkers.linearizable.distinct import runs
from checkers.linearizable.limit import Limit
from checkers.linearizable.operation import KeyHistory
from harness.history import History
from tests.checkers.linearizable.notation import of, single

HISTORIES = 2_000
PARTS = 4


def small(seed: int) -> KeyHistory:
    """A key's history small enough for brute force: puts and appends of distinct pieces, gets, lost answers."""
    random = Random(seed)
    store = Store(Values(random, True), appends=True, lists=random.random() < 0.5, puts=random.random() < 0.7)
    thing: Object = store if random.random() < 0.2 else Faulty(store, random, random.choice((0.1, 0.3, 0.6)))
    lines = play(thing, random.randint(2, 11), random.randint(1, 5), random.choice((0, 0, 0.1, 0.3)), random)
    return single(History(spoil(lines, random, random.choice((0, 0, 1, 2)))), model="kv")[0]


@pytest.mark.parametrize("part", range(PARTS))
def test_it_says_what_brute_force_says(part: int) -> None:
    counts: Counter[bool] = Counter()
    for seed in range(7_000_000 + part, 7_000_000 + HISTORIES, PARTS):
        key = small(seed)
        verdict = None if key.model.kind == "register" else runs.decide(key)
        truth = brute.decide(key.model, key.initial, key.required, key.optional)
        if verdict is None or truth is None:
            continue
        assert (verdict.order is not None) is truth, seed
        counts[truth] += 1
        if verdict.order is not None:
            assert refute(key, verdict.order) is None, seed
        else:
            members = {each.invoke for each in verdict.refuted}
            others = [replace(each, complete=None) for each in (*key.required, *key.optional)
                      if each.invoke not in members and each.step.f != "get"]  # fmt: skip
            assert members <= {each.invoke for each in key.required}
            assert len(members) <= 6
            assert not brute.decide(key.model, key.initial, verdict.refuted, others), seed
    assert min(counts.values()) > HISTORIES // PARTS // 8


@pytest.mark.parametrize(
    "calls",
    [
        [("append", "a"), ("append", "a"), ("get", "aa")],  # the same piece twice
        [("append", "a"), ("append", "ab"), ("get", "aab")],  # one begins another one
        [("put", "ab"), ("put", "a"), ("append", "b"), ("get", "ab")],  # put, or put and appended to
    ],
)
def test_what_can_be_read_in_two_ways_is_left_to_the_search(calls: list[tuple[str, Any]]) -> None:
    history = of(*((f, value, 2 * i, 2 * i + 1) for i, (f, value) in enumerate(calls)))
    assert runs.decide(single(history, model="kv")[0]) is None
    result = check(history, model="kv")
    assert (result.valid, result.method) == (True, "search")


@pytest.mark.parametrize("row", ["kv", "kv-puts"])
@pytest.mark.parametrize("crashed", [0, 30])
@pytest.mark.parametrize("valid", [True, False])
def test_many_clients(row: str, crashed: int, valid: bool) -> None:
    history, model = generate(row, seed=1, operations=500, clients=15, valid=valid, crashed=crashed)
    decision = decide(single(history, model=model)[0], "auto", Limit())
    assert (decision.valid, decision.algorithm) == (valid, runs.ALGORITHM)
    assert len(decision.refuted) <= 6
