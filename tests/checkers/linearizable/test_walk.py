"""The general search: both walks find the same, forget nothing that matters, and keep their limits."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from random import Random
from time import monotonic

import pytest

from benchmarks.random_object import MODELS, make, play, small
from checkers.linearizable import brute
from checkers.linearizable.certificate import refute
from checkers.linearizable.decide import decide
from checkers.linearizable.limit import Limit
from checkers.linearizable.models import BY_NAME
from checkers.linearizable.operation import KeyHistory, Operation, by_key
from checkers.linearizable.walk import WALKS, race
from checkers.value import Codes
from harness.history import History
from harness.result import Reason
from tests.checkers.linearizable.notation import of, single

HISTORIES = 150  # of each model; 2,000 and more in all


def keys(model: str, seed: int) -> list[KeyHistory]:
    lines, initial, _ = small(model, Random(f"{model} {seed}"))
    return by_key(History(lines), BY_NAME[model], Codes(), initial=initial)


@pytest.mark.parametrize("model", MODELS)
def test_each_walk_alone_says_what_brute_force_says(model: str) -> None:
    verdicts = set()
    for seed in range(3_000_000, 3_000_000 + HISTORIES):
        for key in keys(model, seed):
            truth = brute.decide(key.model, key.initial, key.required, key.optional)
            for name in WALKS:
                walked = race(key, Limit(), [name])
                assert walked.winner == name
                assert walked.outcome == ("valid" if truth else "invalid"), (model, seed, name)
                assert not truth or refute(key, walked.order) is None
                assert truth or not _explained(key, walked.refuted), "what is refuted is enough to see it"
            verdicts.add(truth)
    assert verdicts == {True, False}


def _explained(key: KeyHistory, chosen: Sequence[Operation]) -> bool | None:
    """What brute force says if all other operations may take effect whenever, or never."""
    members = {each.invoke for each in chosen}
    others = [replace(each, complete=None) for each in (*key.required, *key.optional)
              if each.invoke not in members and not key.model.observes(each.step)]  # fmt: skip
    return brute.decide(key.model, key.initial, chosen, others)


@pytest.mark.parametrize("name", WALKS)
def test_forty_crashed_adds_are_one_class(name: str) -> None:
    crashed = [("add", 1, i, None) for i in range(40)]
    reads = [("read", value, 100 + 2 * value, 101 + 2 * value) for value in range(42)]
    for count, outcome in ((41, "valid"), (42, "invalid")):
        key, _ = single(of(*crashed, *reads[:count]), model="counter")
        walked = race(key, Limit(), [name])
        assert walked.outcome == outcome
        assert walked.configurations < 5_000


@pytest.mark.parametrize(("model", "operations", "clients"), [("counter", 500, 20), ("set", 300, 15), ("kv", 300, 10)])
def test_where_others_give_up(model: str, operations: int, clients: int) -> None:
    random = Random(model)
    thing, initial = make(model, random, distinct=True)
    key, *_ = by_key(History(play(thing, operations, clients, 0.02, random)), BY_NAME[model], Codes(), initial=initial)
    decision = decide(key, "search", Limit())
    assert decision.valid is True
    assert refute(key, decision.order) is None


def hard() -> KeyHistory:
    """Fourteen pushes at once, and then a deque that was found empty: all their orders have to be tried."""
    pushes = [("push-front" if i % 2 else "push-back", i, i, 100 + i) for i in range(14)]
    history = of(*pushes, ("pop-front", None, 200, 201))
    return single(history, model="deque")[0]


def test_limits_are_kept_and_tell_how_far_it_came() -> None:
    memory = race(hard(), Limit(configurations=3_000))
    assert memory.outcome == "memory"
    assert 3_000 <= memory.configurations <= 3_001
    began = monotonic()
    decision = decide(hard(), "search", Limit(deadline=monotonic() + 0.3))
    assert monotonic() - began < 3, "0.3 s, with room for a busy machine"
    assert (decision.valid, decision.reason) == (None, Reason.TIMEOUT)
    assert 0 <= decision.explained < 15
