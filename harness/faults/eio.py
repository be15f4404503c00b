"""The fault ``eio``: syncs fail, what they should have made durable is lost; nodes that stopped start at the end."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from random import Random
from typing import Any, Final, cast

from harness.cluster import Cluster, Observation
from harness.cluster_faults import DiskFaults
from harness.fault import Action, Effect, FaultSpec
from harness.faults.disk_full import heal_disks
from harness.faults.effect import judge_met
from harness.faults.target import TARGETS, choose_target, concrete_nodes

PROBABILITIES: Final = (1.0, 0.3, 0.05)
"""A dead disk; a dying one; one bad sector, which a node meets in the middle of other work."""


@dataclass(frozen=True, slots=True)
class Eio:
    name: str = "eio"
    summary: str = "make disk syncs fail with an I/O error"
    needs: frozenset[str] = frozenset({"eio"})

    @property
    def shapes(self) -> Mapping[str, str]:
        return TARGETS

    def choose(self, spec: FaultSpec, turn: int, nodes: tuple[str, ...], random: Random) -> Action:
        return {**choose_target(spec, turn, nodes, random), "probability": random.choice(PROBABILITIES)}

    async def apply(self, cluster: Cluster, action: Action) -> Mapping[str, Any]:
        await cast(DiskFaults, cluster).disk_eio(concrete_nodes(action), action["probability"])
        return dict(action)

    async def heal(self, cluster: Cluster, action: Action) -> Mapping[str, Any]:
        return await heal_disks(cluster, action)

    def effect(
        self, done: Mapping[str, Any], quiet: tuple[Observation, Observation], window: tuple[Observation, Observation]
    ) -> Effect:
        return judge_met(self.name, quiet, window, "syncs failed")


FAULT: Final = Eio()
