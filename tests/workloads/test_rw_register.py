"""The workload ``rw-register``: what it asks, that a serial store passes, and that one stale read does not."""

from __future__ import annotations

from harness.history import Op
from harness.plan import Plan
from harness.sufficiency import asked, shortfall
from tests.workloads.serial_store import SerialStore, recorded
from workloads.rw_register import WORKLOAD
from workloads.transactions import PROBE_KEY


def test_it_reads_and_writes_and_probes_a_key_of_its_own() -> None:
    calls = recorded(WORKLOAD, SerialStore(lists=False)).calls()
    assert {call.f for call in calls} == WORKLOAD.operations
    assert {f for call in calls for f, _, _ in call.argument} == {"r", "w"}
    assert PROBE_KEY not in {key for call in calls for _, key, _ in call.argument}
    assert WORKLOAD.probe(2) == Op("invoke", -1, "txn", [["w", PROBE_KEY, 3]])


def test_a_serial_store_is_valid_and_enough_happens() -> None:
    history = recorded(WORKLOAD, SerialStore(lists=False))
    assert WORKLOAD.check(history, 10.0).valid is True
    plan = Plan("play", WORKLOAD.name, rate_hz=200.0, time_limit_s=2.0)
    assert shortfall(history, WORKLOAD.thresholds, plan=asked(plan, WORKLOAD.thresholds)) is None


def test_a_stale_read_is_found() -> None:
    result = WORKLOAD.check(recorded(WORKLOAD, SerialStore(lists=False, stale=50, took_ms=1), 100), 10.0)
    assert result.valid is False
    assert result.expect == WORKLOAD.expect == "strict-serializable"
