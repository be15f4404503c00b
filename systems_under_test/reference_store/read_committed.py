"""Read committed: no dirty writes and no dirty reads, and no more than that (Kleppmann, "Designing Data-Intensive
Applications", ch. 7, "Read Committed").

A key that is written is locked until the transaction ends, so the writes of two transactions never mix. Readers take no
locks: while somebody holds the lock, the value that was committed last is still there for everybody else.
"""

from __future__ import annotations

from typing import Any

from harness.node import Env

from systems_under_test.blocks.lock_table import Deadlock, Key, LockTable, Range, Withdrawn
from systems_under_test.reference_store.isolation import Aborted, Rows, updated, within


class ReadCommitted:
    """See :class:`systems_under_test.reference_store.isolation.Isolation`. ``table`` has what is committed."""

    def __init__(self, env: Env) -> None:
        self.locks = LockTable(env)
        self.table: dict[Key, Any] = {}
        self._begun = 0

    def begin(self, client: str) -> _Transaction:
        self._begun += 1
        return _Transaction(self, f"{client}/{self._begun}")


class _Transaction:
    def __init__(self, store: ReadCommitted, name: str) -> None:
        self._store, self._name = store, name
        self._written: dict[Key, Any] = {}

    async def read(self, key: Key) -> Any:
        return self._seen(key)

    async def update(self, key: Key, f: str, value: Any) -> None:
        try:
            await self._store.locks.acquire(self._name, Range(key, key), exclusive=True)
        except Deadlock:
            raise Aborted("deadlock") from None
        except Withdrawn:
            raise Aborted("no-transaction") from None
        self._written[key] = updated(self._seen(key), f, value)

    async def select(self, range_: Range) -> Rows:
        return {key: self._seen(key) for key in within(range_, self._store.table, self._written)}

    def commit(self) -> None:
        self._store.table.update(self._written)
        self._store.locks.release(self._name)

    def abort(self) -> None:
        self._store.locks.release(self._name)

    def _seen(self, key: Key) -> Any:
        return self._written.get(key, self._store.table.get(key))
