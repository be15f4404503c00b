"""The fault ``kill``: SIGKILL to the node programs; healing starts them again on what their disks kept."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from random import Random
from typing import Any, Final

from harness.cluster import Cluster, Observation
from harness.fault import Action, Effect, FaultSpec
from harness.faults.effect import judge_absence
from harness.faults.target import TARGETS, choose_target, concrete_nodes


@dataclass(frozen=True, slots=True)
class Kill:
    name: str = "kill"
    summary: str = "kill -9 node programs, then start them again"
    needs: frozenset[str] = frozenset({"kill"})
    holds_down: bool = True

    @property
    def shapes(self) -> Mapping[str, str]:
        return TARGETS

    def choose(self, spec: FaultSpec, turn: int, nodes: tuple[str, ...], random: Random) -> Action:
        return choose_target(spec, turn, nodes, random)

    async def apply(self, cluster: Cluster, action: Action) -> Mapping[str, Any]:
        await cluster.kill(concrete_nodes(action))
        return {**action, "of": list(cluster.nodes)}

    async def heal(self, cluster: Cluster, action: Action) -> Mapping[str, Any]:
        nodes = concrete_nodes(action)
        await cluster.start(nodes)
        return {"nodes": nodes}

    def effect(
        self, done: Mapping[str, Any], quiet: tuple[Observation, Observation], window: tuple[Observation, Observation]
    ) -> Effect:
        return judge_absence(done["nodes"], "killed", done["of"], quiet, window)


FAULT: Final = Kill()
