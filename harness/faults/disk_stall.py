"""The fault ``disk-stall``: whatever is to reach the disk waits until the fault is over, as on a hung controller."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from harness.cluster_faults import DiskFaults
from harness.fault import Action
from harness.faults.disk_failure import DiskFailure


async def stall(cluster: DiskFaults, nodes: Sequence[str], action: Action) -> Mapping[str, Any]:
    await cluster.disk_stall(nodes)
    return {}


FAULT: Final = DiskFailure(
    name="disk-stall",
    summary="stall the disks: syncs hang until it is over",
    noun="calls that waited",
    needs=frozenset({"disk-stall"}),
    strike=stall,
)
