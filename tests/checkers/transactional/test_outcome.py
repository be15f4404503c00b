"""Unknown outcomes, aborts, nil reads, strange values: what counts, what does not, and what is refused."""

from __future__ import annotations

import pytest

from checkers.transactional import check
from harness.history import History, HistoryError, Op
from harness.result import Reason
from tests.checkers.transactional.notation import concurrent, sequential


def test_an_unknown_transaction_may_have_happened_or_not() -> None:
    assert check(sequential("?ax1", "rx[]")).valid is True
    assert check(sequential("?ax1", "rx[1]")).valid is True
    assert check(sequential("?ax1", "rx[]", "rx[1]")).valid is True, "any time later"
    assert check(sequential("?ax1", "rx[1]", "rx[]")).valid is False, "but not undone"


def test_an_unknown_transaction_happened_wholly_or_not_at_all() -> None:
    assert check(sequential("?ax1 ay1", "rx[1]", "ry[]")).valid is False
    assert check(sequential("?ax1 ay1", "rx[1]", "ry[]"), expect="serializable").valid is True


def test_an_unknown_transaction_may_be_uncommitted_under_read_uncommitted() -> None:
    history = concurrent("?ax1 ay1", "ax2 ay2", "rx[1 2] ry[2 1]")
    assert check(history, expect="read-uncommitted").valid is True
    assert check(history, expect="read-committed").valid is False
    assert check(concurrent("ax1 ay1", "ax2 ay2", "rx[1 2] ry[2 1]"), expect="read-uncommitted").valid is False


def test_a_failed_transaction_never_happened() -> None:
    assert check(sequential("!ax1", "rx[]")).valid is True
    assert check(sequential("!ax1", "rx[1]"), expect="read-committed").valid is False
    assert check(sequential("!ax1", "rx[1]"), expect="read-uncommitted").valid is True


def test_contradicting_reads_leave_read_uncommitted_undecided() -> None:
    result = check(concurrent("ax1", "ax2", "rx[1 2]", "rx[2 1]"), expect="read-uncommitted")
    assert (result.valid, result.reason) == ("unknown", Reason.UNSUPPORTED)
    assert result.details["undecided"] == ["read-uncommitted", "strong-session-read-uncommitted",
                                           "strong-read-uncommitted"]  # fmt: skip


def test_nil_absent_and_empty_lists_are_the_same() -> None:
    for nothing in (["r", "x", None], ["r", "x", []], ["r", "x"]):
        lines = [Op("invoke", 0, "txn", [["r", "x", None]]), Op("ok", 0, "txn", [nothing])]
        assert check(History(lines)).valid is True
        appended = [Op("invoke", 1, "txn", [["append", "x", 1]]), Op("ok", 1, "txn", [["append", "x", 1]])]
        assert check(History([*appended, *lines])).valid is False


def test_values_are_told_apart_as_data() -> None:
    appended = [["append", "x", 1], ["append", "x", True], ["append", "x", 1.0], ["append", "x", [1]]]
    lines = [Op("invoke", 0, "txn", appended), Op("ok", 0, "txn", appended)]
    read = [Op("invoke", 1, "txn", [["r", "x", None]]), Op("ok", 1, "txn", [["r", "x", [1, True, 1.0, [1]]]])]
    assert check(History([*lines, *read])).valid is True
    wrong = [read[0], Op("ok", 1, "txn", [["r", "x", [1, 1.0, True, [1]]]])]
    assert check(History([*lines, *wrong])).valid is False
    both = [["r", "1", []], ["r", 1, []]]
    other_key = [Op("invoke", 2, "txn", both), Op("ok", 2, "txn", both)]
    keyed = [Op("invoke", 3, "txn", [["append", 1, 5]]), Op("ok", 3, "txn", [["append", 1, 5]])]
    result = check(History([*keyed, *other_key]))
    assert result.anomalies[0].details["edges"][0]["key"] == 1


def test_what_is_no_transaction_of_lists_is_unsupported() -> None:
    for value in (
        [["append", "x", 1], ["w", "x", 1]],
        [["append", "x"]],
        "no list",
        [["append", "y", 1], ["r", "x", 5]],
        [["append", "x", 1], ["append", "x", 1]],
    ):
        result = check(History([Op("invoke", 0, "txn", value), Op("ok", 0, "txn", value)]))
        assert (result.valid, result.reason) == ("unknown", Reason.UNSUPPORTED), value
    result = check(History([Op("invoke", 0, "enqueue", 1), Op("ok", 0, "enqueue", 1)]))
    assert (result.valid, result.reason) == ("unknown", Reason.UNSUPPORTED)


def test_a_history_that_is_none_is_refused() -> None:
    with pytest.raises(HistoryError):
        check(History([Op("ok", 0, "txn", [])]))
    with pytest.raises(ValueError, match="expected one of"):
        check(History(), expect="perfect")


def test_sessions_may_span_processes() -> None:
    def line(kind: str, process: int, value: list[object]) -> Op:
        return Op(kind, process, "txn", value, session="s")  # type: ignore[arg-type]

    lines = [line("invoke", 0, [["append", "x", 1]]), line("ok", 0, [["append", "x", 1]]),
             line("invoke", 1, [["r", "x", None]]), line("ok", 1, [["r", "x", []]])]  # fmt: skip
    result = check(History(lines), expect="strong-session-serializable")
    assert result.valid is False
    assert "in their session" in result.anomalies[0].explanation
    overlapping = [lines[0], lines[2], lines[1], lines[3]]
    assert check(History(overlapping), expect="strict-serializable").valid is True


def test_the_serial_order_of_a_valid_history_is_told() -> None:
    result = check(sequential("rx[]", "ax1", "rx[1]"))
    assert result.details["certificate"] == {
        "type": "serial-order", "respects": "realtime", "transactions": 3, "order": [0, 2, 4],
    }  # fmt: skip
    result = check(sequential("ax1", "rx[]"), expect="serializable")
    assert result.details["certificate"] == {
        "type": "serial-order", "respects": "session", "transactions": 2, "order": [2, 0],
    }  # fmt: skip
    assert "certificate" not in check(concurrent("rx[] ay1", "ry[] ax1")).details


def test_no_time_is_unknown() -> None:
    ring = [f"a{chr(97 + i)}1 r{chr(97 + (i + 1) % 6)}[1]" for i in range(6)]
    result = check(concurrent(*ring), time_limit_s=0.0)
    assert (result.valid, result.reason) == ("unknown", Reason.TIMEOUT)
