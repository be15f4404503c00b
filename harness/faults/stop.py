"""The fault ``stop``: SIGTERM to the node programs, which end in good order; healing starts them again."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, cast

from harness.cluster import Cluster
from harness.cluster_faults import MachineFaults
from harness.faults.absence import Absence


async def stop(cluster: Cluster, nodes: Sequence[str]) -> None:
    await cast(MachineFaults, cluster).stop(nodes)


FAULT: Final = Absence(
    name="stop",
    summary="have node programs end in good order, then start them again",
    participle="stopped",
    needs=frozenset({"stop"}),
    take_down=stop,
)
