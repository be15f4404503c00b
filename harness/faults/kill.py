"""The fault ``kill``: SIGKILL to the node programs; healing starts them again on what their disks kept."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from harness.cluster import Cluster
from harness.faults.absence import Absence


async def kill(cluster: Cluster, nodes: Sequence[str]) -> None:
    await cluster.kill(nodes)


FAULT: Final = Absence(
    name="kill",
    summary="kill -9 node programs, then start them again",
    participle="killed",
    needs=frozenset({"kill"}),
    take_down=kill,
)
