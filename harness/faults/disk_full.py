"""The fault ``disk-full``: nothing can grow on the nodes' disks; nodes that stopped at that are started at the end."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from random import Random
from typing import Any, Final, cast

from harness.cluster import Cluster, Observation
from harness.cluster_faults import DiskFaults
from harness.fault import Action, Effect, FaultSpec
from harness.faults.effect import judge_met
from harness.faults.target import TARGETS, choose_target, concrete_nodes


@dataclass(frozen=True, slots=True)
class DiskFull:
    name: str = "disk-full"
    summary: str = "fill the disks up: writes fail for want of space, some of them half done"
    needs: frozenset[str] = frozenset({"disk-full"})

    @property
    def shapes(self) -> Mapping[str, str]:
        return TARGETS

    def choose(self, spec: FaultSpec, turn: int, nodes: tuple[str, ...], random: Random) -> Action:
        return choose_target(spec, turn, nodes, random)

    async def apply(self, cluster: Cluster, action: Action) -> Mapping[str, Any]:
        await cast(DiskFaults, cluster).disk_full(concrete_nodes(action))
        return dict(action)

    async def heal(self, cluster: Cluster, action: Action) -> Mapping[str, Any]:
        return await heal_disks(cluster, action)

    def effect(
        self, done: Mapping[str, Any], quiet: tuple[Observation, Observation], window: tuple[Observation, Observation]
    ) -> Effect:
        return judge_met(self.name, quiet, window, "writes refused")


async def heal_disks(cluster: Cluster, action: Action) -> Mapping[str, Any]:
    """The disks work again, and so do the nodes: an honest one stops when its disk fails."""
    nodes = concrete_nodes(action)
    await cast(DiskFaults, cluster).disk_heal(nodes)
    await cluster.start(nodes)
    return {"nodes": nodes}


FAULT: Final = DiskFull()
