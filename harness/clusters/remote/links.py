"""Links between nodes that delay, lose, repeat, reorder, spoil or squeeze what they carry."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from harness.clusters.remote.nodes import Nodes


class RemoteLinks:
    """See :class:`harness.clusters.remote.nodes.Part`."""

    def __init__(self, nodes: Nodes) -> None:
        self._nodes = nodes

    @property
    def capabilities(self) -> frozenset[str]:
        return frozenset()

    async def booted(self, names: Sequence[str]) -> None:
        """Nothing to set up."""

    async def starting(self, names: Sequence[str]) -> None:
        """Nothing to prepare."""

    async def started(self, names: Sequence[str]) -> None:
        """Nothing to tell."""

    async def met(self) -> Mapping[str, Mapping[str, int]]:
        return {}
