"""The fault ``disk-full``: nothing can grow on the nodes' disks; nodes that stopped at that are started at the end."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from harness.cluster_faults import DiskFaults
from harness.fault import Action
from harness.faults.disk_failure import DiskFailure


async def fill(cluster: DiskFaults, nodes: Sequence[str], action: Action) -> Mapping[str, Any]:
    await cluster.disk_full(nodes)
    return {}


FAULT: Final = DiskFailure(
    name="disk-full",
    summary="fill the disks up: writes fail for want of space, some of them half done",
    noun="writes refused",
    needs=frozenset({"disk-full"}),
    strike=fill,
)
