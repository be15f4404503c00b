"""Strict two-phase locking: readers block writers and writers block readers, until the end of the transaction
(Kleppmann, "Designing Data-Intensive Applications", ch. 7, "Two-Phase Locking").

``serializable``: a select locks the whole range that it asked for, keys that do not exist yet included.
``repeatable-read``: it locks the rows that it found, and no more. What was read stays as it was, but a phantom may come
(Adya's PL-2.99).
"""

from __future__ import annotations

from typing import Any

from harness.node import Env

from systems_under_test.blocks.lock_table import Deadlock, Key, LockTable, Range, Withdrawn
from systems_under_test.reference_store.isolation import Aborted, Rows, updated, within


class TwoPhaseLocking:
    """See :class:`systems_under_test.reference_store.isolation.Isolation`. ``table`` has what is committed."""

    def __init__(self, env: Env, *, predicate_locks: bool) -> None:
        self.predicate_locks = predicate_locks
        self.locks = LockTable(env)
        self.table: dict[Key, Any] = {}
        self._begun = 0

    def begin(self, client: str) -> _Transaction:
        self._begun += 1
        return _Transaction(self, f"{client}/{self._begun}")


class _Transaction:
    def __init__(self, store: TwoPhaseLocking, name: str) -> None:
        self._store, self._name = store, name
        self._written: dict[Key, Any] = {}

    async def read(self, key: Key) -> Any:
        await self._lock(Range(key, key), exclusive=False)
        return self._seen(key)

    async def update(self, key: Key, f: str, value: Any) -> None:
        await self._lock(Range(key, key), exclusive=True)
        self._written[key] = updated(self._seen(key), f, value)

    async def select(self, range_: Range) -> Rows:
        if self._store.predicate_locks:
            await self._lock(range_, exclusive=False)
        keys = within(range_, self._store.table, self._written)
        for key in keys:
            await self._lock(Range(key, key), exclusive=False)
        return {key: self._seen(key) for key in keys}

    def commit(self) -> None:
        self._store.table.update(self._written)
        self._store.locks.release(self._name)

    def abort(self) -> None:
        self._store.locks.release(self._name)

    async def _lock(self, range_: Range, *, exclusive: bool) -> None:
        try:
            await self._store.locks.acquire(self._name, range_, exclusive=exclusive)
        except Deadlock:
            raise Aborted("deadlock") from None
        except Withdrawn:
            raise Aborted("no-transaction") from None

    def _seen(self, key: Key) -> Any:
        return self._written.get(key, self._store.table.get(key))
