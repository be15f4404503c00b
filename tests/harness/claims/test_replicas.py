"""Whether replicas differed, and when they agreed."""

from __future__ import annotations

from typing import Any

from harness.claims.replicas import agreed_s, differed
from harness.claims.timed import Timed
from harness.history import DUMP

END = 100


def dump(node: str, begun: int, done: int, applied: int, state: Any, outcome: str = "ok") -> Timed:
    return Timed(DUMP, 0, None, {"applied": applied, "state": state}, outcome, node, begun, done)


def test_a_replica_that_is_behind_differs() -> None:
    assert differed([dump("n1", 0, 1, 5, {"a": 1}), dump("n2", 2, 3, 4, {})], END)


def test_a_replica_that_was_asked_earlier_may_have_held_less() -> None:
    assert not differed([dump("n1", 0, 1, 4, {}), dump("n2", 2, 3, 5, {"a": 1})], END)
    assert not differed([dump("n1", 0, 5, 5, {"a": 1}), dump("n2", 2, 3, 4, {})], END), "they were asked at once"


def test_as_much_applied_and_another_state_differs() -> None:
    assert differed([dump("n1", 0, 1, 5, {"a": 1}), dump("n2", 2, 3, 5, {"a": 2})], END)
    assert not differed([dump("n1", 0, 1, 5, {"a": 1}), dump("n2", 2, 3, 5, {"a": 1})], END)


def test_what_is_asked_after_the_load_shows_nothing_of_it() -> None:
    assert not differed([dump("n1", 0, 1, 5, {}), dump("n2", END + 1, END + 2, 4, {})], END)
    assert not differed([dump("n1", 0, 1, 5, {}), dump("n2", 2, 3, 4, {}, "info")], END)


def test_agreement_counts_from_the_heal_and_needs_all() -> None:
    second = 1_000_000_000
    early = [dump("n1", 0, 1, 5, {"a": 1}), dump("n2", 2, 3, 5, {"a": 1})]
    late = [dump("n1", 1 * second, 2 * second, 6, {"a": 2}), dump("n2", 3 * second, 4 * second, 6, {"a": 2})]
    assert agreed_s([*early, *late], second) == 3.0
    assert agreed_s([*early, late[0]], second) is None, "n2 did not answer any more"
    assert agreed_s([late[0]], 0) is None, "one replica agrees with nobody"
    assert agreed_s([late[0], dump("n2", 3 * second, 4 * second, 6, {})], 0) is None
