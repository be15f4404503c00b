"""The histories that linearizability is measured on are what they are said to be."""

from __future__ import annotations

import pytest

from benchmarks.linearizable_histories import ROWS, generate
from checkers.linearizable import MODELS, model_of
from checkers.linearizable.decide import decide
from checkers.linearizable.limit import Limit
from checkers.linearizable.operation import by_key
from checkers.value import Codes
from harness.history import INVOKE, OK

SMALL = {"operations": 60, "clients": 3}


@pytest.mark.parametrize("row", ROWS)
def test_right_and_wrong(row: str) -> None:
    for seed in range(3):
        for valid in (True, False):
            history, model = generate(row, seed=seed, valid=valid, crashed=3 if ROWS[row].crashed else 0, **SMALL)
            decisions = [decide(key, "auto", Limit()) for key in by_key(history, model_of(model), Codes())]
            assert all(decision.valid is not None for decision in decisions)
            assert all(decision.valid for decision in decisions) is valid, seed


@pytest.mark.parametrize("row", ROWS)
def test_as_many_overlap_as_there_are_clients(row: str) -> None:
    history, model = generate(row, seed=1, operations=400, clients=12)
    assert model in MODELS
    running = most = total = 0
    for code in history.types:
        running += 1 if code == INVOKE else -1
        most, total = max(most, running), total + running
    assert most == 12
    assert total / len(history) > 10


def test_the_same_arguments_give_the_same_history() -> None:
    one, other = (list(generate("cas-register", seed=7, operations=200, clients=5, crashed=9)[0]) for _ in range(2))
    assert one == other
    assert one != list(generate("cas-register", seed=8, operations=200, clients=5, crashed=9)[0])


def test_crashed_operations_are_never_answered() -> None:
    history, _ = generate("crashed-cas-first", seed=1, operations=100, clients=1, crashed=14)
    assert bytes(history.types[:14]) == bytes([INVOKE]) * 14
    unanswered = sum(1 for at, code in enumerate(history.types) if code == INVOKE and history.partners[at] < 0)
    assert unanswered == 14
    assert OK in history.types


def test_a_right_and_a_wrong_one_differ_in_little() -> None:
    right, _ = generate("queue", seed=5, operations=300, clients=5)
    wrong, _ = generate("queue", seed=5, operations=300, clients=5, valid=False)
    assert sum(one != other for one, other in zip(right, wrong, strict=True)) == 2
