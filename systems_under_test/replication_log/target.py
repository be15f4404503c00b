"""The other end of trigger-based replication: a database that takes changes from outside, each once, in order."""

from __future__ import annotations

from typing import Final

from harness.node import Message

from systems_under_test.blocks.table_store import RowChange
from systems_under_test.replication_log.storage import Storage

NUMBER: Final = "number"
"""Under this name a commit says how far in the change table this database is."""


class Target:
    """One such database. ``number`` is that of the last change that it has."""

    def __init__(self, storage: Storage) -> None:
        self._storage = storage
        self.number: int = storage.newest(NUMBER) or 0

    def position(self) -> Message:
        """The number of the last change that it took."""
        return {NUMBER: self.number}

    async def take(self, message: Message) -> Message:
        """Write the changes that it does not have yet, and the number of the last: one commit; durable on return."""
        new = message["changes"][self.number + 1 - message["first"] :] if message["first"] <= self.number + 1 else []
        for change in new:
            self._storage.tables.put(RowChange(*change))
        if new:
            self.number += len(new)
            self._storage.commit(**{NUMBER: self.number})
        await self._storage.sync()
        return self.position()
