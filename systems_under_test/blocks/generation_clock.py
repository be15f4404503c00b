"""Generation clock: a number that only rises, kept on disk, by which a deposed leader is known
(*Patterns of Distributed Systems*, "Generation Clock"; Raft calls it the term).
"""

from __future__ import annotations

from harness.node import Disk

from systems_under_test.blocks.durable_cell import DurableCell


class GenerationClock:
    """The newest generation this node knows, and whom it voted for in it. Both are durable before a method returns,
    and a caller answers nobody before that; memory is ahead of the disk only while a caller waits.
    """

    def __init__(self, disk: Disk, name: str = "generation") -> None:
        self._cell = DurableCell(disk, name)
        self._durable = 0
        self.current = 0
        self.voted_for: str | None = None

    async def load(self) -> None:
        """Recover after a restart."""
        saved = await self._cell.load() or {"generation": 0, "voted_for": None}
        self.current = self._durable = saved["generation"]
        self.voted_for = saved["voted_for"]

    async def advance(self, generation: int) -> None:
        """Move up to ``generation``, if it is newer; on return it (or a newer one) is durable."""
        if generation > self.current:
            self.current, self.voted_for = generation, None
        if self._durable < self.current:
            await self._save()

    async def vote(self, generation: int, candidate: str) -> bool:
        """Give this node's one vote of ``generation`` to ``candidate``; False if it is given already, or too late."""
        if generation < self.current:
            return False
        if generation > self.current:
            self.current, self.voted_for = generation, None
        if self.voted_for not in (None, candidate):
            return False
        self.voted_for = candidate
        await self._save()
        return True

    async def _save(self) -> None:
        generation = self.current
        await self._cell.save({"generation": generation, "voted_for": self.voted_for})
        self._durable = max(self._durable, generation)
