"""The fault ``bit-flip``: bits of what is stored change while a node is down; it reads them when it starts again.

One bit a node and time: a log can tell that a record is damaged, but not that its last records are missing together
with whatever would have told of them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from random import Random
from typing import Any, Final

from harness.cluster_faults import DiskFaults
from harness.fault import Action
from harness.faults.disk_damage import DiskDamage

BITS: Final = 1


async def flip(cluster: DiskFaults, nodes: Sequence[str], action: Action) -> Mapping[str, Mapping[str, Any]]:
    return await cluster.disk_flip(nodes, action["bits"], action["files"])


def draw(random: Random) -> Mapping[str, Any]:
    return {"bits": BITS, "files": ""}


FAULT: Final = DiskDamage(
    name="bit-flip",
    summary="kill nodes, flip a bit of what each has stored, then start them again",
    noun="bits flipped",
    answer="flips",
    needs=frozenset({"bit-flip", "kill"}),
    strike=flip,
    amount=draw,
)
