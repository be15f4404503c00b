"""``causal-reverse``: a later write without an earlier one; and reads of what nobody can have written."""

from __future__ import annotations

import pytest

from checkers.causal_reverse import check
from harness.history import History, Op
from harness.result import Reason
from tests.checkers.calls import call, concurrent


def write(process: int, value: int, outcome: str = "ok") -> list[Op]:
    return call(process, "write", value, outcome=outcome)


def read(process: int, *values: int) -> list[Op]:
    return call(process, "read", None, list(values))


def test_a_later_write_without_an_earlier_one() -> None:
    result = check(History([*write(0, 1), *write(1, 2), *read(2, 2)]))
    assert result.valid is False
    (anomaly,) = result.anomalies
    assert (anomaly.type, anomaly.operations) == ("causal-reverse", (0, 1, 2, 3, 4, 5))
    assert anomaly.details["missed"] == [1]
    assert anomaly.explanation == (
        "process 2's read (op 4) saw 2 and not 1, although the write of 1 (process 0) had completed (op 1) before that "
        "of 2 (process 1) began (op 2)."
    )


def test_reads_may_be_stale() -> None:
    assert check(History([*write(0, 1), *write(1, 2), *read(2, 1), *read(2, 1, 2), *read(2)])).valid is True


def test_writes_at_the_same_time_have_any_order() -> None:
    lines = [*concurrent(write(0, 1), write(1, 2)), *write(0, 3)]
    assert check(History([*lines, *read(2, 2), *read(2, 1), *read(2, 1, 2, 3)])).valid is True
    assert check(History([*lines, *read(2, 2, 3)])).valid is False


def test_an_unknown_write_has_happened_if_it_was_seen_and_has_not_completed() -> None:
    assert check(History([*write(0, 1), *write(1, 2, "info"), *read(2, 2)])).valid is False
    result = check(History([*write(0, 1, "info"), *write(1, 2), *read(2, 2)]))
    assert (result.valid, result.reason) == ("unknown", Reason.TOO_FEW_OK)


def test_reads_of_what_nobody_can_have_written() -> None:
    lines = [*read(2, 8), *write(0, 1, "fail"), *write(0, 8), *read(2, 1, 9)]
    result = check(History(lines))
    assert sorted(each.type for each in result.anomalies) == ["G1a", "future-read", "garbage-read"]
    by_type = {each.type: each for each in result.anomalies}
    assert by_type["G1a"].operations == (2, 3, 6, 7)
    assert by_type["future-read"].operations == (4, 5, 0, 1)
    assert by_type["garbage-read"].operations == (6, 7)


def test_a_value_that_was_written_twice_is_there_from_the_first_time() -> None:
    assert check(History([*write(0, 1), *write(1, 2), *write(0, 1), *read(2, 2)])).valid is False
    lines = [*write(1, 2), *write(0, 1), *write(1, 2), *read(2, 2)]
    assert check(History(lines)).reason is Reason.TOO_FEW_OK, "it may be the first 2"


def test_transactions_miss_only_what_they_read() -> None:
    def txn(process: int, *micros: list[object]) -> list[Op]:
        return call(process, "txn", list(micros))

    lines = [*txn(0, ["w", "x", 1]), *txn(1, ["w", "y", 1])]
    assert check(History([*lines, *txn(2, ["r", "y", 1])])).valid is True
    result = check(History([*lines, *txn(2, ["r", "y", 1], ["r", "x", None])]))
    assert [each.type for each in result.anomalies] == ["causal-reverse"]
    assert 'saw ["y", 1] and not ["x", 1]' in result.anomalies[0].explanation
    assert check(History([*lines, *txn(2, ["w", "x", 2], ["r", "x", 2], ["r", "y", 1])])).valid is True


def test_keys_are_objects_of_their_own() -> None:
    lines = [*call(0, "write", 1, key="x"), *call(1, "write", 2, key="y"), *call(2, "read", None, [2], key="y")]
    assert check(History(lines)).valid == "unknown"


def test_many_missing_values_are_counted() -> None:
    lines = [line for value in range(30) for line in write(0, value)]
    (anomaly,) = check(History([*lines, *read(1, 29, 0)])).anomalies
    assert anomaly.details["missed_count"] == 28
    assert len(anomaly.details["missed"]) == 8
    assert "(28 such values were missed)" in anomaly.explanation


@pytest.mark.parametrize("lines", [call(0, "write", None), call(0, "read", None, 5), call(0, "cas", [1, 2])])
def test_what_it_has_no_word_for(lines: list[Op]) -> None:
    assert check(History(lines)).reason is Reason.UNSUPPORTED
