"""The fault ``eio``: syncs fail, what they should have made durable is lost; nodes that stopped start at the end.

Where a disk can only fail as a whole, as on real nodes, it does, whatever the probability: what was done says so.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from random import Random
from typing import Any, Final

from harness.cluster_faults import DiskFaults
from harness.fault import Action
from harness.faults.disk_failure import DiskFailure

PROBABILITIES: Final = (1.0, 0.3, 0.05)
"""A dead disk; a dying one; one bad sector, which a node meets in the middle of other work."""


async def fail(cluster: DiskFaults, nodes: Sequence[str], action: Action) -> Mapping[str, Any]:
    return {"probability": await cluster.disk_eio(nodes, action["probability"])}


def draw(random: Random) -> dict[str, float]:
    return {"probability": random.choice(PROBABILITIES)}


FAULT: Final = DiskFailure(
    name="eio",
    summary="make disk syncs fail with an I/O error",
    noun="calls failed",
    needs=frozenset({"eio"}),
    strike=fail,
    amount=draw,
)
