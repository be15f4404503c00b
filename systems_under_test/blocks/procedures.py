"""What applications do inside transactions, by the name of the operation that asks for it.

The applications are those of Kleppmann, "Designing Data-Intensive Applications", ch. 7 ("Weak Isolation Levels"): money
is moved between accounts (read skew, lost updates), doctors go off call (write skew), rooms are booked (phantoms). Each
keeps its invariant whenever its transactions run one at a time.

None needs data that somebody has put there before: what has no value yet is as it was in the beginning (an account with
OPENING_BALANCE, a doctor who is on call, a slot that nobody has booked). So no run depends on a first transaction whose
outcome may be unknown, and a run that is cut down to a few operations still means the same.

Keys are texts whose order is that of what they name, so that a predicate read is a range of them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from harness.history import Op

from systems_under_test.blocks.transaction import GivenUp, Procedure, Transaction, micro_operations

OPENING_BALANCE: Final = 20
SLOTS_MAX: Final = 3
"""The longest booking. Whoever looks for bookings that overlap his own need not look further back than that."""

_DIGITS: Final = 9
_AFTER_ALL: Final = "~"  # comes after every letter and digit


def _key(*parts: Any) -> str:
    """The key of that path; numbers in it in their order. None, the only object of its kind, has no part."""
    return "/".join(f"{part:0{_DIGITS}}" if isinstance(part, int) else str(part) for part in parts if part is not None)


async def transfer(transaction: Transaction, op: Op) -> Any:
    """``transfer`` {"from": account, "to": account, "amount": n}: what both hold is read, then written.

    An account is never overdrawn: without the funds it is given up.
    """
    asked = op.value
    source, target = _key("account", op.key, asked["from"]), _key("account", op.key, asked["to"])
    funds = await _balance(transaction, source)
    if funds < asked["amount"]:
        raise GivenUp("insufficient-funds")
    await transaction.think()
    savings = await _balance(transaction, target)
    await transaction.think()
    await transaction.write(source, funds - asked["amount"])
    await transaction.think()
    await transaction.write(target, savings + asked["amount"])
    return asked


async def read_balances(transaction: Transaction, op: Op) -> Any:
    """``read`` of a list of accounts: the map from account to balance, read one after the other."""
    balances = {}
    for account in op.value:
        balances[str(account)] = await _balance(transaction, _key("account", op.key, account))
        await transaction.think()
    return balances


async def _balance(transaction: Transaction, key: str) -> int:
    found = await transaction.read(key)
    balance: int = OPENING_BALANCE if found is None else found
    return balance


async def go_off_call(transaction: Transaction, op: Op) -> Any:
    """``go-off-call`` with ``["r", doctor, null]`` for each doctor of the shift ``key``, then ``["w", doctor, false]``
    for the one who wants to leave. It is done if somebody else was seen on call.

    The completion has what was seen, and the write only where it was done.
    """
    *reads, (_, leaving, _) = op.value
    done = await _seen(transaction, op.key, [doctor for _, doctor, _ in reads])
    if any(on for _, doctor, on in done if doctor != leaving):
        await transaction.write(_key("shift", op.key, leaving), False)
        done.append(["w", leaving, False])
        await transaction.think()
    return done


async def roster(transaction: Transaction, op: Op) -> Any:
    """``roster`` with ``["r", doctor, null]`` for each doctor of the shift ``key``: who is on call."""
    return await _seen(transaction, op.key, [doctor for _, doctor, _ in op.value])


async def _seen(transaction: Transaction, shift: Any, doctors: list[Any]) -> list[list[Any]]:
    seen = []
    for doctor in doctors:
        found = await transaction.read(_key("shift", shift, doctor))
        seen.append(["r", doctor, found is not False])
        await transaction.think()
    return seen


async def book(transaction: Transaction, op: Op) -> Any:
    """``book`` {"id": n, "first": slot, "last": slot} in the room ``key``, if no booking there overlaps it.

    Each booking is a row of its own: two that overlap write different keys, and nothing but the predicate that both
    have read makes them conflict. (Were each slot a row, their writes would: DDIA calls that materializing conflicts.)
    """
    asked = op.value
    if not 0 <= asked["last"] - asked["first"] < SLOTS_MAX:
        raise GivenUp("wrong-length")
    if await _bookings(transaction, op.key, asked["first"], asked["last"]):
        raise GivenUp("occupied")
    await transaction.think()
    await transaction.write(_booking_key(op.key, asked), asked)
    await transaction.think()
    return asked


async def cancel(transaction: Transaction, op: Op) -> Any:
    """``cancel`` of a booking, which is named as it was asked for; given up where there is no such booking."""
    key = _booking_key(op.key, op.value)
    found = await transaction.read(key)
    if found is None or "cancelled" in found:
        raise GivenUp("no-such-booking")
    await transaction.think()
    await transaction.write(key, {**found, "cancelled": True})
    return op.value


async def bookings(transaction: Transaction, op: Op) -> Any:
    """``bookings`` of the room ``key``: all of them, or, asked with {"first": slot, "last": slot}, those that overlap
    these slots."""
    if op.value is None:
        return await _in_force(transaction, _key("room", op.key, ""), _key("room", op.key, _AFTER_ALL))
    return await _bookings(transaction, op.key, op.value["first"], op.value["last"])


async def _bookings(transaction: Transaction, room: Any, first: int, last: int) -> list[Any]:
    """The bookings that overlap the slots, in the order of their keys."""
    earliest = max(0, first - SLOTS_MAX + 1)
    found = await _in_force(transaction, _key("room", room, earliest), _key("room", room, last, _AFTER_ALL))
    return [booking for booking in found if booking["last"] >= first]


async def _in_force(transaction: Transaction, first: str, last: str) -> list[Any]:
    rows = await transaction.select(first, last)
    return [row for _, row in sorted(rows.items()) if "cancelled" not in row]


def _booking_key(room: Any, booking: Mapping[str, Any]) -> str:
    return _key("room", room, booking["first"], booking["id"])


PROCEDURES: Final[Mapping[str, Procedure]] = {
    "txn": micro_operations,
    "transfer": transfer,
    "read": read_balances,
    "go-off-call": go_off_call,
    "roster": roster,
    "book": book,
    "cancel": cancel,
    "bookings": bookings,
}
