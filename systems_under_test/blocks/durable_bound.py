"""Durable bound: a number that only rises, of which none is used before the disk knows that it may have been.

Clocks and counters that must not run backwards over a restart keep one: a bound is saved ahead of what is used, in
strides, so that the disk is asked once in a while and not for each number; after a restart one begins above the bound.
(CockroachDB keeps one for its hybrid clock; a hi/lo generator of keys is the same.)
"""

from __future__ import annotations

from harness.node import Disk

from systems_under_test.blocks.durable_cell import DurableCell


class DurableBound:
    """``floor`` is above every number that ``reserve`` allowed an earlier incarnation to use."""

    def __init__(self, disk: Disk, name: str, stride: int) -> None:
        assert stride >= 1, "each save allows at least one number"
        self._cell, self._stride = DurableCell(disk, name), stride
        self._bound = 0  # durable: the first number that may not be used yet
        self._asked = 0
        self.floor = 0

    async def load(self) -> None:
        """Recover after a restart. Raises CorruptCell."""
        saved = await self._cell.load()
        if saved is not None:
            self.floor = self._bound = self._asked = saved["bound"]

    def allows(self, number: int) -> bool:
        """Whether ``number`` may be used without waiting for the disk."""
        return number < self._bound

    async def reserve(self, number: int) -> None:
        """Return when ``number`` may be used. OSError: the node must stop."""
        while not self.allows(number):
            self._asked = bound = max(self._asked, number + self._stride)
            await self._cell.save({"bound": bound})
            self._bound = max(self._bound, bound)
