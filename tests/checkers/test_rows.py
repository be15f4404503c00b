"""``rows``: rows that are lost, back again, under a wrong key, or there twice; keys given twice; what is not known."""

from __future__ import annotations

from typing import Any

import pytest

from checkers.rows import check
from harness.history import History, Op
from harness.result import Reason
from tests.checkers.calls import call, concurrent


def insert(process: int, tag: int, given: int | None = None, outcome: str = "ok", key: str = "orders") -> list[Op]:
    row = {"row": {"tag": tag}}
    return call(process, "insert", row, None if given is None else {**row, "id": given}, outcome=outcome, key=key)


def delete(process: int, tag: int, count: int = 1, outcome: str = "ok") -> list[Op]:
    where = {"where": [["tag", "=", tag]]}
    return call(process, "delete", where, {**where, "count": count}, outcome=outcome, key="orders")


def read(process: int, *rows: tuple[int, int], key: str = "orders") -> list[Op]:
    return call(process, "read", None, [{"id": given, "tag": tag} for given, tag in rows], key=key)


def types(*calls: list[Op]) -> list[str]:
    return [anomaly.type for anomaly in check(History([op for each in calls for op in each])).anomalies]


def test_what_was_inserted_is_there_and_what_was_deleted_is_not() -> None:
    history = [*insert(0, 5, 1), *insert(1, 6, 2), *delete(0, 5), *insert(2, 7, outcome="info"), *read(0, (2, 6))]
    result = check(History([*history, *insert(3, 1, 1, key="seats"), *read(0, (1, 1), key="seats")]))
    assert result.valid is True, str(result)
    assert (result.details["tables"], result.details["acknowledged"]) == (2, 3)


def test_a_lost_row() -> None:
    result = check(History([*insert(0, 5, 1), *insert(1, 6, 2), *read(0, (2, 6))]))
    (anomaly,) = result.anomalies
    assert (result.valid, anomaly.type, anomaly.operations) == (False, "lost", (0, 1, 4, 5))
    assert anomaly.explanation == 'Table "orders": row 5 was acknowledged and is not in the last read.'


@pytest.mark.parametrize("outcome", ["ok", "info"])
def test_what_may_have_been_deleted_is_not_lost(outcome: str) -> None:
    assert types(insert(0, 5, 1), delete(1, 5, outcome=outcome), read(0)) == []
    assert types(insert(0, 5, 1), delete(1, 5, outcome="fail"), read(0)) == ["lost"]
    anything = call(1, "delete", {"where": [["amount", ">", 1]]}, outcome=outcome, key="orders")
    assert types(insert(0, 5, 1), anything, read(0)) == []


def test_a_row_that_is_back_again() -> None:
    assert types(insert(0, 5, 1), delete(1, 5), read(0, (1, 5))) == ["resurrected"]
    assert types(insert(0, 5, 1), delete(1, 5, count=0), read(0, (1, 5))) == []
    assert types(insert(0, 5, 1), delete(1, 5, outcome="info"), read(0, (1, 5))) == []


def test_a_key_that_was_given_twice() -> None:
    assert types(insert(0, 5, 1), insert(1, 6, 1), delete(0, 6), read(0, (1, 5))) == ["duplicate"]
    assert types(insert(0, 5, 1), insert(1, 6, 1, key="seats"), read(0, (1, 5)), read(0, (1, 6), key="seats")) == []


def test_a_read_that_shows_a_row_twice() -> None:
    assert types(insert(0, 5, 1), read(0, (1, 5), (2, 5))) == ["duplicate", "wrong-key"]


def test_a_row_under_another_key() -> None:
    assert types(insert(0, 5, 1), read(0, (3, 5))) == ["wrong-key"]
    assert types(insert(0, 5, outcome="info"), read(0, (3, 5))) == [], "nobody was told its key"


def test_a_row_that_nobody_inserted() -> None:
    assert types(read(0, (1, 9))) == ["unexpected"]
    assert types(read(0, (1, 9)), insert(0, 9, 1), read(0, (1, 9))) == ["unexpected"], "asked for only later"
    assert types(insert(0, 9, outcome="fail"), read(0, (1, 9))) == ["unexpected"]


def test_only_a_read_behind_all_changes_decides() -> None:
    early = concurrent(insert(0, 5, 1), read(1))
    result = check(History(early))
    assert (result.valid, result.reason) == ("unknown", Reason.MISSING_FINAL_READ)
    assert check(History([*early, *read(1, (1, 5))])).valid is True
    assert check(History([*early, *read(1)])).valid is False


@pytest.mark.parametrize(
    "lines",
    [
        [*insert(0, 5, 1), *insert(0, 5, 2)],
        call(0, "insert", {"row": {}}, key="orders"),
        call(0, "insert", 7, key="orders"),
        call(0, "enqueue", 1, key="orders"),
        [*insert(0, 5, 1), *call(0, "read", None, {"tag": 5}, key="orders")],
    ],
)
def test_what_it_has_no_word_for_is_unknown(lines: Any) -> None:
    result = check(History(lines))
    assert (result.valid, result.reason) == ("unknown", Reason.UNSUPPORTED)
