"""Read uncommitted, as the SQL standard lets it be: everybody reads and writes in place, at once, and nobody waits.

Without locks on writes the writes of two transactions mix (dirty writes: G0, which Adya's PL-1 already forbids), and a
transaction may not even find what it wrote itself. What is read may never be committed (G1a), or be only half of what a
transaction does (G1b, G1c). Berenson et al., "A Critique of ANSI SQL Isolation Levels" (1995); Adya (1999).

One promise is kept: what a transaction wrote that aborts is taken back, and nobody else's with it. So each key is a log
of updates, from which an aborted one can be taken out, and not one value, whose former state would wipe out what others
wrote meanwhile.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from systems_under_test.blocks.lock_table import Key, Range
from systems_under_test.reference_store.isolation import Aborted, Rows, updated, within


@dataclass(slots=True)
class _Update:
    """``owner``: the transaction, until it has committed."""

    owner: _Transaction | None
    f: str
    value: Any


class ReadUncommitted:
    """See :class:`systems_under_test.reference_store.isolation.Isolation`. ``table`` has the values of long ago,
    ``log`` the updates since the first that is not committed."""

    def __init__(self) -> None:
        self.table: dict[Key, Any] = {}
        self.log: dict[Key, list[_Update]] = {}

    def begin(self, client: str) -> _Transaction:
        return _Transaction(self)

    def value(self, key: Key) -> Any:
        return _folded(self.table.get(key), self.log.get(key, ()))

    def settle(self, key: Key) -> None:
        """Move the updates that are committed, and come after no other, from the log into the table."""
        log = self.log[key]
        settled = next((place for place, update in enumerate(log) if update.owner is not None), len(log))
        self.table[key] = _folded(self.table.get(key), log[:settled])
        del log[:settled]


class _Transaction:
    def __init__(self, store: ReadUncommitted) -> None:
        self._store = store
        self._touched: dict[Key, None] = {}

    async def read(self, key: Key) -> Any:
        return self._store.value(key)

    async def update(self, key: Key, f: str, value: Any) -> None:
        updated(self._store.value(key), f, value)  # raises where that is not possible
        self._touched[key] = None
        self._store.log.setdefault(key, []).append(_Update(self, f, value))

    async def select(self, range_: Range) -> Rows:
        return {key: self._store.value(key) for key in within(range_, self._store.table, self._store.log)}

    def commit(self) -> None:
        for key in self._touched:
            for update in self._store.log[key]:
                if update.owner is self:
                    update.owner = None
            self._store.settle(key)

    def abort(self) -> None:
        for key in self._touched:
            self._store.log[key] = [update for update in self._store.log[key] if update.owner is not self]
            self._store.settle(key)


def _folded(value: Any, updates: Sequence[_Update]) -> Any:
    """The value after these updates, without those that are no longer possible: what made them so was taken back."""
    for update in updates:
        try:
            value = updated(value, update.f, update.value)
        except Aborted:
            continue
    return value
