"""Consistent prefix on histories whose verdicts can be seen at a glance; the rest against the definition."""

from __future__ import annotations

from typing import Any

import pytest

from checkers.consistent_prefix import check
from harness.history import History, Op
from harness.result import Reason
from tests.checkers.sequential.notation import Did, of, read, write


def append(value: Any, key: Any = None, outcome: str | None = "ok", session: Any = None) -> Did:
    return Did("append", value, key, outcome, session)


ONE_TWO = [append(1), append(2)]
VALID: dict[str, History] = {
    "nothing": History(),
    "prefixes, back and forth": of(ONE_TWO, [read([1, 2]), read([]), read([1]), read(None)]),
    "two sessions in either order": of([append(1)], [append(2)], [read([2]), read([2, 1])]),
    "a lost append that is not there": of([append(1, outcome="info")], [append(2)], [read([2])]),
    "a lost append that is": of([append(1, outcome=None)], [append(2)], [read([1, 2])]),
    "a failed append that is not there": of([append(1, outcome="fail"), append(2)], [read([2])]),
    "equal elements whose order binds nobody": of([append(1)], [append(1)], [read([1]), read([1, 1])]),
    "a register, stale": of([write(1), write(2)], [read(2), read(1), read(None)]),
    "a read that failed": of([append(1)], [read([7], outcome="fail")]),
    "an empty list that nobody appends to": of([append(1, "x")], [read([], "y"), read(None, "y")]),
    "each key by itself": of([append(1, "x"), append(2, "y")], [read([2], "y"), read([], "x")]),
}
INVALID: dict[str, tuple[History, str, tuple[int, ...]]] = {
    "a hole": (of(ONE_TWO, [read([2])]), "gap", (4, 0, 2)),
    "out of order": (of(ONE_TWO, [read([2, 1])]), "reordered", (4, 0, 2)),
    "two orders": (of([append(1)], [append(2)], [read([1, 2])], [read([2])]), "incompatible-order", (6, 4)),
    "twice": (of([append(1)], [read([1, 1])]), "duplicate-elements", (2, 0)),
    "to a list that nobody appends to": (of([read([]), read([7])]), "garbage-read", (2,)),
    "from nowhere": (of([append(1)], [read([7])]), "garbage-read", (2,)),
    "failed, and there": (of([append(1, outcome="fail")], [read([1])]), "G1a", (2, 0)),
    "before it was begun": (of([read([1])], [append(1)]), "future-read", (0, 2)),
    "a register from nowhere": (of([write(1)], [read(7)]), "garbage-read", (2,)),
    "a register's failed write": (of([write(1, outcome="fail")], [read(1)]), "G1a", (2, 0)),
    "a register's future": (of([read(1)], [write(1)]), "future-read", (0, 2)),
    "a session of two processes": (
        of([append(1, session="s")], [append(2, session="s")], [read([2])]), "gap", (4, 0, 2),
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", VALID)
def test_valid(name: str) -> None:
    result = check(VALID[name])
    assert (result.valid, result.anomalies, result.reason) == (True, (), None)


@pytest.mark.parametrize("name", INVALID)
def test_invalid(name: str) -> None:
    history, type_, operations = INVALID[name]
    result = check(history)
    assert result.valid is False
    (anomaly,) = result.anomalies
    assert (anomaly.type, anomaly.operations) == (type_, operations)
    assert "process" in anomaly.explanation


def test_where_the_order_is_not_known_it_is_not_guessed() -> None:
    history = of([append(1), append(2)], [append(1)], [read([2, 1])])
    result = check(history)
    assert (result.valid, result.reason) == ("unknown", Reason.VERSION_ORDER)
    assert "1 was appended more than once" in (result.explanation or "")
    certain = of([append(1), append(2)], [append(1)], [read([2, 1]), read([1])])
    assert check(certain).valid is False


def test_initial_values_and_nil() -> None:
    assert check(of([append(1)], [read([0, 1])]), initial=[0]).valid is True
    assert check(of([append(1)], [read([1])]), initial=[0]).valid is False
    assert check(of([append(1)], [read(None)]), initial=[0]).valid is False
    assert check(of([append(1)], [read(None)]), initial=[0], nil_reads="unknown").valid is True
    assert check(of([write(1)], [read(0)]), initial=0).valid is True


@pytest.mark.parametrize("call", [Did("cas", [1, 2]), Did("txn", [["r", "x", None]])])
def test_what_it_has_no_word_for(call: Did) -> None:
    assert check(of([call])).reason is Reason.UNSUPPORTED
    assert check(of([append(1)], [write(1)])).reason is Reason.UNSUPPORTED
    assert check(of([append(1)], [read(5)])).reason is Reason.UNSUPPORTED


def test_many_sessions_take_little_time() -> None:
    """20,000 appends and 200 reads of all of them: nothing is quadratic in the appends."""
    lines: list[Op] = []
    for i in range(20_000):
        lines += [Op("invoke", i % 10, "append", i), Op("ok", i % 10, "append", i)]
    lines += [Op("invoke", 11, "read"), Op("ok", 11, "read", list(range(20_000)))] * 20
    result = check(History(lines), time_limit_s=20.0)
    assert (result.valid, result.reason) == (True, None)


def test_past_the_time_limit_it_is_unknown() -> None:
    assert check(VALID["each key by itself"], time_limit_s=0.0).reason is Reason.TIMEOUT
