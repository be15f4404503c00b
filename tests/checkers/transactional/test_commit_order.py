"""A commit order as JSON, and what a history's reads saw in it: each objection in a sentence."""

from __future__ import annotations

from typing import Any

import pytest

from checkers.transactional.commit_order import CommitOrder, Objection, commit_order, executed, read_lists
from checkers.transactional.transaction import transactions
from tests.checkers.transactional.notation import concurrent


@pytest.mark.parametrize("order", [
    CommitOrder([4, 0]), CommitOrder([4, 0], [0, 1]), CommitOrder([4, 0], None, {(0, 1): 4, (4, 0): None}),
])  # fmt: skip
def test_it_survives_json(order: CommitOrder) -> None:
    assert commit_order(order.as_json()) == order


@pytest.mark.parametrize("data", [
    None, [], {}, {"order": 1}, {"order": [True]}, {"order": ["0"]}, {"order": [], "more": 1},
    {"order": [], "snapshots": [0.5]}, {"order": [], "sources": {}}, {"order": [], "sources": [[0, 1]]},
    {"order": [], "sources": [[0, None, 1]]}, {"order": [], "sources": [[0, 1, "2"]]}, {"snapshots": []},
])  # fmt: skip
def test_what_is_no_commit_order(data: Any) -> None:
    with pytest.raises(ValueError, match="read"):
        commit_order(data)


@pytest.mark.parametrize(("order", "snapshots", "said"), [
    ([0, 1, 9], None, "operation 9, which begins no transaction"),
    ([0, 1, 1], None, "places T1 twice"),
    ([0], None, "leaves out T1, which committed"),
    ([0, 1, 3], None, "places T3, which failed"),
    ([0, 1], [0], "1 snapshots for 2 transactions"),
    ([0, 1], [0, 2], "the snapshot of T1 shows 2 transactions"),
    ([0, 1], [-1, 0], "the snapshot of T0 shows -1"),
])  # fmt: skip
def test_who_is_in_it(order: list[int], snapshots: list[int] | None, said: str) -> None:
    listed = transactions(concurrent("ax1", "rx[1]", "?ax2", "!ax3"))
    with pytest.raises(Objection, match=said):
        executed(listed, CommitOrder(order, snapshots))


@pytest.mark.parametrize(("texts", "order", "said"), [
    (("ax1 ax2", "rx[1]"), [0, 1], "between two appends of one transaction"),
    (("ax1", "rx[1]"), [1, 0], "what T0 appended, which commits later"),
    (("ax1", "ax2", "rx[2 1]"), [0, 1, 2], "other elements than this order"),
    (("ax1", "ax2 rx[2]"), [0, 1], "without others that come before them"),
    (("ax1 rx[]",), [0], "without what it had appended itself"),
    (("ax1", "rx[1 9]"), [0, 1], "other elements"),
])  # fmt: skip
def test_what_was_read(texts: tuple[str, ...], order: list[int], said: str) -> None:
    found = executed(transactions(concurrent(*texts)), CommitOrder(order))
    with pytest.raises(Objection, match=said):
        read_lists(found)


def test_one_of_unknown_outcome_is_taken_as_committed_or_not() -> None:
    listed = transactions(concurrent("?ax1", "?ax2", "rx[1]"))
    found = executed(listed, CommitOrder([0, 2]))
    read_lists(found)
    assert [seen.versions for seen in found.reads[1]] == [1]
    with pytest.raises(Objection, match="other elements"):
        read_lists(executed(listed, CommitOrder([2])))
