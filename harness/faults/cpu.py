"""The fault ``cpu``: nodes that have a small share of one processor, as in a crowded or wrongly sized container."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random
from typing import Final

from harness.cluster_faults import ResourceFaults
from harness.faults.degradation import Amount
from harness.faults.limit import Limit

SHARE: Final = (0.02, 0.2)
"""A node of a small system at work takes about a tenth."""


def share(random: Random) -> Amount:
    return {"share": round(random.uniform(*SHARE), 3)}


async def limit_cpu(cluster: ResourceFaults, nodes: Sequence[str], amount: Amount) -> None:
    await cluster.limit_cpu(nodes, amount["share"])


FAULT: Final = Limit(
    name="cpu",
    summary="leave machines a small share of one processor",
    noun="waits for the processor",
    amount=share,
    impose=limit_cpu,
    needs=frozenset({"cpu"}),
    owns_nodes=False,
)
