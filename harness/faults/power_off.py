"""The fault ``power-off``: whole machines are off, and on again when healed; what was not synced is lost.

Unlike a killed program, a machine without power refuses nothing: whoever speaks to it waits. What becomes of the data
that was not synced is drawn in ``power-loss``; here all of it is gone, and every process of the machine, and what it
held in memory file systems.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, cast

from harness.cluster import Cluster
from harness.cluster_faults import MachineFaults
from harness.faults.absence import Absence


async def power_off(cluster: Cluster, nodes: Sequence[str]) -> None:
    await cast(MachineFaults, cluster).power_off(nodes)


FAULT: Final = Absence(
    name="power-off",
    summary="turn whole machines off, then on again",
    participle="off",
    needs=frozenset({"power-off"}),
    take_down=power_off,
)
