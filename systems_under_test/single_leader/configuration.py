"""Which follower is the synchronous one, as every node remembers it: the configuration of semi-synchronous replication.

A leader acknowledges by one follower's word, so whoever comes after it must know which one that was. It writes down the
pair, numbered, on a majority of all nodes *before* the pair counts. Every later majority of voters then has a node that
knows, and such a node gives its vote to nobody but the two (see ``promotion``).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Self

from harness.node import Disk

from systems_under_test.blocks.durable_cell import DurableCell


@dataclass(frozen=True, order=True, slots=True)
class Configuration:
    """The ``number``-th pair of the leader of a ``generation``; the order is that of time."""

    generation: int
    number: int
    leader: str
    synchronous: str

    def as_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, data: Mapping[str, Any] | None) -> Self | None:
        return None if data is None else cls(**data)

    @property
    def pair(self) -> tuple[str, str]:
        """The two nodes that have everything that was acknowledged under it."""
        return self.leader, self.synchronous


class ConfigurationRecord:
    """The newest configuration that this node has heard of; None before the first."""

    def __init__(self, disk: Disk) -> None:
        self._cell = DurableCell(disk, "configuration")
        self.newest: Configuration | None = None

    async def load(self) -> None:
        """Recover after a restart. Raises Corruption."""
        self.newest = Configuration.from_json(await self._cell.load())

    async def record(self, configuration: Configuration) -> None:
        """Remember it, unless a newer one is known; durable on return. Votes heed it at once."""
        if self.newest is None or self.newest < configuration:
            self.newest = configuration
        await self._cell.save(self.newest.as_json())
