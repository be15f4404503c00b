"""Unknown outcomes, the same element twice, nulls, initial values, keys of all kinds: what counts, what is refused."""

from __future__ import annotations

from typing import Any

import pytest

from checkers.transactional import check
from harness.history import History, Op
from harness.result import Reason, Result
from tests.checkers.transactional.composite.notation import concurrent, sequential


def alone(*values: list[list[Any]]) -> History:
    """One transaction after the other."""
    lines = []
    for process, value in enumerate(values):
        lines += [Op("invoke", process, "txn", value), Op("ok", process, "txn", value)]
    return History(lines)


def valid(*texts: str, level: str = "strict-serializable") -> object:
    return check(sequential(*texts), expect=level).valid


def test_an_unknown_transaction_may_have_happened_or_not() -> None:
    for wrote, unseen, seen in (("+s1", "rs{}", "rs{1}"), ("+c1", "rc=0", "rc=1"), ("w2=1", "1..3{}", "1..3{2=1}")):
        assert valid(f"?{wrote}", unseen) is True
        assert valid(f"?{wrote}", seen) is True
        assert valid(f"?{wrote}", unseen, seen) is True, "any time later"
        assert valid(f"?{wrote}", seen, unseen) is False, "but not undone"
        assert valid(f"!{wrote}", unseen) is True
        assert valid(f"!{wrote}", seen, level="read-committed") is False
        assert valid(f"!{wrote}", seen, level="read-uncommitted") is True


def test_an_unknown_transaction_happened_wholly_or_not_at_all() -> None:
    assert valid("?+s1 +c1", "rs{1}", "rc=0") is False
    assert valid("?+s1 +c1", "rs{1}", "rc=0", level="serializable") is True
    assert valid("?w1=1 w2=1", "1..1{1=1}", "2..2{}") is False


def test_an_element_added_twice_is_there_if_either_is() -> None:
    assert valid("+s1", "+s1", "rs{1}") is True
    assert valid("+s1", "?+s1 +t2", "rs{1} rt{}") is True
    assert valid("!+s1", "+s1", "rs{1}") is True
    assert valid("+s1", "rs{1}", "+s1", "rs{1}", "rs{}") is False
    result = check(concurrent("+s1 +t1", "+s1 +t2", "rt{} rs{1}"), expect="read-atomic")
    assert (result.valid, result.anomalies[0].type) == (False, "fractured-read")
    assert check(concurrent("+s1 +t1", "+s1 +t2", "rs{1} rt{2}"), expect="serializable").valid is True
    assert check(concurrent("+s1 +s2", "+s1", "rs{1}"), expect="read-committed").valid is True, "not half of T0"


def test_a_sum_is_that_of_any_that_fit() -> None:
    assert check(concurrent("+c1", "+c2", "+c3", "rc=3"), expect="serializable").valid is True
    assert check(concurrent("+c1 +s1", "+c2 +s2", "+c3 +s3", "rc=3 rs{1 2}"), expect="serializable").valid is True
    assert check(concurrent("+c1 +s1", "+c2 +s2", "+c3 +s3", "rc=3 rs{1}"), expect="read-atomic").valid is False
    assert check(concurrent("+c1 -c1", "rc=0", "rc=1"), expect="read-uncommitted").valid is True
    assert check(concurrent("+c1 -c1", "rc=0", "rc=1"), expect="read-committed").valid is False


def test_nothing_is_null_empty_or_zero() -> None:
    reads: list[list[Any]] = [["r", "s", None], ["r", "c", None], ["rp", [1, 2], None], ["r", "never", 0]]
    assert check(alone(reads, [["add", "s", 1], ["inc", "c", 2], ["w", 1, 7]])).valid is True
    assert check(alone([["add", "s", 1]], reads), expect="strict-serializable").valid is False
    assert check(alone([["w", 1, 7]], [["w", 1, None]], [["rp", [0, 2], []]])).valid is True
    assert check(alone([["w", 1, 7]], [["w", 1, None]], [["rp", [0, 2], [[1, 7]]]])).valid is False
    assert check(alone([["add", "s", 1]], [["r", "s"]])).valid is True, "a read without a value says nothing"


def test_initial_values() -> None:
    history = alone([["r", "c", 5], ["rp", [1, 3], [[2, 8]]], ["inc", "c", 1]], [["r", "c", 6], ["w", 2, 9]])
    assert check(history).valid is False
    assert check(history, initial={"c": 5, "2": 8}).valid is True
    missed = check(history, initial={"c": 5, "2": 8, "3": 1})
    assert missed.anomalies[0].type == "predicate-read-miss"
    assert "which always had a value" in missed.anomalies[0].explanation


def test_keys_are_compared_as_numbers_text_or_lists() -> None:
    reads: list[list[Any]] = [["rp", ["a", "c"], [["b", 1]]], ["rp", [2, 3], [[2, 1], [2.5, 1]]]]
    assert check(alone([["w", "b", 1], ["w", 2, 1], ["w", 2.5, 1]], reads)).valid is True
    listed: list[list[Any]] = [["w", ["room", 1], "x"], ["w", ["room", 10], "y"], ["w", ["seat"], "z"]]
    assert check(alone(listed, [["rp", [["room", 1], ["room", 9]], [[["room", 1], "x"]]]])).valid is True
    assert check(alone(listed, [["rp", [["room"], ["seat"]], [[["room", 1], "x"], [["seat"], "z"]]]])).valid is False
    assert check(alone([["w", "10", 1]], [["rp", ["1", "2"], {"10": 1}]])).valid is True


UNSUPPORTED: dict[str, list[list[Any]]] = {
    "lists in a history of their own": [["append", "l", 1], ["add", "s", 1]],
    "one data type for each key": [["w", "s", 1], ["add", "s", 1]],
    "an integer": [["inc", "c", "much"]],
    "bounds [first, last]": [["add", "s", 1], ["rp", [1, "b"], []]],
    "a list of pairs": [["add", "s", 1], ["rp", [1, 2], [1, 2]]],
    "an object's keys are text": [["w", 1, 1], ["rp", [1, 2], {"1": 1}]],
    "a list of its elements": [["add", "s", 1], ["r", "s", 7]],
    "ranges of registers": [["add", 2, 1], ["rp", [1, 3], []]],
    "keys that can be compared": [["w", [1, "x"], 1], ["rp", [[1, 1], [1, 2]], []]],
    "its key and value": [["add", "s"]],
}


@pytest.mark.parametrize("expected", UNSUPPORTED)
def test_what_is_unsupported_says_what_to_do(expected: str) -> None:
    result = check(alone(UNSUPPORTED[expected]))
    assert (result.valid, result.reason) == ("unknown", Reason.UNSUPPORTED)
    assert expected in (result.explanation or "")


def test_other_operations_and_initial_values_of_everything_are_unsupported() -> None:
    lines = [*alone([["add", "s", 1]]), Op("invoke", 1, "read"), Op("ok", 1, "read", 1)]
    assert "expected txn" in (check(History(lines)).explanation or "")
    assert "a mapping from keys" in (check(alone([["rp", [1, 2], []]]), initial=0).explanation or "")
    assert "expected smaller" in (
        check(alone([["inc", "c", 2**100]], [["inc", "c", 1]], [["r", "c", 7]])).explanation or ""
    )


def test_a_history_that_begins_as_registers_is_read_again() -> None:
    def levels(result: Result) -> object:
        return result.valid, result.method

    assert levels(check(alone([["w", 1, 1]], [["add", "s", 1], ["r", 1, 1]]))) == (True, "cells")
    assert levels(check(alone([["w", 1, 1]], [["r", 1, 1]]))) == (True, "polygraph")


def test_who_removed_a_key_may_be_open_where_a_serial_order_explains_all() -> None:
    removals = [text for number in range(5) for text in (f"w1={number}", "w1=_", "1..2{}", "1..2{}")]
    result = check(sequential(*removals))
    assert (result.valid, result.details["strongest"]) == (True, ["strict-serializable"])
    result = check(sequential(*removals, "1..2{1=3}"))
    assert (result.valid, result.reason) == ("unknown", Reason.UNSUPPORTED)
    assert "too many choices" in (result.explanation or "")
    assert "strong-session-serializable" in result.details["strongest"], "the last one's process may have read first"
    for wrong, type_ in (
        ("1..1{1=99}", "garbage-read"),
        ("rs{9}", "garbage-read"),
        ("w2=1 1..2{}", "predicate-read-miss"),
    ):
        assert check(sequential(*removals, wrong)).anomalies[0].type == type_
    lost = check(sequential(*removals, "1..1{1=3} 1..1{}"))
    assert "a value that 6 transactions may have put there" in (lost.explanation or "")
