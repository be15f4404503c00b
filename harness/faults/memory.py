"""The fault ``memory``: nodes whose machine has hardly any memory left; who takes more is killed by the kernel."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random
from typing import Final

from harness.cluster_faults import ResourceFaults
from harness.faults.degradation import Amount, log_uniform
from harness.faults.limit import Limit

SPARE_BYTES: Final = (1024, 32 * 1024)
"""A program that works, a leader or its follower, takes that much more within a second or two."""


def spare(random: Random) -> Amount:
    return {"limit_bytes": log_uniform(random, *SPARE_BYTES)}


async def limit_memory(cluster: ResourceFaults, nodes: Sequence[str], amount: Amount) -> None:
    await cluster.limit_memory(nodes, int(amount["limit_bytes"]))


FAULT: Final = Limit(
    name="memory",
    summary="limit the memory of machines until programs are killed for want of it",
    noun="programs killed for want of memory",
    amount=spare,
    impose=limit_memory,
    needs=frozenset({"memory"}),
    owns_nodes=True,
)
