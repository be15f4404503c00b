"""The applications, one transaction at a time: what each does, when it gives up, and how its keys are ordered."""

from __future__ import annotations

from typing import Any

import pytest

from harness.history import Op
from systems_under_test.blocks.procedures import OPENING_BALANCE, PROCEDURES, SLOTS_MAX
from tests.systems_under_test.blocks.serial_transactions import SerialStore


def ask(store: SerialStore, f: str, value: Any, key: Any = None) -> Op:
    return store.ask(Op("invoke", 0, f, value, key=key))


def transfer(store: SerialStore, source: int, target: int, amount: int, key: Any = None) -> Op:
    return ask(store, "transfer", {"from": source, "to": target, "amount": amount}, key)


def book(store: SerialStore, id_: int, first: int, last: int, room: Any = 0) -> Op:
    return ask(store, "book", {"id": id_, "first": first, "last": last}, room)


def shown(store: SerialStore, value: Any = None, room: Any = 0) -> list[int]:
    return [booking["id"] for booking in ask(store, "bookings", value, room).value]


def test_money_is_moved_and_none_is_made() -> None:
    store = SerialStore()
    assert ask(store, "read", [0, 1]).value == {"0": OPENING_BALANCE, "1": OPENING_BALANCE}
    assert transfer(store, 0, 1, 5).type == "ok"
    assert ask(store, "read", [0, 1]).value == {"0": OPENING_BALANCE - 5, "1": OPENING_BALANCE + 5}
    assert ask(store, "read", [0, 1], key=7).value == {"0": OPENING_BALANCE, "1": OPENING_BALANCE}, "another bank"


def test_no_account_is_overdrawn() -> None:
    store = SerialStore()
    assert transfer(store, 0, 1, OPENING_BALANCE).type == "ok"
    refused = transfer(store, 0, 1, 1)
    assert (refused.type, refused.error) == ("fail", "insufficient-funds")
    assert ask(store, "read", [0]).value == {"0": 0}


def test_a_transfer_reads_both_before_it_writes_and_thinks_between() -> None:
    store = SerialStore()
    transfer(store, 0, 1, 1)
    assert store.steps == ["read", "think", "read", "think", "write", "think", "write"]


def test_the_last_doctor_stays() -> None:
    store = SerialStore()
    look = [["r", "alice", None], ["r", "bob", None]]
    first = ask(store, "go-off-call", [*look, ["w", "alice", False]], key=3)
    assert first.value == [["r", "alice", True], ["r", "bob", True], ["w", "alice", False]]
    second = ask(store, "go-off-call", [*look, ["w", "bob", False]], key=3)
    assert (second.type, second.value) == ("ok", [["r", "alice", False], ["r", "bob", True]]), "and nothing is written"
    assert ask(store, "roster", look, key=3).value == [["r", "alice", False], ["r", "bob", True]]
    assert ask(store, "roster", look, key=4).value == [["r", "alice", True], ["r", "bob", True]], "another shift"


def test_a_room_is_booked_where_it_is_free() -> None:
    store = SerialStore()
    assert book(store, 1, 3, 5).type == "ok"
    for id_, (first, last) in enumerate([(3, 5), (4, 4), (5, 6), (2, 3), (1, 3)], 2):
        refused = book(store, id_, first, last)
        assert (refused.type, refused.error) == ("fail", "occupied")
    assert [book(store, 7, 6, 8).type, book(store, 8, 0, 2).type, book(store, 9, 3, 5, room=1).type] == ["ok"] * 3
    assert shown(store) == [8, 1, 7], "in the order of the slots"
    assert shown(store, {"first": 5, "last": 6}) == [1, 7]
    assert shown(store, room=1) == [9]
    assert shown(store, room=2) == []


def test_bookings_are_rows_of_their_own() -> None:
    """Else two that overlap would write the same key, and snapshot isolation would be enough."""
    store = SerialStore()
    book(store, 1, 3, 5)
    cancelled = {"id": 1, "first": 3, "last": 5}
    assert ask(store, "cancel", cancelled, 0).value == cancelled
    assert book(store, 2, 3, 5).type == "ok"
    assert len(store.table) == 2
    assert shown(store) == [2]


def test_what_is_not_booked_cannot_be_cancelled() -> None:
    store = SerialStore()
    book(store, 1, 3, 5)
    for id_, room in ((2, 0), (1, 1)):
        refused = ask(store, "cancel", {"id": id_, "first": 3, "last": 5}, room)
        assert (refused.type, refused.error) == ("fail", "no-such-booking")
    assert ask(store, "cancel", {"id": 1, "first": 3, "last": 5}, 0).type == "ok"
    assert ask(store, "cancel", {"id": 1, "first": 3, "last": 5}, 0).error == "no-such-booking"
    assert shown(store) == []


@pytest.mark.parametrize(("first", "last", "type_"), [(1, SLOTS_MAX, "ok"), (1, SLOTS_MAX + 1, "fail"), (2, 1, "fail")])
def test_bookings_have_a_length(first: int, last: int, type_: str) -> None:
    assert book(SerialStore(), 1, first, last).type == type_


def test_many_slots_stay_in_order() -> None:
    store = SerialStore()
    firsts = [0, 9, 99, 999, 1005, 10_000, 123_456]
    for first in reversed(firsts):
        assert book(store, first, first, first + 2).type == "ok"
    assert shown(store) == firsts
    assert shown(store, {"first": 100, "last": 1004}) == [99, 999]
    assert book(store, 1, 101, 101).error == "occupied"


def test_micro_operations_are_one_of_them() -> None:
    store = SerialStore()
    done = ask(store, "txn", [["r", 1, None], ["w", 1, 5], ["r", 1, None]])
    assert done.value == [["r", 1, None], ["w", 1, 5], ["r", 1, 5]]
    assert set(PROCEDURES) >= {"txn", "transfer", "read", "go-off-call", "roster", "book", "cancel", "bookings"}
