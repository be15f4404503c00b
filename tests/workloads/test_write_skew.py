"""The write-skew workload: its small experiments, and that doctors leave at once where snapshots are not enough."""

from __future__ import annotations

import pytest

from harness.history import History
from harness.result import Reason
from harness.sufficiency import shortfall
from tests.checkers.calls import call, concurrent
from tests.workloads.application import OPERATIONS, recorded, run
from workloads.write_skew import DOCTORS, PROBE_SHIFT, WORKLOAD


def test_each_shift_is_an_experiment() -> None:
    calls = recorded(WORKLOAD).calls()
    assert len(calls) == OPERATIONS
    for shift in range(OPERATIONS // 3):
        *leaving, look = calls[3 * shift : 3 * shift + 3]
        assert {each.key for each in (*leaving, look)} == {shift}
        assert [(each.f, each.argument[-1]) for each in leaving] == [
            ("go-off-call", ["w", doctor, False]) for doctor in DOCTORS
        ]
        assert (look.f, look.argument) == ("roster", [["r", doctor, None] for doctor in DOCTORS])
    assert WORKLOAD.probe(4).key == PROBE_SHIFT


@pytest.mark.parametrize("mute", [(), ("go-off-call",), ("roster",)])
def test_right_shifts_are_valid_whatever_is_known_of_them(mute: tuple[str, ...]) -> None:
    result = WORKLOAD.check(recorded(WORKLOAD, *mute), 10.0)
    assert result.valid is (True if mute != ("go-off-call",) else "unknown")
    assert result.details["broken_shifts"] == 0


def test_enough_happens() -> None:
    assert shortfall(recorded(WORKLOAD), WORKLOAD.thresholds) is None


def test_somebody_must_stay() -> None:
    seen = [["r", "alice", True], ["r", "bob", True]]
    both = [
        call(each, "go-off-call", None, [*seen, ["w", doctor, False]], key=0) for each, doctor in enumerate(DOCTORS)
    ]
    (anomaly,) = WORKLOAD.check(History(concurrent(*both)), 10.0).anomalies
    assert anomaly.type == "write-skew"
    left = call(0, "roster", None, [["r", "alice", False], ["r", "bob", False]], key=0)
    (anomaly,) = WORKLOAD.check(History([*both[0], *left]), 10.0).anomalies
    assert anomaly.type == "nobody-on-call"


@pytest.mark.parametrize(
    ("isolation", "seed"), [("snapshot-isolation", 1), ("snapshot-isolation", 2), ("read-committed", 1)]
)
def test_write_skew_is_found(isolation: str, seed: int) -> None:
    trial = run(WORKLOAD, isolation, seed)
    assert trial.verdict.result.valid is False
    assert trial.anomalies == ("write-skew",)


@pytest.mark.parametrize(("isolation", "seed"), [("serializable", 1), ("serializable", 2), ("repeatable-read", 1)])
def test_locks_hold(isolation: str, seed: int) -> None:
    assert run(WORKLOAD, isolation, seed).verdict.result.valid is True


def test_one_client_alone_proves_nothing() -> None:
    result = run(WORKLOAD, "serializable", 1, concurrency=1).verdict.result
    assert (result.valid, result.reason) == ("unknown", Reason.NO_CONFLICT)
