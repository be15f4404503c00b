"""The fault ``chunk-copy``: a chunk of a stored file stands in another place of it as well, as after a misdirected
write; each half is well-formed in itself, so only checksums that know where they stand find it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from random import Random
from typing import Any, Final

from harness.cluster_faults import DiskFaults
from harness.fault import Action
from harness.faults.degradation import log_uniform
from harness.faults.disk_damage import DiskDamage

SIZE_BYTES: Final = (16, 4096)


async def copy_chunk(cluster: DiskFaults, nodes: Sequence[str], action: Action) -> Mapping[str, Mapping[str, Any]]:
    return await cluster.disk_copy_chunk(nodes, action["size_bytes"])


def draw(random: Random) -> Mapping[str, Any]:
    return {"size_bytes": int(log_uniform(random, *SIZE_BYTES))}


FAULT: Final = DiskDamage(
    name="chunk-copy",
    summary="kill nodes, write a chunk of a file over another place of it, then start them again",
    noun="chunks copied",
    answer="copied",
    needs=frozenset({"bit-flip", "kill"}),
    strike=copy_chunk,
    amount=draw,
)
