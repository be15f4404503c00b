"""Hypothesis on the neighbourhood of a plan."""

from __future__ import annotations

from dataclasses import replace

import pytest

from harness.plan import Plan
from harness.search.shrink_hypothesis import nearby
from harness.search.shrink_oracle import BudgetSpentError
from tests.harness.search.test_shrink_passes import kill, plan, write

START = plan(
    *(write(10 * i + 3, value=i, thread=i % 2) for i in range(5)), faults=(kill(13, 400), kill(500, 900)), concurrency=2
)


def test_it_changes_two_things_at_once() -> None:
    """Less by one fault and by its operation only together: no pass of one thing at a time gets there."""

    def fails(p: Plan) -> bool:
        values = [operation.value for operation in p.operations or ()]
        return len(p.schedule) + len(values) in (5, 7) and 4 in values

    found = nearby(START, lambda p: fails(p) and p != START)
    assert found is not None
    assert len(found.schedule) + len(found.operations or ()) == 5


def test_it_is_the_same_each_time_and_none_where_there_is_nothing() -> None:
    def wanted(p: Plan) -> bool:
        return len(p.operations or ()) < 4 and len(p.schedule) == 1

    first = nearby(START, wanted)
    assert first is not None
    assert first == nearby(START, wanted)
    assert nearby(START, lambda p: False, examples_max=20) is None


def test_what_the_question_raises_comes_through() -> None:
    def wanted(p: Plan) -> bool:
        raise BudgetSpentError

    with pytest.raises(BudgetSpentError):
        nearby(START, wanted)


def test_its_plans_are_sound() -> None:
    seen: list[Plan] = []
    nearby(START, lambda p: seen.append(p) is not None, examples_max=50)
    assert len(seen) > 20
    for candidate in seen:
        assert Plan.from_json(candidate.as_json()) == candidate
        assert candidate.time_limit_s >= START.time_limit_s
        times = [operation.time_ns for operation in candidate.operations or ()]
        assert times == sorted(times)
        assert replace(candidate, schedule=(), operations=(), seed=0, faults="none") == replace(
            START, schedule=(), operations=(), faults="none"
        )
