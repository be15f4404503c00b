"""Leader uniqueness: one epoch, one leader."""

from __future__ import annotations

from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checkers.leadership import ANOMALY, check
from harness.result import Reason, Result


def event(node: Any = "n1", term: Any = 1, incarnation: Any = 1, name: str = "became-leader") -> dict[str, Any]:
    return {"name": name, "node": node, "incarnation": incarnation, "time_ns": 5, "fields": {"term": term}}


def judged(*events: dict[str, Any]) -> Result:
    return check(events, event="became-leader", epoch="term")


def test_one_leader_an_epoch_is_right() -> None:
    result = judged(event("n1", 1), event("n2", 2), event("n1", 3), event("n1", 3), event("n9", 2, name="vote-granted"))
    assert result.valid is True
    assert result.details["epochs"] == 3
    assert judged().valid is True


def test_two_nodes_in_one_epoch_are_told() -> None:
    result = judged(event("n1", 4, 2), event("n3", 5), event("n3", 4))
    assert result.valid is False
    (anomaly,) = result.anomalies
    assert (anomaly.type, anomaly.operations) == (ANOMALY, ())
    assert anomaly.explanation == (
        '2 nodes claimed to lead term 4, by the event "became-leader": n1 (incarnation 2), n3 (incarnation 1).'
    )
    assert anomaly.details["leaders"][0] == {"node": "n1", "incarnation": 2, "time_ns": 5}


def test_two_incarnations_of_one_node_are_two() -> None:
    (anomaly,) = judged(event("n1", 4, 1), event("n1", 4, 2)).anomalies
    assert "2 incarnations of one node claimed to lead term 4" in anomaly.explanation


def test_epochs_are_told_apart_as_json() -> None:
    assert judged(event("n1", 1), event("n2", True), event("n3", "1"), event("n4", [1, "n4"])).valid is True
    assert judged(event("n1", [1, "n4"]), event("n2", [1, "n4"])).valid is False


@pytest.mark.parametrize(
    "odd", [event(term=None), event(node=None), event(incarnation=None), {"name": "became-leader"},
            {"name": "became-leader", "fields": 7, "node": "n1", "incarnation": 1}]
)  # fmt: skip
def test_an_event_that_does_not_say_leaves_it_open_unless_others_do(odd: dict[str, Any]) -> None:
    result = judged(event("n1", 1), odd)
    assert (result.valid, result.reason) == ("unknown", Reason.UNSUPPORTED)
    assert judged(event("n1", 1), odd, event("n2", 1)).valid is False


def test_many_epochs_are_counted_and_some_told() -> None:
    events = [event(f"n{i}" + "x" * 1000, term) for term in range(100) for i in range(50)]
    result = judged(*events)
    assert result.details["shared_epochs"] == 100
    assert len(result.anomalies) < 20
    assert len(result.anomalies[0].explanation) < 2000


@given(st.lists(st.tuples(st.integers(1, 3), st.integers(1, 2), st.integers(1, 4)), max_size=8))
def test_the_verdict_is_what_the_definition_says(claims: list[tuple[int, int, int]]) -> None:
    hold_against_the_definition(claims)


def test_so_it_is_of_many_more() -> None:
    for seed in range(2000):
        random = Random(seed)
        claims = [
            (random.randint(1, 3), random.randint(1, 2), random.randint(1, 6)) for _ in range(random.randrange(9))
        ]
        hold_against_the_definition(claims)


def hold_against_the_definition(claims: list[tuple[int, int, int]]) -> None:
    leaders: dict[int, set[tuple[int, int]]] = {}
    for node, incarnation, term in claims:
        leaders.setdefault(term, set()).add((node, incarnation))
    shared = {term for term, claimants in leaders.items() if len(claimants) > 1}
    result = judged(*(event(f"n{node}", term, incarnation) for node, incarnation, term in claims))
    assert result.valid is (not shared)
    assert {anomaly.details["epoch"] for anomaly in result.anomalies} == shared
