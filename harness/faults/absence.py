"""What the faults have in common after which nodes are simply not there: ``kill``, ``stop``, ``power-off``."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any

from harness.cluster import Cluster, Observation
from harness.fault import Action, Effect, FaultSpec
from harness.faults.effect import judge_absence
from harness.faults.target import TARGETS, choose_target, concrete_nodes


@dataclass(frozen=True, slots=True)
class Absence:
    """A fault that takes nodes down, by ``take_down``, until healing starts them again on what their disks kept.

    ``participle`` says what was done to them: "killed".
    """

    name: str
    summary: str
    participle: str
    needs: frozenset[str]
    take_down: Callable[[Cluster, Sequence[str]], Awaitable[None]]
    shapes: Mapping[str, str] = field(default_factory=lambda: TARGETS)

    def choose(self, spec: FaultSpec, turn: int, nodes: tuple[str, ...], random: Random) -> Action:
        return choose_target(spec, turn, nodes, random)

    async def apply(self, cluster: Cluster, action: Action) -> Mapping[str, Any]:
        await self.take_down(cluster, concrete_nodes(action))
        return {**action, "of": list(cluster.nodes)}

    async def heal(self, cluster: Cluster, action: Action) -> Mapping[str, Any]:
        nodes = concrete_nodes(action)
        await cluster.start(nodes)
        return {"nodes": nodes}

    def effect(
        self, done: Mapping[str, Any], quiet: tuple[Observation, Observation], window: tuple[Observation, Observation]
    ) -> Effect:
        return judge_absence(done["nodes"], self.participle, done["of"], quiet, window)
