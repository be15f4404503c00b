"""Unknown outcomes, aborts, initial values, the same value twice, operations alone: what counts, what is refused."""

from __future__ import annotations

from typing import Any

from checkers.transactional import check
from checkers.transactional.register.sources import CHOICES_MAX
from harness.history import History, Op
from harness.result import Reason
from tests.checkers.transactional.register.notation import concurrent, sequential


def test_an_unknown_transaction_may_have_happened_or_not() -> None:
    assert check(sequential("?wx1", "rx_")).valid is True
    assert check(sequential("?wx1", "rx1")).valid is True
    assert check(sequential("?wx1", "rx_", "rx1")).valid is True, "any time later"
    assert check(sequential("?wx1", "rx1", "rx_")).valid is False, "but not undone"


def test_an_unknown_transaction_happened_wholly_or_not_at_all() -> None:
    assert check(sequential("?wx1 wy1", "rx1", "ry_")).valid is False
    assert check(sequential("?wx1 wy1", "rx1", "ry_"), expect="serializable").valid is True


def test_a_failed_transaction_never_happened() -> None:
    assert check(sequential("!wx1", "rx_")).valid is True
    assert check(sequential("!wx1", "rx1"), expect="read-committed").valid is False
    assert check(sequential("!wx1", "rx1"), expect="read-uncommitted").valid is True


def test_the_initial_value_is_null_or_as_given() -> None:
    history = sequential("rx0 ry5 wx1", "rx1")
    assert check(history).valid is False
    assert check(history, initial={"x": 0, "y": 5}).valid is True
    assert check(history, initial={"x": 0}).valid is False
    assert check(sequential("rx0 ry0 wx1", "rx1"), initial=0).valid is True
    assert check(sequential("rx0 wx1", "rx0"), initial=0).valid is False
    numbered = [Op("invoke", 0, "txn", [["r", 7, None]]), Op("ok", 0, "txn", [["r", 7, 3]])]
    assert check(History(numbered), initial={"7": 3}).valid is True
    lists = [Op("invoke", 0, "txn", [["append", 7, 1]]), Op("ok", 0, "txn", [["append", 7, 1]])]
    assert check(History(lists), initial=3).reason == Reason.UNSUPPORTED


def test_a_read_without_a_value_says_nothing() -> None:
    lines = [Op("invoke", 0, "txn", [["w", "x", 1]]), Op("ok", 0, "txn", [["w", "x", 1]]),
             Op("invoke", 0, "txn", [["r", "x"]]), Op("ok", 0, "txn", [["r", "x"]])]  # fmt: skip
    assert check(History(lines)).valid is True
    assert check(History([*lines[:3], Op("ok", 0, "txn", [["r", "x", None]])])).valid is False


def test_the_same_value_twice_is_whatever_explains_the_read() -> None:
    assert check(sequential("wx1", "wx2", "wx1", "rx1")).valid is True
    assert check(sequential("wx1", "wx2", "wx1", "rx2")).valid is False
    assert check(sequential("wx1", "rx1", "wx2", "rx1")).valid is False
    result = check(sequential("wx1", "wx2", "wx1", "rx1 ry_"), expect="serializable")
    assert (result.valid, result.details["readings"]) == (True, 2)
    assert check(concurrent("!wx1", "wx1", "rx1"), expect="read-committed").valid is True
    assert check(concurrent("wx1 wx2", "wx1", "rx1"), expect="read-committed").valid is True
    assert check(sequential("wx0", "rx0"), initial=0).valid is True


def test_too_many_readings_are_unknown_and_the_value_is_told() -> None:
    reads = ["rx1"] * CHOICES_MAX
    result = check(concurrent("wx1", "wx1", *reads))
    assert (result.valid, result.reason) == ("unknown", Reason.UNSUPPORTED)
    assert 'read "x" = 1, a value that 2 transactions may have put there' in (result.explanation or "")


def operation(process: int, f: str, value: Any, key: Any = None) -> list[Op]:
    asked = None if f == "read" else value
    return [Op("invoke", process, f, asked, key=key), Op("ok", process, f, value, key=key)]


def test_reads_and_writes_alone_are_transactions() -> None:
    causal = [*operation(0, "write", 1, "x"), *operation(1, "read", 1, "x"), *operation(1, "write", 2, "y"),
              *operation(2, "read", 2, "y")]  # fmt: skip
    assert check(History([*causal, *operation(2, "read", 1, "x")]), expect="causal").valid is True
    result = check(History([*causal, *operation(2, "read", None, "x")]), expect="causal")
    assert result.valid is False
    assert result.anomalies[0].type == "G-single-process"
    assert (
        check(History([*causal, *operation(2, "read", None, "x")]), expect="causal", nil_reads="unknown").valid is True
    )
    assert check(History([*operation(0, "write", 1), *operation(1, "read", None)])).valid is False


def test_what_is_no_transaction_of_registers_is_unsupported() -> None:
    for value in ([["w", "x", 1], ["append", "y", 1]], [["w", "x"]], "no list", [["w", "x", 1], ["cas", "x", 1]]):
        lines = [*operation(0, "write", 1), Op("invoke", 1, "txn", value), Op("ok", 1, "txn", value)]
        result = check(History(lines))
        assert (result.valid, result.reason) == ("unknown", Reason.UNSUPPORTED), value
    result = check(History([*operation(0, "write", 1), *operation(1, "cas", [1, 2])]))
    assert (result.valid, result.reason) == ("unknown", Reason.UNSUPPORTED)


def test_values_are_told_apart_as_data() -> None:
    values = [1, True, 1.0, [1], "1"]
    lines = [line for number, value in enumerate(values) for line in operation(number, "write", value, number)]
    reads = [line for number, value in enumerate(values) for line in operation(9, "read", value, number)]
    assert check(History([*lines, *reads])).valid is True
    for wrong in values[1:]:
        assert check(History([*lines, *operation(9, "read", wrong, 0)])).anomalies[0].type == "garbage-read"
