"""The fault ``fds``: programs that have hardly any file descriptors left, as after a leak: nobody new gets in or out.

A program may end itself when a file cannot be opened; it is started again when the fault is healed.
"""

from __future__ import annotations

from collections.abc import Sequence
from random import Random
from typing import Final

from harness.cluster_faults import ResourceFaults
from harness.faults.degradation import Amount
from harness.faults.limit import Limit

SPARE_MAX: Final = 8


def spare(random: Random) -> Amount:
    """None every other time: a program that has a few may live long on the connections it has."""
    return {"spare": float(random.choice((0, random.randint(1, SPARE_MAX))))}


async def limit_fds(cluster: ResourceFaults, nodes: Sequence[str], amount: Amount) -> None:
    await cluster.limit_fds(nodes, int(amount["spare"]))


FAULT: Final = Limit(
    name="fds",
    summary="leave programs hardly any file descriptors",
    noun="calls refused for want of a descriptor",
    amount=spare,
    impose=limit_fds,
    needs=frozenset({"fds"}),
    owns_nodes=True,
)
