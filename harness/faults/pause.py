"""The fault ``pause``: SIGSTOP to the node programs, like a very long garbage collection; healing resumes them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from random import Random
from typing import Any, Final

from harness.cluster import Cluster, Observation
from harness.cluster_faults import PAUSE
from harness.fault import Action, Effect, FaultSpec
from harness.faults.effect import RECEIVED, judge_absence, late
from harness.faults.target import TARGETS, choose_target, concrete_nodes


@dataclass(frozen=True, slots=True)
class Pause:
    name: str = "pause"
    summary: str = "stop node programs in mid-step, then let them go on"
    needs: frozenset[str] = frozenset({"pause"})

    @property
    def shapes(self) -> Mapping[str, str]:
        return TARGETS

    def choose(self, spec: FaultSpec, turn: int, nodes: tuple[str, ...], random: Random) -> Action:
        return choose_target(spec, turn, nodes, random)

    async def apply(self, cluster: Cluster, action: Action) -> Mapping[str, Any]:
        await cluster.pause(concrete_nodes(action))
        return {**action, "of": list(cluster.nodes)}

    async def heal(self, cluster: Cluster, action: Action) -> Mapping[str, Any]:
        """Also tells how many messages each node has received once it goes on, and on how many connections something
        had waited for the nodes (where the cluster sees that). The second look is the one that
        counts: a node that wakes up may answer the first before it reads what has waited for it."""
        nodes = concrete_nodes(action)
        await cluster.resume(nodes)
        await cluster.observe()
        seen = await cluster.observe()
        received = {node: seen.counters.get(node, {}).get(RECEIVED, 0) for node in nodes}
        return {"nodes": nodes, "received": received, "waited": sum(_waited(seen, node) for node in nodes)}

    def effect(
        self, done: Mapping[str, Any], quiet: tuple[Observation, Observation], window: tuple[Observation, Observation]
    ) -> Effect:
        nodes = done["nodes"]
        healed = done.get("healed", {})
        waited = late(nodes, healed.get("received", {}), quiet, window)
        waited += max(0, healed.get("waited", 0) - sum(_waited(window[0], node) for node in nodes))
        return judge_absence(nodes, "paused", done["of"], quiet, window, waited)


def _waited(observation: Observation, node: str) -> int:
    return observation.met.get(node, {}).get(PAUSE, 0)


FAULT: Final = Pause()
