"""The long-fork workload: fresh keys, reads of the newest, forks where sites learn of writes in other orders."""

from __future__ import annotations

import pytest

from harness.history import History, Op
from harness.result import Reason
from harness.sufficiency import shortfall
from tests.checkers.calls import call
from tests.workloads.application import OPERATIONS, recorded, run
from workloads.long_fork import DIVIDED_MIN, KEYS_PER_READ, OPERATIONS_PER_WRITE, WORKLOAD


def test_each_key_is_written_once_and_read_with_its_neighbours() -> None:
    written = -1
    orders = set()
    for asked in recorded(WORKLOAD).calls():
        (f, key, value), *more = asked.argument
        if f == "w":
            assert (key, value, more) == (written + 1, 1, [])
            written = key
            continue
        keys = [key for _, key, _ in asked.argument]
        assert sorted(keys) == list(range(max(0, written + 2 - KEYS_PER_READ), written + 2))
        orders.add(tuple(key - written for key in keys))
    assert written + 1 == OPERATIONS // OPERATIONS_PER_WRITE
    assert len(orders) > KEYS_PER_READ


def divided(count: int) -> list[Op]:
    """So many reads saw one write and missed another that ran beside them, each the same."""
    began, ended = call(0, "txn", [["w", 1, 1]])
    lines = [*call(1, "txn", [["w", 0, 1]]), began]
    for _ in range(count):
        lines += call(2, "txn", [["r", 0, None], ["r", 1, None]], [["r", 0, 1], ["r", 1, None]])
    return [*lines, ended, *call(2, "txn", [["r", 0, None], ["r", 1, None]], [["r", 0, 1], ["r", 1, 1]])] * (count > 0)


def test_reads_that_saw_all_or_nothing_prove_nothing() -> None:
    assert WORKLOAD.check(History(divided(DIVIDED_MIN)), 10.0).valid is True
    for count in (1, DIVIDED_MIN - 1):
        result = WORKLOAD.check(History(divided(count)), 10.0)
        assert (result.valid, result.reason) == ("unknown", Reason.NO_CONFLICT)
    assert WORKLOAD.check(History([]), 10.0).reason is Reason.TOO_FEW_OK


def test_a_write_that_failed_or_began_later_divides_no_read() -> None:
    lines = divided(DIVIDED_MIN)
    failed = [op if op.process != 0 or op.type == "invoke" else Op("fail", 0, "txn", op.value) for op in lines[:-2]]
    later = [op for op in lines[:-2] if op.process != 0] + [op for op in lines if op.process == 0]
    for each in (failed, later):
        assert WORKLOAD.check(History(each), 10.0).reason is Reason.NO_CONFLICT


def test_enough_happens() -> None:
    assert shortfall(recorded(WORKLOAD), WORKLOAD.thresholds) is None


@pytest.mark.parametrize("seed", [1, 2])
def test_a_long_fork_is_found(seed: int) -> None:
    trial = run(WORKLOAD, "parallel-snapshot-isolation", seed)
    assert trial.verdict.result.valid is False
    assert trial.anomalies == ("long-fork",)


@pytest.mark.parametrize(("isolation", "seed"), [("serializable", 1), ("serializable", 2), ("snapshot-isolation", 1)])
def test_one_order_of_commits_holds(isolation: str, seed: int) -> None:
    assert run(WORKLOAD, isolation, seed).verdict.result.valid is True


def test_one_client_alone_proves_nothing() -> None:
    result = run(WORKLOAD, "serializable", 1, concurrency=1).verdict.result
    assert (result.valid, result.reason) == ("unknown", Reason.NO_CONFLICT)
