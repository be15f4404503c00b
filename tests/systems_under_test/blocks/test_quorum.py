"""Any two majorities share a member; a vote counts once."""

from __future__ import annotations

from itertools import combinations

import pytest

from systems_under_test.blocks.quorum import Tally, majority


@pytest.mark.parametrize("n", range(1, 8))
def test_majorities_intersect_and_are_the_smallest_that_do(n: int) -> None:
    def all_intersect(size: int) -> bool:
        groups = [set(group) for group in combinations(range(n), size)]
        return all(left & right for left in groups for right in groups)

    assert all_intersect(majority(n))
    assert n == 1 or not all_intersect(majority(n) - 1)


def test_a_majority_of_nobody_is_an_error() -> None:
    with pytest.raises(AssertionError):
        majority(0)


def test_each_member_counts_once() -> None:
    tally = Tally(("n1", "n2", "n3"))
    assert not tally.add("n1")
    assert not tally.add("n1")
    assert not tally.reached
    assert tally.add("n3")
    assert tally.reached


def test_all_may_be_needed() -> None:
    tally = Tally(("n1", "n2", "n3"), needed=3)
    assert [tally.add(name) for name in ("n1", "n2", "n3")] == [False, False, True]


def test_a_stranger_has_no_vote() -> None:
    with pytest.raises(AssertionError, match="no vote"):
        Tally(("n1", "n2")).add("n9")
