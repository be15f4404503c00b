"""An excerpt decided by brute force: what its members read of others is left out."""

from __future__ import annotations

import pytest

from checkers.transactional import MODELS
from checkers.transactional.again import violates
from checkers.transactional.register.reading import read_transactions
from checkers.transactional.transaction import transactions
from tests.checkers.transactional.notation import concurrent
from tests.checkers.transactional.register import notation as register

SKEW = concurrent("ax1 rz[5] ry[]", "ay1 rx[]", "rx[1] ry[1]", "az5", "ax2", "ax3", "rx[9]")
BACK = register.concurrent("wx1", "rx1 wx2 wy2", "ry2 rx1", "wx5", "wx6", "rx6")


@pytest.mark.parametrize(("members", "level", "violated"), [
    ({0, 1}, "serializable", True), ({0, 1}, "snapshot-isolation", False), ({0, 2}, "serializable", False),
    ({0, 1, 2, 3, 4}, "serializable", True), ({0, 1, 2, 3, 4, 5}, "serializable", None),
    ({2, 6}, "read-uncommitted", False), (set(), "strict-serializable", False),
])  # fmt: skip
def test_lists(members: set[int], level: str, violated: bool | None) -> None:
    assert violates(transactions(SKEW), members, MODELS[level], None) is violated


@pytest.mark.parametrize(("members", "level", "violated"), [
    ({0, 1, 2}, "read-atomic", True), ({0, 2}, "read-atomic", False), ({0, 1, 2}, "read-committed", False),
    ({0, 1, 2, 3, 4, 5}, "read-atomic", None),
])  # fmt: skip
def test_registers(members: set[int], level: str, violated: bool | None) -> None:
    reading = read_transactions(BACK)
    assert violates(reading.transactions, members, MODELS[level], reading.initial) is violated
