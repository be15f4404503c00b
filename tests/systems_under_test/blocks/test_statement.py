"""Statements: what each does, what it answers, and that a bad one does nothing."""

from __future__ import annotations

from typing import Any

import pytest

from systems_under_test.blocks.page import LAYOUTS, Pages
from systems_under_test.blocks.statement import ROW_BYTES_MAX, BadStatement, Trigger, execute, fixed
from systems_under_test.blocks.table_store import TableStore


class Numbers:
    """Functions that return 1, 2, ...: no two calls agree."""

    def __init__(self) -> None:
        self.calls: list[str] = []

    def call(self, name: str) -> Any:
        self.calls.append(name)
        return len(self.calls)


def seats() -> TableStore:
    store = TableStore(Pages(LAYOUTS["old"]))
    for tag, holder in enumerate([None, 7, 12]):
        execute(store, {"insert": "seats", "row": {"tag": tag, "holder": holder}}, Numbers())
    return store


def test_an_insert_answers_with_its_key() -> None:
    store = seats()
    row = {"tag": 3, "at": {"call": "NOW"}, "sum": {"sum": [1, {"call": "RAND"}]}}
    assert execute(store, {"insert": "seats", "row": row}, Numbers()) == {"id": 4}
    assert store.row("seats", 4) == {"tag": 3, "at": 1, "sum": 3}


@pytest.mark.parametrize(
    ("where", "met"),
    [
        ([], [0, 1, 2]), ([["holder", "=", None]], [0]),
        ([["holder", "!=", None]], [1, 2]), ([["holder", ">", 7]], [2]),
        ([["holder", "<=", 7]], [1]), ([["holder", ">=", 7], ["tag", "<", 2]], [1]), ([["id", "=", 3]], [2]),
        ([["nothing", "<", 5]], []),
    ],
)  # fmt: skip
def test_conditions(where: list[Any], met: list[int]) -> None:
    store = seats()
    assert execute(store, {"update": "seats", "set": {"holder": 99}, "where": where}, Numbers()) == {"count": len(met)}
    assert [row["tag"] for _, row in store.rows("seats") if row["holder"] == 99] == met
    store = seats()
    assert execute(store, {"delete": "seats", "where": where}, Numbers()) == {"count": len(met)}
    assert [row["tag"] for _, row in store.rows("seats")] == [tag for tag in range(3) if tag not in met]


def test_an_update_sees_the_row_as_it_was_and_calls_for_each() -> None:
    store = seats()
    row = {"tag": {"sum": [{"column": "tag"}, 10]}, "holder": {"column": "tag"}, "n": {"call": "RAND"}}
    execute(store, {"update": "seats", "set": row, "where": [["tag", ">", 0]]}, Numbers())
    assert [row for _, row in store.rows("seats")][1:] == [
        {"tag": 11, "holder": 1, "n": 1}, {"tag": 12, "holder": 2, "n": 2},
    ]  # fmt: skip


def test_a_fixed_statement_calls_nothing() -> None:
    functions = Numbers()
    statement = {"insert": "visits", "row": {"tag": 1, "at": {"call": "NOW"}, "sum": {"sum": [{"call": "RAND"}, 1]}}}
    said = fixed(statement, functions)
    assert said == {"insert": "visits", "row": {"tag": 1, "at": 1, "sum": {"sum": [2, 1]}}}
    assert functions.calls == ["NOW", "RAND"]
    later = Numbers()
    execute(TableStore(Pages(LAYOUTS["old"])), said, later)
    assert later.calls == []


def test_a_trigger_writes_where_the_insert_was() -> None:
    store = seats()
    audit = {"insert": "audit", "row": {"order": {"new": "id"}, "tag": {"new": "tag"}, "at": {"call": "NOW"}}}
    triggers = (Trigger("orders", audit),)
    execute(store, {"insert": "orders", "row": {"tag": 5}}, Numbers(), triggers)
    execute(store, {"insert": "seats", "row": {"tag": 6}}, Numbers(), triggers)
    assert store.rows("audit") == [(1, {"order": 1, "tag": 5, "at": 1})]
    assert [change.table for change in store.take_row_changes()][-3:] == ["orders", "audit", "seats"]


@pytest.mark.parametrize(
    "statement",
    [
        "select", {}, {"insert": "seats"}, {"insert": "a/b", "row": {}}, {"insert": "seats", "row": {"tag": [1]}},
        {"insert": "seats", "row": {"tag": "x" * ROW_BYTES_MAX}}, {"delete": "seats", "where": [["tag", "~", 1]]},
        {"delete": "seats", "where": [["tag"]]}, {"delete": "seats", "where": [["tag", "<", "x"]]},
        {"update": "seats", "set": {"tag": {"sum": ["x", 1]}}, "where": []},
        {"update": "seats", "set": {"tag": {"sum": [{"column": "holder"}, 1]}}, "where": []},
    ],
)  # fmt: skip
def test_a_bad_statement_changes_nothing(statement: Any) -> None:
    store = seats()
    before = store.dump()
    with pytest.raises(BadStatement):
        execute(store, statement, Numbers())
    assert store.dump() == before
