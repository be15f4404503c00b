"""The booking workload: what it asks, and that phantoms give a slot to two wherever predicates are not locked."""

from __future__ import annotations

from collections import Counter

import pytest

from harness.result import Reason
from harness.sufficiency import shortfall
from systems_under_test.blocks.procedures import SLOTS_MAX
from tests.workloads.application import OPERATIONS, recorded, run
from workloads.booking import OPERATIONS_PER_DAY, ROOMS, SLOTS_PER_DAY, WORKLOAD


def test_days_are_booked_one_after_the_other() -> None:
    main = recorded(WORKLOAD).calls()[:OPERATIONS]
    fs = Counter(call.f for call in main)
    assert set(fs) == WORKLOAD.operations
    assert fs["book"] > 0.7 * OPERATIONS
    assert {call.key for call in main} == set(range(ROOMS))
    for position, call in enumerate(main):
        day = position // OPERATIONS_PER_DAY
        if call.f == "book":
            assert call.argument["id"] == position
            assert 0 <= call.argument["last"] - call.argument["first"] < SLOTS_MAX
            assert {call.argument["first"] // SLOTS_PER_DAY, call.argument["last"] // SLOTS_PER_DAY} == {day}


def test_what_is_cancelled_was_asked_for_before() -> None:
    calls = recorded(WORKLOAD).calls()
    booked = {(call.key, str(call.argument)): call for call in calls if call.f == "book"}
    cancels = [call for call in calls if call.f == "cancel"]
    matched = [booked[call.key, str(call.argument)] for call in cancels if (call.key, str(call.argument)) in booked]
    assert len(matched) > 0.7 * len(cancels), "the others name a position that booked nothing"
    assert any(call.outcome == "ok" for call in cancels)


def test_rooms_that_are_kept_rightly_are_valid() -> None:
    history = recorded(WORKLOAD)
    result = WORKLOAD.check(history, 10.0)
    assert result.valid is True
    assert result.details["contested"] > 0.5 * OPERATIONS
    assert shortfall(history, WORKLOAD.thresholds) is None
    finals = history.calls()[OPERATIONS:]
    assert {(call.f, call.key, call.process, call.argument) for call in finals} == {
        ("bookings", room, process, None) for room in range(ROOMS) for process in range(6)
    }


@pytest.mark.parametrize(
    ("mute", "reason"), [("book", None), ("cancel", None), ("bookings", Reason.MISSING_FINAL_READ)]
)
def test_what_is_not_known_is_no_anomaly(mute: str, reason: Reason | None) -> None:
    result = WORKLOAD.check(recorded(WORKLOAD, mute), 10.0)
    assert (result.valid, result.reason) == (True if reason is None else "unknown", reason)


@pytest.mark.parametrize(
    ("isolation", "seed"), [("snapshot-isolation", 1), ("snapshot-isolation", 2), ("repeatable-read", 1)]
)
def test_a_double_booking_is_found(isolation: str, seed: int) -> None:
    trial = run(WORKLOAD, isolation, seed)
    assert trial.verdict.result.valid is False
    assert trial.anomalies == ("double-booking",)


@pytest.mark.parametrize("seed", [1, 2])
def test_predicate_locks_hold(seed: int) -> None:
    assert run(WORKLOAD, "serializable", seed).verdict.result.valid is True


def test_one_client_alone_proves_nothing() -> None:
    result = run(WORKLOAD, "serializable", 1, concurrency=1).verdict.result
    assert (result.valid, result.reason) == ("unknown", Reason.NO_CONFLICT)
