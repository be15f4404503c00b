"""What a way of isolation is to the node: transactions begin, read, update, select, and commit or abort."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Protocol

from systems_under_test.blocks.lock_table import Key, Range, rank

Rows = Mapping[Key, Any]


class Aborted(Exception):
    """The transaction cannot go on, and nothing of it stays; the text is the error code."""


class Transaction(Protocol):
    """A transaction that is open, as the store sees it. Each method raises :class:`Aborted`, after which the node calls
    ``abort``. One may be aborted while it waits, and is left alone from then on."""

    async def read(self, key: Key) -> Any:
        """The value at ``key``; None where there is none."""

    async def update(self, key: Key, f: str, value: Any) -> None:
        """Apply :func:`updated`."""

    async def select(self, range_: Range) -> Rows:
        """What has a value in the range, in the order of the keys."""

    def commit(self) -> None: ...
    def abort(self) -> None: ...


class Isolation(Protocol):
    """A way to run transactions side by side, with the data that it needs for it."""

    def begin(self, client: str) -> Transaction: ...


def updated(old: Any, f: str, value: Any) -> Any:
    """The new value after ``f``: "w"rite it, "append" to a list, "add" to a set (a list without duplicates), "inc"rease
    a number. Raises Aborted where the old value is of another type."""
    match f, old:
        case "w", _:
            return value
        case "append", None | list():
            return [*(old or ()), value]
        case "add", None | list():
            return old if old and value in old else [*(old or ()), value]
        case "inc", None | int() | float() if isinstance(value, int | float):
            return (old or 0) + value
        case (("append" | "add" | "inc"), _):
            raise Aborted("wrong-type")
    raise Aborted("unsupported")


def within(range_: Range, *tables: Mapping[Key, Any]) -> list[Key]:
    """The keys of the tables in that range, in order, each once."""
    keys: Iterable[Key] = dict.fromkeys(key for table in tables for key in table)
    return sorted((key for key in keys if range_.covers(Range(key, key))), key=rank)
