"""A counter of the node programs, summed over their incarnations: each new one begins again at zero."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Final

from harness.clusters.remote.nodes import Nodes

TIMEOUT_MS: Final = 1000


class Tally:
    """How far ``counter`` has come on each node. What an incarnation counted after the last look at it is lost."""

    def __init__(self, counter: str) -> None:
        self._counter = counter
        self._past: dict[str, int] = {}
        self._present: dict[str, tuple[int, int]] = {}  # incarnation, count
        self._ended: set[tuple[str, int]] = set()

    def __getitem__(self, node: str) -> int:
        return self._past.get(node, 0) + self._present.get(node, (0, 0))[1]

    def add(self, node: str, incarnation: int, count: int) -> None:
        """What an incarnation says now."""
        known, last = self._present.get(node, (incarnation, 0))
        if known != incarnation:
            self._past[node] = self._past.get(node, 0) + last
        self._present[node] = incarnation, count

    def add_last(self, node: str, incarnation: int) -> None:
        """One more, that an incarnation could not tell any more: it ended with it. Counted once."""
        if (node, incarnation) not in self._ended:
            self._ended.add((node, incarnation))
            known, last = self._present.get(node, (incarnation, 0))
            self.add(node, incarnation, last + 1 if known == incarnation else 1)

    async def renew(self, nodes: Nodes) -> Sequence[str]:
        """Ask all programs that may answer; returns those that should have and did not."""
        names = [name for name in nodes.names if name not in nodes.silent]
        statuses = await asyncio.gather(*(nodes[name].status(TIMEOUT_MS) for name in names))
        for name, status in zip(names, statuses, strict=True):
            if status is not None:
                self.add(name, status["incarnation"], status["counters"].get(self._counter, 0))
        return [name for name, status in zip(names, statuses, strict=True) if status is None]
