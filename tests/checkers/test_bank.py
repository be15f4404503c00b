"""``bank``: totals, accounts below zero, accounts that come and go; what was not tested."""

from __future__ import annotations

from typing import Any

import pytest

from checkers.bank import check
from harness.history import History, Op
from harness.result import Reason
from tests.checkers.calls import call, concurrent


def transfer(process: int, source: Any, target: Any, amount: int, outcome: str = "ok") -> list[Op]:
    return call(process, "transfer", {"from": source, "to": target, "amount": amount}, outcome=outcome)


def read(process: int, **balances: Any) -> list[Op]:
    return call(process, "read", None, balances)


def test_the_total_stays() -> None:
    result = check(History([*read(0, a=10, b=0), *transfer(1, "a", "b", 4), *read(0, a=6, b=4)]))
    assert (result.valid, result.anomalies) == (True, ())
    assert (result.details["lowest"], result.details["highest"], result.details["acknowledged"]) == (10, 10, 1)


def test_half_a_transfer() -> None:
    beside = concurrent(transfer(1, "a", "b", 4), read(0, a=6, b=0))
    result = check(History([*read(0, a=10, b=0), *beside]))
    assert result.valid is False
    (anomaly,) = result.anomalies
    assert (anomaly.type, anomaly.operations) == ("wrong-total", (0, 1, 3, 4))
    assert anomaly.details["difference"] == -4
    assert anomaly.details["transfers"] == [2]
    assert "process 0 (op 4) read a total of 6, 4 less than the 10 that the first read showed (op 1)" in (
        anomaly.explanation
    )
    assert "as if 4 had left a and not yet come to b" in anomaly.explanation
    assert "process 1's transfer of 4 from a to b (op 2) ran beside it" in anomaly.explanation


def test_a_failed_transfer_that_left_its_half() -> None:
    lines = [*read(0, a=10, b=0), *transfer(1, "a", "b", 4, "fail"), *read(0, a=10, b=4)]
    (anomaly,) = check(History(lines)).anomalies
    assert "as if 4 had come to b and not yet left a" in anomaly.explanation
    assert "ran before it, and failed" in anomaly.explanation


def test_the_total_may_be_told() -> None:
    history = History(read(0, a=10, b=0))
    assert check(history, total=10).valid is True
    result = check(history, total=11)
    assert result.valid is False
    assert result.anomalies[0].operations == (0, 1)
    assert "1 less than 11" in result.anomalies[0].explanation


def test_accounts_below_zero() -> None:
    history = History([*read(0, a=10, b=0), *transfer(1, "b", "a", 3), *read(0, a=13, b=-3)])
    result = check(history)
    assert result.valid is False
    (anomaly,) = result.anomalies
    assert (anomaly.type, anomaly.operations, anomaly.details["accounts"]) == ("negative-value", (4, 5), {"b": -3})
    assert "read account b at -3" in anomaly.explanation
    assert "transfer of 3 from b to a (op 2) ran before it" in anomaly.explanation
    assert check(history, negative_balances=True).valid is True


def test_accounts_that_come_and_go() -> None:
    result = check(History([*read(0, a=10, b=0), *read(0, a=10), *read(0, a=10, b=0, c=0), *read(0, a=10, b=None)]))
    assert [each.type for each in result.anomalies] == ["missing-account", "unexpected-account", "nil-balance"]
    assert [each.operations for each in result.anomalies] == [(0, 1, 2, 3), (0, 1, 4, 5), (6, 7)]
    assert (result.details["missing_account"], result.details["wrong_total"]) == (1, 0)


def test_banks_of_different_keys() -> None:
    lines = [*call(0, "read", None, {"a": 1}, key="x"), *call(0, "read", None, {"a": 2}, key="y")]
    lines += [*call(0, "read", None, {"a": 1}, key="x"), *call(0, "read", None, {"a": 3}, key="y")]
    (anomaly,) = check(History(lines)).anomalies
    assert anomaly.details["key"] == "y"
    assert anomaly.explanation.startswith('Key "y": ')


def test_accounts_are_the_same_as_numbers_and_as_keys_of_json() -> None:
    lines = [*call(0, "read", None, {"7": 3, "8": 0}), *transfer(1, 7, 8, 3), *call(0, "read", None, {7: 0, 8: 0})]
    (anomaly,) = check(History(lines)).anomalies
    assert "as if 3 had left 7 and not yet come to 8" in anomaly.explanation


def test_what_was_not_tested() -> None:
    for lines in ([], read(0, a=1), transfer(0, "a", "b", 1)):
        result = check(History(lines))
        assert (result.valid, result.reason) == ("unknown", Reason.TOO_FEW_OK)
    assert check(History(transfer(0, "a", "b", 1)), total=3).reason is Reason.TOO_FEW_OK
    assert check(History(read(0, a=-1))).valid is False, "which needs nothing to compare with"


@pytest.mark.parametrize(
    "lines",
    [
        call(0, "read", None, [1, 2]),
        call(0, "read", None, {"a": 1.5}),
        call(0, "read", None, {"a": True}),
        call(0, "read", None, {"a": 1 << 200}),
        call(0, "read", None, {"7": 1, 7: 1}),
        call(0, "transfer", {"from": "a"}),
        call(0, "transfer", {"from": "a", "to": [1], "amount": 1}),
        call(0, "deposit", 5),
    ],
)
def test_what_it_has_no_word_for(lines: list[Op]) -> None:
    assert check(History(lines)).reason is Reason.UNSUPPORTED


def test_only_the_first_of_many_are_told() -> None:
    lines = read(0, a=1)
    for _ in range(50):
        lines += read(0, a=2)
    result = check(History(lines))
    assert len(result.anomalies) == 8
    assert result.details["wrong_total"] == 50
