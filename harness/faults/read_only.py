"""The fault ``read-only``: the disks can only be read, as a file system is after an error in it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from harness.cluster_faults import DiskFaults
from harness.fault import Action
from harness.faults.disk_failure import DiskFailure


async def make_read_only(cluster: DiskFaults, nodes: Sequence[str], action: Action) -> Mapping[str, Any]:
    await cluster.disk_read_only(nodes)
    return {}


FAULT: Final = DiskFailure(
    name="read-only",
    summary="make the disks read-only: whatever changes them is refused",
    noun="calls refused",
    needs=frozenset({"read-only"}),
    strike=make_read_only,
)
