"""Snapshot isolation: a transaction reads from what was committed when it began; of two that write the same key side by
side, the first to commit wins (Kleppmann, "Designing Data-Intensive Applications", ch. 7, "Snapshot Isolation and
Repeatable Read"; Berenson et al. 1995).

Nobody waits for anybody. Two transactions that each read what the other writes both commit: write skew.
"""

from __future__ import annotations

from typing import Any

from systems_under_test.blocks.lock_table import Key, Range
from systems_under_test.reference_store.isolation import Rows
from systems_under_test.reference_store.version import Snapshot, Versions


class SnapshotIsolation:
    """See :class:`systems_under_test.reference_store.isolation.Isolation`. ``committed`` transactions have the numbers
    1, 2, ..., in the order of their commits."""

    def __init__(self) -> None:
        self.versions: Versions[int] = Versions()
        self.committed = 0

    def begin(self, client: str) -> _Transaction:
        return _Transaction(self)


class _Transaction:
    def __init__(self, store: SnapshotIsolation) -> None:
        self._store = store
        last = store.committed
        self._snapshot = Snapshot(store.versions, lambda number: number <= last)

    async def read(self, key: Key) -> Any:
        return self._snapshot.read(key)

    async def update(self, key: Key, f: str, value: Any) -> None:
        self._snapshot.update(key, f, value)

    async def select(self, range_: Range) -> Rows:
        return self._snapshot.select(range_)

    def commit(self) -> None:
        self._snapshot.commit(self._store.committed + 1)
        self._store.committed += 1

    def abort(self) -> None:
        """What was written is in the snapshot only."""
