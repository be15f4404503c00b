"""The fault ``slow-node``: nodes that do everything late: a full machine, a bad disk, a long garbage collection."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from random import Random
from typing import Any, Final, cast

from harness.cluster import Cluster, Observation
from harness.cluster_faults import LinkFaults
from harness.fault import Action, Effect, FaultSpec
from harness.faults.degradation import log_uniform
from harness.faults.effect import judge_met
from harness.faults.target import TARGETS, choose_target, concrete_nodes


@dataclass(frozen=True, slots=True)
class SlowNode:
    name: str = "slow-node"
    summary: str = "make nodes take up messages late, and work and sync slowly"
    needs: frozenset[str] = frozenset({"slow-node"})

    @property
    def shapes(self) -> Mapping[str, str]:
        return TARGETS

    def choose(self, spec: FaultSpec, turn: int, nodes: tuple[str, ...], random: Random) -> Action:
        amount = {"factor": log_uniform(random, 2, 50), "delay_ms": log_uniform(random, 5, 300)}
        return {**choose_target(spec, turn, nodes, random), "amount": amount}

    async def apply(self, cluster: Cluster, action: Action) -> Mapping[str, Any]:
        amount = action["amount"]
        await cast(LinkFaults, cluster).slow(concrete_nodes(action), amount["factor"], amount["delay_ms"])
        return dict(action)

    async def heal(self, cluster: Cluster, action: Action) -> Mapping[str, Any]:
        await cast(LinkFaults, cluster).unslow()
        return {"nodes": concrete_nodes(action)}

    def effect(
        self, done: Mapping[str, Any], quiet: tuple[Observation, Observation], window: tuple[Observation, Observation]
    ) -> Effect:
        return judge_met(self.name, quiet, window, "messages and works slowed")


FAULT: Final = SlowNode()
