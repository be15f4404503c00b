"""What a fault's heal may not undo: nodes that another fault in force holds down stay down until that one is healed."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from typing import Any, cast

from harness.cluster import Cluster


class HeldCluster:
    """The cluster, but for :meth:`start`, which passes over the nodes that ``held()`` names. Whoever holds them starts
    them in the end; else of two faults that overlap the first heal would end both."""

    def __init__(self, cluster: Cluster, held: Callable[[], Collection[str]]) -> None:
        self._cluster, self._held = cluster, held

    def __getattr__(self, name: str) -> Any:
        return getattr(self._cluster, name)

    async def start(self, nodes: Sequence[str]) -> None:
        held = self._held()
        if free := [node for node in nodes if node not in held]:
            await self._cluster.start(free)


def unheld(cluster: Cluster, held: Callable[[], Collection[str]]) -> Cluster:
    """``cluster`` as a fault sees it that must respect what ``held()`` names at that moment."""
    return cast(Cluster, HeldCluster(cluster, held))
