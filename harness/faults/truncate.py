"""The fault ``truncate``: the end of the file last written is gone when a node starts again, synced or not.

A log cannot tell records that were never written from records that are gone without a trace. So a system may rightly
lose what only this minority and too few others had: what it promises of a disk that keeps its word, it promises here of
nobody's.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from random import Random
from typing import Any, Final

from harness.cluster_faults import DiskFaults
from harness.fault import Action
from harness.faults.degradation import log_uniform
from harness.faults.disk_damage import DiskDamage

SIZE_BYTES: Final = (1, 4096)


async def truncate(cluster: DiskFaults, nodes: Sequence[str], action: Action) -> Mapping[str, Mapping[str, Any]]:
    return await cluster.disk_truncate(nodes, action["size_bytes"])


def draw(random: Random) -> Mapping[str, Any]:
    return {"size_bytes": int(log_uniform(random, *SIZE_BYTES))}


FAULT: Final = DiskDamage(
    name="truncate",
    summary="kill nodes, cut the end off a stored file, then start them again",
    noun="files cut",
    answer="cut",
    needs=frozenset({"bit-flip", "kill"}),
    strike=truncate,
    amount=draw,
)
