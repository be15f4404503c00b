"""Fencing token: a number that rises with each grant of a lock, by which a resource refuses whoever held it before
(Kleppmann, "Designing Data-Intensive Applications", ch. 8, "Fencing tokens").

The check belongs to the resource. A client that was paused believes in its lease, and cannot be asked to check itself.
"""

from __future__ import annotations

from harness.node import Disk

from systems_under_test.blocks.durable_cell import DurableCell


class Fence:
    """The highest token that a resource has met. It is durable before the first request under it is admitted: a
    resource that restarts must not let an older holder in again."""

    def __init__(self, disk: Disk, name: str = "fence") -> None:
        self._cell = DurableCell(disk, name)
        self._durable = 0
        self.highest = 0

    async def load(self) -> None:
        """Recover after a restart. Raises CorruptCell."""
        saved = await self._cell.load() or {"token": 0}
        self.highest = self._durable = saved["token"]

    async def admits(self, token: int) -> bool:
        """Whether a request under ``token`` may be carried out, at once: ask again after any other await, for a higher
        token may have come. OSError: the node must stop."""
        self.highest = max(self.highest, token)
        while token == self.highest and self._durable < token:
            await self._cell.save({"token": token})
            self._durable = max(self._durable, token)
        return token == self.highest
