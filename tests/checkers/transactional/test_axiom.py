"""Each level's definition on a given commit order: what it allows, and in which words it refuses."""

from __future__ import annotations

import pytest

from checkers.transactional import MODELS
from checkers.transactional.axiom import refute
from checkers.transactional.commit_order import CommitOrder
from checkers.transactional.register.reading import read_transactions
from checkers.transactional.transaction import transactions
from harness.history import History, Op
from tests.checkers.transactional.notation import concurrent, sequential

SKEW = ("ax1 ry[]", "ay1 rx[]", "rx[1] ry[1]")
LOST = ("rx[] ax1", "rx[] ax2", "rx[1 2]")
FORK = ("ax1", "ay1", "rx[1] ry[]", "rx[] ry[1]")
TORN = ("ax1 ay1", "rx[1] ry[]")
STALE = ("ax1", "rx[1] ay1", "ry[1] rx[]")


@pytest.mark.parametrize(("texts", "order", "snapshots", "level", "said"), [
    (SKEW, [0, 1, 2], [0, 0, 2], "snapshot-isolation", None),
    (SKEW, [0, 1, 2], None, "snapshot-isolation", "T1 read another version of x than its moment shows"),
    (SKEW, [0, 1, 2], None, "serializable", "T1 read another version of x"),
    (SKEW, [0, 1, 2], [0, 0, 2], "serializable", "serializable is not about snapshots"),
    (SKEW, [0, 1, 2], None, "parallel-snapshot-isolation", None),
    (SKEW, [0, 1, 2], None, "update-serializable", "another version of x than its moment shows, and it writes"),
    (LOST, [0, 1, 2], [0, 0, 2], "prefix", None),
    (LOST, [0, 1, 2], [0, 0, 2], "snapshot-isolation", "T1 and T0 both wrote x"),
    (LOST, [0, 1, 2], None, "cursor-stability", "T1 read another version of x than it wrote over"),
    (LOST, [0, 1, 2], None, "parallel-snapshot-isolation", "T1 missed what T0 wrote, on which it depends"),
    (LOST, [0, 1, 2], None, "read-atomic", None),
    (FORK, [0, 1, 2, 3], None, "parallel-snapshot-isolation", None),
    (FORK, [0, 1, 2, 3], None, "update-serializable", None),
    (FORK, [0, 1, 2, 3], None, "causal", None),
    (FORK, [0, 1, 2, 3], [0, 1, 1, 2], "prefix", "T3 read another version of x"),
    (TORN, [0, 1], None, "read-atomic", "T1 read from T0, and y without what that wrote"),
    (TORN, [0, 1], None, "monotonic-atomic-view", "T1 read from T0, and y without"),
    (("ax1 ay1", "ry[] rx[1]"), [0, 1], None, "monotonic-atomic-view", None),
    (("ax1 ay1", "ry[] rx[1]"), [0, 1], None, "read-atomic", "without what that wrote"),
    (TORN, [0, 1], None, "read-committed", None),
    (STALE, [0, 1, 2], None, "read-atomic", None),
    (STALE, [0, 1, 2], None, "causal", "T2 missed what T0 wrote, on which it depends"),
    (("ax1", "rx[1]"), [1, 0], None, "read-committed", "which commits later"),
    (("ax1", "ax2", "rx[1]"), [1, 0, 2], None, "read-uncommitted", "in another order than this"),
    (("!ax1", "rx[1]"), [1], None, "read-uncommitted", None),
    (("!ax1", "rx[1]"), [1], None, "read-committed", "other elements"),
    (("rx[1] ax1",), [0], None, "read-uncommitted", "what it appended only later"),
    (("ax1", "rx[1 1]"), [0, 1], None, "read-uncommitted", "an element twice"),
])  # fmt: skip
def test_lists(
    texts: tuple[str, ...], order: list[int], snapshots: list[int] | None, level: str, said: str | None
) -> None:
    objection = refute(transactions(concurrent(*texts)), CommitOrder(order, snapshots), MODELS[level])
    assert (objection is None) if said is None else (said in (objection or "")), objection


def test_sessions_and_real_time() -> None:
    listed = transactions(sequential("ax1", "rx[]", "ry[]", processes=[0, 1, 0]))
    order = CommitOrder([2, 0, 4])
    assert refute(listed, order, MODELS["serializable"]) is None
    assert refute(listed, order, MODELS["strong-session-serializable"]) is None
    assert "T2 began after T0 had completed" in (refute(listed, order, MODELS["strict-serializable"]) or "")
    swapped = CommitOrder([2, 4, 0])
    assert refute(listed, swapped, MODELS["serializable"]) is None
    assert "of its session had completed" in (refute(listed, swapped, MODELS["strong-session-serializable"]) or "")
    behind = CommitOrder([0, 2, 4], [0, 0, 0])
    assert "T2 began after T0" in (refute(listed, behind, MODELS["strong-prefix"]) or ""), "the snapshot, too, is late"
    own = transactions(sequential("ax1", "rx[]", processes=[0, 0]))
    missed = refute(own, CommitOrder([0, 2]), MODELS["strong-session-read-atomic"])
    assert "T2 read x without what T0 wrote, which came before it" in (missed or "")
    assert refute(own, CommitOrder([0, 2]), MODELS["strong-session-read-committed"]) is None
    assert "T2 missed what T0 wrote" in (refute(own, CommitOrder([0, 2]), MODELS["causal"]) or "")


def registers(*values: list[list[object]]) -> History:
    lines = [Op("invoke", number, "txn", value) for number, value in enumerate(values)]
    return History([*lines, *(Op("ok", number, "txn", value) for number, value in enumerate(values))])


def test_registers_say_who_wrote_a_value_that_several_wrote() -> None:
    reading = read_transactions(registers([["w", "x", 1]], [["w", "x", 1]], [["r", "x", 1]], [["w", "x", 2]]))
    model = MODELS["serializable"]

    def refused(order: CommitOrder) -> str | None:
        return refute(reading.transactions, order, model, reading.initial)

    assert refused(CommitOrder([0, 3, 1, 2], None, {(2, 0): 1})) is None
    assert "another version" in (refused(CommitOrder([0, 3, 1, 2], None, {(2, 0): 0})) or "")
    assert "which of several writes" in (refused(CommitOrder([0, 3, 1, 2])) or "")
    assert "none of these transactions left there" in (refused(CommitOrder([0, 1, 2, 3], None, {(2, 0): None})) or "")
    assert "which commits later" in (refused(CommitOrder([0, 2, 1, 3], None, {(2, 0): 1})) or "")


def test_what_registers_held_at_first() -> None:
    reading = read_transactions(registers([["r", "x", 7]], [["w", "x", 8]]), initial=7)
    level = MODELS["serializable"]
    assert refute(reading.transactions, CommitOrder([0, 1]), level, reading.initial) is None
    assert "another version" in (refute(reading.transactions, CommitOrder([1, 0]), level, reading.initial) or "")
    weakest = MODELS["read-uncommitted"]
    assert refute(reading.transactions, CommitOrder([1, 0]), weakest, reading.initial) is None
    other = read_transactions(registers([["r", "x", 7]]))
    assert "nobody else wrote" in (refute(other.transactions, CommitOrder([0]), weakest, other.initial) or "")
    own = read_transactions(registers([["w", "x", 1], ["r", "x", 7]]), initial=7)
    assert "had itself written" in (refute(own.transactions, CommitOrder([0]), level, own.initial) or "")
