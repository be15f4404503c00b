"""The oracle: each plan run once, counted, within its time."""

from __future__ import annotations

from dataclasses import replace
from time import monotonic

import pytest

from harness.plan import Plan
from harness.search.shrink_oracle import Answer, BudgetSpentError, Oracle

PLAN = Plan("raft", "register", seed=9)


def oracle(fails: set[int], seconds: float = 60.0) -> Oracle:
    return Oracle(lambda plan: Answer(plan.seed in fails), PLAN, monotonic() + seconds)


def test_a_plan_is_run_once_and_counted_under_its_stage() -> None:
    asked = oracle({1})
    with asked.named("first"):
        assert asked.answer(replace(PLAN, seed=1)).fails
        assert asked.answer(replace(PLAN, seed=1)).fails
    with asked.named("second"):
        assert not asked.answer(replace(PLAN, seed=2)).fails
    assert (asked.tries, asked.stages) == (2, {"first": 1, "second": 1})


def test_what_is_accepted_last_is_the_best() -> None:
    asked = oracle({1, 3})
    assert asked.accept(replace(PLAN, seed=1)) is not None
    assert asked.accept(replace(PLAN, seed=2)) is None
    assert asked.best.seed == 1
    assert asked.accept(asked.best) is asked.best


def test_other_seeds_are_tried_in_turn() -> None:
    asked = oracle({2})
    candidate = replace(PLAN, nodes=3)
    found = asked.accept_with_seeds(range(6))(candidate)
    assert found == replace(candidate, seed=2)
    assert asked.tries == 4, "its own seed, then 0, 1, 2"
    assert oracle(set()).accept_with_seeds(range(6))(candidate) is None


def test_when_the_time_is_over_only_what_is_known_is_answered() -> None:
    asked = oracle({1})
    asked.answer(replace(PLAN, seed=1))
    asked.deadline_s = 0.0
    assert asked.answer(replace(PLAN, seed=1)).fails
    with pytest.raises(BudgetSpentError):
        asked.answer(replace(PLAN, seed=2))


def test_a_person_may_ask_for_what_there_is() -> None:
    asked = Oracle(lambda plan: Answer(True), PLAN, monotonic() + 60, stopped=lambda: True)
    with pytest.raises(BudgetSpentError):
        asked.accept(replace(PLAN, seed=1))
    assert asked.best == PLAN
