"""The fault ``snapshot-restore``: nodes go on with an old state of their disks, as after a restored virtual machine.

The state is kept when the fault begins. A little later, at a drawn time, the nodes are killed and have it again; they
are started in the end. Such a node has forgotten what it promised meanwhile: its votes, and what it has acknowledged.
No protocol that counts votes survives that for certain, so a system may rightly fail. The default is one node, always
the same: the likeliest to be made up for by the others.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from random import Random
from typing import Any, Final, cast

from harness.cluster import Cluster, Observation
from harness.cluster_faults import DiskFaults
from harness.fault import Action, Effect, FaultSpec
from harness.faults.disk_damage import ONE, choose_lasting, shapes_from
from harness.faults.disk_failure import met_by
from harness.faults.effect import seconds
from harness.faults.recurring import rest
from harness.faults.target import concrete_nodes
from harness.node import Future
from harness.runtime import Runtime

DELAY_MS: Final = (200.0, 800.0)


@dataclass(frozen=True, slots=True)
class SnapshotRestore:
    name: str = "snapshot-restore"
    summary: str = "kill nodes, give them an old state of their disks, then start them again"
    needs: frozenset[str] = frozenset({"snapshot", "kill"})

    @property
    def shapes(self) -> Mapping[str, str]:
        return shapes_from(ONE)

    def choose(self, spec: FaultSpec, turn: int, nodes: tuple[str, ...], random: Random) -> Action:
        return {**choose_lasting(spec, ONE, turn, nodes, random), "delay_ms": round(random.uniform(*DELAY_MS))}

    async def apply(self, cluster: Cluster, action: Action) -> Mapping[str, Any]:
        nodes = concrete_nodes(action)
        await cast(DiskFaults, cluster).disk_save(nodes)
        return {**action, "met": await met_by(cluster, nodes, self.name)}

    async def during(self, cluster: Cluster, action: Action, runtime: Runtime, over: Future[None]) -> None:
        """The nodes lose what they have stored since, and stay down."""
        await rest(runtime, over, action["delay_ms"])
        nodes = concrete_nodes(action)
        await cluster.kill(nodes)
        await cast(DiskFaults, cluster).disk_load(nodes)

    async def heal(self, cluster: Cluster, action: Action) -> Mapping[str, Any]:
        nodes = concrete_nodes(action)
        await cluster.start(nodes)
        return {"nodes": nodes, "met": await met_by(cluster, nodes, self.name)}

    def effect(
        self, done: Mapping[str, Any], quiet: tuple[Observation, Observation], window: tuple[Observation, Observation]
    ) -> Effect:
        """It bit if a node read a file that was another before; see ``disk_damage``."""
        met = done.get("healed", {}).get("met", {})
        reads = sum(max(0, count - done["met"].get(node, 0)) for node, count in met.items())
        told = f"reads of restored files when the nodes started: {reads}" if reads else (
            "no node read a file that was another before"
        )  # fmt: skip
        return Effect(reads > 0, {"restored_reads": float(reads)}, told, absent_outside=seconds(quiet) > 0)


FAULT: Final = SnapshotRestore()
