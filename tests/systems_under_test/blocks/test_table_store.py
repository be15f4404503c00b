"""Tables: keys count up and are never given twice; row changes mean the same in any layout."""

from __future__ import annotations

from systems_under_test.blocks.page import LAYOUTS, SLOTS_PER_PAGE, Pages
from systems_under_test.blocks.table_store import RowChange, TableStore


def store(build: str = "old") -> TableStore:
    return TableStore(Pages(LAYOUTS[build]))


def test_keys_count_up_over_pages_and_are_not_used_again() -> None:
    tables = store()
    assert [tables.insert("orders", {"tag": tag}) for tag in range(20)] == list(range(1, 21))
    tables.put(RowChange("orders", 20, None))
    assert tables.insert("orders", {"tag": 99}) == 21
    assert [key for key, _ in tables.rows("orders")] == [*range(1, 20), 21]
    assert (tables.row("orders", 21), tables.row("orders", 20)) == ({"tag": 99}, None)
    assert tables.insert("seats", {"tag": 0}) == 1, "each table counts by itself"
    assert tables.tables() == ["orders", "seats"]


def test_a_row_put_under_a_key_moves_the_count() -> None:
    tables = store()
    tables.put(RowChange("orders", SLOTS_PER_PAGE + 1, {"tag": 1}))
    assert tables.next_key("orders") == SLOTS_PER_PAGE + 2
    tables.put(RowChange("orders", 3, {"tag": 2}))
    assert tables.insert("orders", {"tag": 3}) == SLOTS_PER_PAGE + 2


def test_row_changes_make_the_same_of_another_layout() -> None:
    ours, theirs = store("old"), store("new")
    for tag in range(12):
        ours.insert("orders", {"tag": tag})
    ours.put(RowChange("orders", 5, None))
    for change in ours.take_row_changes():
        theirs.put(RowChange(*change.as_json()))
    assert ours.dump() == theirs.dump()
    assert ours.dump()["orders/6"] == {"tag": 5}
    assert "orders/5" not in ours.dump()
    assert ours.take_row_changes() == []


def test_a_dump_shows_chosen_tables_and_bytes_that_are_no_row() -> None:
    ours, theirs = store("new"), store("old")
    ours.insert("orders", {"tag": 1})
    for change in ours.pages.take_changes():
        theirs.pages.patch(change)
    assert theirs.dump()["orders/1"]["unreadable"]
    ours.insert("seats", {"tag": 2})
    assert set(ours.dump(["seats"])) == {"seats/0", "seats/1"}
