"""The fault ``flap``: a partition that comes and goes, again and again, as a loose cable or a route that changes does.

Each time connections begin to come back, and elections to settle, and then it is cut once more. It takes any shape of
``partition``; half of every period it is cut.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from random import Random
from typing import Any, Final

from harness.cluster import Cluster, Observation
from harness.fault import Action, Effect, FaultSpec
from harness.faults.degradation import log_uniform
from harness.faults.effect import judge_drops
from harness.faults.partition import FAULT as PARTITION
from harness.faults.partition import cut_of
from harness.faults.recurring import rest
from harness.node import Future
from harness.runtime import Runtime

PERIOD_MS: Final = (200, 2000)
"""From the time of a few heartbeats to that of an election and a connection that comes back."""


@dataclass(frozen=True, slots=True)
class Flap:
    name: str = "flap"
    summary: str = "cut network links and join them, again and again"
    needs: frozenset[str] = frozenset({"partition"})

    @property
    def shapes(self) -> Mapping[str, str]:
        return PARTITION.shapes

    def choose(self, spec: FaultSpec, turn: int, nodes: tuple[str, ...], random: Random) -> Action:
        cut = PARTITION.choose(spec, turn, nodes, random)
        return {**cut, "period_ms": log_uniform(random, *PERIOD_MS)}

    async def apply(self, cluster: Cluster, action: Action) -> Mapping[str, Any]:
        return await PARTITION.apply(cluster, action)

    async def during(self, cluster: Cluster, action: Action, runtime: Runtime, over: Future[None]) -> None:
        cut, half_ms = cut_of(action, cluster.nodes), action["period_ms"] / 2
        while await rest(runtime, over, half_ms):
            await cluster.heal()
            if await rest(runtime, over, half_ms):
                await cluster.partition(cut)

    async def heal(self, cluster: Cluster, action: Action) -> Mapping[str, Any]:
        return await PARTITION.heal(cluster, action)

    def effect(
        self, done: Mapping[str, Any], quiet: tuple[Observation, Observation], window: tuple[Observation, Observation]
    ) -> Effect:
        return judge_drops(quiet, window)


FAULT: Final = Flap()
