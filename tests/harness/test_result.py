"""Results: three-valued, with reasons, composed by the worst."""

from __future__ import annotations

import json
from itertools import product

import pytest

from harness.result import EXIT_STATUS, Anomaly, Reason, Result, Validity, composed, unknown, worst

LOST = Anomaly("lost", (3, 8), "the element 4 was acknowledged and is gone", {"elements": [4]})


def test_an_unknown_result_has_a_reason_and_others_have_none() -> None:
    with pytest.raises(AssertionError, match="reason"):
        Result(valid="unknown", expect="set")
    with pytest.raises(AssertionError, match="reason"):
        Result(valid=True, expect="set", reason=Reason.TIMEOUT)


def test_an_invalid_result_has_an_anomaly() -> None:
    with pytest.raises(AssertionError, match="anomaly"):
        Result(valid=False, expect="set")
    assert Result(valid=False, expect="set", anomalies=(LOST,)).valid is False


def test_doubt_touches_valid_results_only() -> None:
    valid = Result(valid=True, expect="set", operations=9)
    doubted = valid.but_unknown(Reason.NO_CONFLICT, "nothing met")
    assert (doubted.valid, doubted.reason, doubted.operations) == ("unknown", Reason.NO_CONFLICT, 9)
    invalid = Result(valid=False, expect="set", anomalies=(LOST,))
    assert invalid.but_unknown(Reason.NO_CONFLICT, "nothing met") is invalid
    late = unknown("set", Reason.TIMEOUT, "too long")
    assert late.but_unknown(Reason.NO_CONFLICT, "nothing met") is late


def test_the_worst_of_all_combinations() -> None:
    values: tuple[Validity, ...] = (True, "unknown", False)
    rank: dict[Validity, int] = {True: 0, "unknown": 1, False: 2}
    for combination in product(values, repeat=3):
        assert worst(combination) == max(combination, key=lambda value: rank[value])
    assert worst([]) is True


def test_exit_statuses() -> None:
    assert [EXIT_STATUS[value] for value in (True, False, "unknown")] == [0, 1, 2]


def test_json() -> None:
    result = Result(valid=False, expect="set", method="scan", anomalies=(LOST,), operations=9, seconds=0.12345678)
    data = json.loads(json.dumps(result.as_json()))
    assert data["valid"] is False
    assert data["reason"] is None
    assert data["anomalies"] == [
        {"type": "lost", "operations": [3, 8], "explanation": LOST.explanation, "details": {"elements": [4]}}
    ]
    assert data["seconds"] == 0.123457
    assert unknown("set", Reason.TIMEOUT, "too long").as_json()["reason"] == "timeout"


RESULTS = {
    True: Result(True, "set", seconds=1.0, details={"reads": 3}),
    False: Result(False, "leaders", anomalies=(LOST,), seconds=2.0),
    "unknown": unknown("eventual", Reason.MISSING_FINAL_READ, "nobody answered"),
}


@pytest.mark.parametrize("parts", list(product(RESULTS, repeat=3)))
def test_a_composed_result_is_the_worst_and_keeps_every_anomaly(parts: tuple[Validity, ...]) -> None:
    results = [RESULTS[part] for part in parts]
    whole = composed(*results)
    assert whole.valid == worst(parts)
    assert len(whole.anomalies) == parts.count(False)
    assert whole.expect == results[0].expect
    assert whole.seconds == sum(result.seconds for result in results)
    if whole.valid == "unknown":
        assert (whole.reason, str(whole.explanation).count("nobody answered")) == (
            Reason.MISSING_FINAL_READ, parts.count("unknown")
        )  # fmt: skip


def test_what_others_found_stands_under_their_names() -> None:
    whole = composed(RESULTS[True], RESULTS["unknown"])
    assert whole.details == {"reads": 3, "eventual": {"valid": "unknown"}}
    assert composed(RESULTS[True]) is RESULTS[True]
