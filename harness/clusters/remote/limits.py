"""Less memory, processor time, or file descriptors than a node would like."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from harness.clusters.remote.nodes import Nodes


class RemoteLimits:
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
