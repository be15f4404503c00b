"""What a node of the pair is, on its disk: primary or standby, whether it has everything, and whether it is alone."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from harness.node import Disk

from systems_under_test.blocks.durable_cell import DurableCell
from systems_under_test.failover_pair.switch import PRIMARY


class Standing:
    """``generation`` is the switch's number under which the present primary became one, as far as this node knows.

    ``whole``: it has all that was acknowledged, and its disk says so; then it may order the other off and take over. If
    it did so before, and was restarted, nobody would know any more who has everything. ``alone``: a primary that need
    not wait for the other, which is off, or has not caught up yet and is not whole. ``cycle`` is the time of being
    switched on (``power``) that all this is about: after another one, a node is whole only if it is told so, and told
    of this very one. ``other`` is the latest cycle of the other node that this one has heard of.
    """

    def __init__(self, disk: Disk) -> None:
        self._cell = DurableCell(disk, "standing")
        self.cycle = self.generation = self.other = 0
        self.is_primary = self.whole = self.alone = False
        self._told_whole = False
        self._saving = 0

    @property
    def durable(self) -> bool:
        """Whether a restart would find all this again. Until then a node that is alone acknowledges nothing alone."""
        return self._saving == 0

    async def load(self) -> None:
        """Raises Corruption."""
        state = await self._cell.load()
        if state is not None:
            self._take(state)

    def _take(self, state: Mapping[str, Any]) -> None:
        self.cycle, self.generation, self.other = state["cycle"], state["generation"], state["other"]
        self.is_primary, self.alone = state["primary"], state["alone"]
        self.whole = self._told_whole = state["whole"]

    async def switched_on(self, cycle: int, part: str) -> None:
        """Whoever is switched on as the primary is alone; as the standby, it has to catch up. Durable on return."""
        primary = part == PRIMARY
        self.cycle, self.is_primary, self.whole, self.alone = cycle, primary, False, primary
        self._told_whole = primary
        self.generation = cycle if primary else self.generation
        await self._save()

    async def take_over(self, generation: int) -> None:
        """The other is off: be the primary, alone. Durable on return."""
        self.is_primary = self._told_whole = self.alone = True
        self.generation = generation
        await self._save()

    async def join(self) -> None:
        """The standby has all that is acknowledged, and nothing more is without it. Durable on return: only then may
        the standby be told."""
        self.alone = False
        await self._save()

    async def follow(self, generation: int, *, is_whole: bool) -> None:
        """As a standby, which may just have been told that it is whole. Durable on return."""
        is_whole = is_whole or self._told_whole
        if (generation, is_whole) != (self.generation, self._told_whole):
            self.generation, self._told_whole = generation, is_whole
            await self._save()

    async def hear(self, cycle: int) -> None:
        """The other one said something in that cycle of its own: what switched it off before is over. Durable on
        return: only then may it be told that it is whole."""
        if cycle > self.other:
            self.other = cycle
            await self._save()

    async def _save(self) -> None:
        self._saving += 1
        cycle, is_whole = self.cycle, self._told_whole
        await self._cell.save({"cycle": cycle, "generation": self.generation, "other": self.other,
                               "primary": self.is_primary, "whole": is_whole, "alone": self.alone})  # fmt: skip
        self._saving -= 1
        self.whole = self.whole or (is_whole and cycle == self.cycle)
