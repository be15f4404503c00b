"""z3 decides every model as brute force does, whatever the operations and the windows."""

from __future__ import annotations

from collections import Counter
from random import Random
from time import monotonic

import pytest

from benchmarks import random_object
from benchmarks.symbolic_fuzz import campaign
from checkers.linearizable import MODELS, brute, check
from checkers.linearizable.certificate import refute
from checkers.linearizable.decide import decide
from checkers.linearizable.limit import Limit
from checkers.linearizable.symbolic.window import unwind
from harness.history import History, Op
from harness.result import Reason
from tests.checkers.linearizable.notation import of, single
from tests.checkers.linearizable.symbolic.notation import STATES, random_key

HISTORIES = 120
STEPS = 100


def test_every_model_is_examined() -> None:
    assert set(STATES) == set(MODELS)


@pytest.mark.parametrize("model", STATES)
def test_histories(model: str) -> None:
    """The same as the campaign (``python -m benchmarks.symbolic_fuzz``), much shorter."""
    tally = campaign(HISTORIES, 3_000_000, monotonic() + 120, [model], witness_every=10)
    assert not tally.disagreements, "\n".join(tally.disagreements[:5])
    counts = tally.counts
    valid, invalid = counts[f"{model}: valid"], counts[f"{model}: invalid"]
    assert invalid > 0.3 * (valid + invalid)
    assert valid > 0.3 * (valid + invalid)
    assert counts["undecided by brute force"] < HISTORIES // 50
    assert counts["windows"] > HISTORIES
    assert counts["decided by search+z3"] > HISTORIES // 20
    assert counts["minimal witnesses"] == counts["witnesses from the core"] == counts["witnesses"] > HISTORIES // 40


@pytest.mark.parametrize("model", ["cas-register", "counter", "set", "queue", "pqueue", "multi-register"])
def test_longer_histories(model: str) -> None:
    """Of 60 to 150 operations: where the search decides them too, it agrees."""
    tally = campaign(0, 4_000_000, monotonic() + 120, [model], longer=3)
    assert not tally.disagreements, "\n".join(tally.disagreements[:5])
    assert sum(tally.counts[f"{model}: longer, {valid} by z3"] for valid in (True, False)) >= 2


@pytest.mark.parametrize("model", STATES)
def test_steps_that_no_client_would_take(model: str) -> None:
    truths: Counter[bool | None] = Counter()
    for seed in range(STEPS):
        key = random_key(model, Random(f"{model} {seed}"))
        truth = brute.decide(key.model, key.initial, key.required, key.optional)
        truths[truth] += 1
        for operations_min in (1, 40):
            unwound = unwind(key, Limit(), operations_min)
            assert unwound.outcome == ("valid" if truth else "invalid"), (seed, key)
            assert truth is False or refute(key, unwound.order) is None
    assert min(truths[True], truths[False]) > STEPS // 10
    assert not truths[None]


def test_states_that_are_too_many_make_a_window_grow() -> None:
    """Eight values put at the same time may be in any order: they are not enumerated."""
    puts = [("enqueue", value, value, 20 + value) for value in range(8)]
    takes = [("dequeue", value, 40 + 2 * value, 41 + 2 * value) for value in (3, 1, 4, 0, 5, 2, 6, 7)]
    key, _ = single(of(*puts, *takes), model="queue")
    unwound = unwind(key, Limit(), operations_min=1)
    assert (unwound.outcome, unwound.windows) == ("valid", 1)
    assert unwound.questions < 60
    key, _ = single(of(*puts, *takes[:4], ("dequeue", 3, 60, 61)), model="queue")
    assert unwind(key, Limit(), operations_min=1).outcome == "invalid"


def test_what_one_window_took_is_gone_in_the_next() -> None:
    """One dequeue crashed: it may have taken either value, but not both."""
    lines = [
        Op("invoke", 0, "enqueue", 1), Op("ok", 0, "enqueue", 1), Op("invoke", 1, "dequeue"), Op("info", 1, "dequeue"),
        Op("invoke", 0, "enqueue", 2), Op("ok", 0, "enqueue", 2), Op("invoke", 2, "dequeue"), Op("ok", 2, "dequeue", 2),
    ]  # fmt: skip
    empty = [Op("invoke", 2, "dequeue"), Op("ok", 2, "dequeue")]
    twice = [Op("invoke", 0, "enqueue", 3), Op("ok", 0, "enqueue", 3)]
    for model in ("queue", "unordered-queue"):
        for more, outcome in ((empty, "valid"), ([*empty, *twice, *empty], "invalid")):
            key, _ = single(History([*lines, *more]), model=model)
            assert unwind(key, Limit(), operations_min=1).outcome == outcome


def test_no_time_is_no_verdict() -> None:
    lines = random_object.play(random_object.make("queue", Random(1))[0], 60, 8, 0.0, Random(1))
    key, _ = single(History(lines), model="queue")
    decision = decide(key, "z3", Limit(deadline=monotonic()))
    assert (decision.valid, decision.reason) == (None, Reason.TIMEOUT)


def test_amounts_that_z3_cannot_count_are_left_to_the_search() -> None:
    history = of(("add", 0.5, 0, 1), ("read", 0.5, 2, 3))
    result = check(history, model="counter", method="z3")
    assert (result.valid, result.reason) == ("unknown", Reason.UNSUPPORTED)
    assert "whole numbers" in (result.explanation or "")
    assert check(history, model="counter").valid is True


def test_a_model_of_your_own_is_unsupported() -> None:
    class Anything:
        def init(self) -> int:
            return 0

        def step(self, state: int, operation: object) -> int:
            return state

    result = check(of(("f", 1, 0, 1)), model=Anything, method="z3")
    assert (result.valid, result.reason) == ("unknown", Reason.UNSUPPORTED)
    assert "bundled models" in (result.explanation or "")


def test_without_z3_the_search_stands_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "z3", None)
    key, _ = single(of(("add", 1, 0, 2), ("add", 2, 1, 3), ("read", 3, 4, 5)), model="counter")
    decision = decide(key, "auto", Limit(configurations=1))
    assert (decision.valid, decision.method, decision.reason) == (None, "search", Reason.OUT_OF_MEMORY)
    assert decide(key, "auto", Limit()).valid is True
