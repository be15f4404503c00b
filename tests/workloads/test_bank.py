"""The bank workload: what it asks, and that a total goes wrong where the isolation level allows it, and only there."""

from __future__ import annotations

from collections import Counter

import pytest

from harness.history import Op
from harness.result import Reason
from harness.sufficiency import shortfall
from tests.workloads.application import OPERATIONS, recorded, run
from workloads.bank import ACCOUNTS, AMOUNT_MAX, TOTAL, WORKLOAD


def test_transfers_between_two_accounts_and_reads_of_all() -> None:
    main = recorded(WORKLOAD).calls()[:OPERATIONS]
    fs = Counter(call.f for call in main)
    assert set(fs) == WORKLOAD.operations
    assert min(fs.values()) > 0.4 * OPERATIONS
    for call in main:
        if call.f == "read":
            assert call.argument == list(range(ACCOUNTS))
        else:
            assert call.argument["from"] != call.argument["to"]
            assert {call.argument["from"], call.argument["to"]} <= set(range(ACCOUNTS))
            assert 1 <= call.argument["amount"] <= AMOUNT_MAX
    assert WORKLOAD.probe(3) == Op("invoke", -1, "read", list(range(ACCOUNTS)))


def test_a_right_bank_is_valid_and_everybody_reads_last() -> None:
    history = recorded(WORKLOAD)
    result = WORKLOAD.check(history, 10.0)
    assert result.valid is True
    assert (result.details["lowest"], result.details["highest"]) == (TOTAL, TOTAL)
    assert {call.process for call in history.calls()[OPERATIONS:]} == set(range(6))
    assert shortfall(history, WORKLOAD.thresholds) is None


@pytest.mark.parametrize(("isolation", "seed"), [("read-committed", 1), ("read-committed", 2), ("read-uncommitted", 1)])
def test_a_wrong_total_is_found(isolation: str, seed: int) -> None:
    trial = run(WORKLOAD, isolation, seed)
    assert trial.verdict.result.valid is False
    assert trial.anomalies == ("wrong-total",)


@pytest.mark.parametrize(("isolation", "seed"), [("serializable", 1), ("serializable", 2), ("snapshot-isolation", 1)])
def test_snapshots_and_locks_hold(isolation: str, seed: int) -> None:
    assert run(WORKLOAD, isolation, seed).verdict.result.valid is True


def test_one_client_alone_proves_nothing() -> None:
    result = run(WORKLOAD, "serializable", 1, concurrency=1).verdict.result
    assert (result.valid, result.reason) == ("unknown", Reason.NO_CONFLICT)
