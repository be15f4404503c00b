"""The fault ``slow-fsync``: every sync takes as much longer as on a worn or shared disk."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from random import Random
from typing import Any, Final

from harness.cluster_faults import DiskFaults
from harness.fault import Action
from harness.faults.degradation import log_uniform
from harness.faults.disk_failure import DiskFailure

DELAY_MS: Final = (150, 1000)
"""From what a node counts as slow (``harness.node.disk``) to longer than an election takes."""


async def slow(cluster: DiskFaults, nodes: Sequence[str], action: Action) -> Mapping[str, Any]:
    await cluster.disk_slow(nodes, action["delay_ms"])
    return {}


def draw(random: Random) -> dict[str, float]:
    return {"delay_ms": log_uniform(random, *DELAY_MS)}


FAULT: Final = DiskFailure(
    name="slow-fsync",
    summary="make every sync of the disks take longer",
    noun="calls slowed",
    needs=frozenset({"slow-fsync"}),
    strike=slow,
    amount=draw,
)
