"""The fault ``upgrade``: a rolling restart from the build "old" to "new", one node at a time, and back when healed.

While it rolls two builds work together, which is where a new message or file format breaks. Healing is the downgrade,
rolling as well, which few systems are tested for and everyone needs once.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from random import Random
from typing import Any, Final, cast

from harness.cluster import Cluster, Observation
from harness.cluster_faults import MachineFaults
from harness.fault import Action, Effect, FaultSpec
from harness.faults.degradation import log_uniform
from harness.faults.effect import grown
from harness.faults.recurring import rest
from harness.faults.target import LEADER, TARGETS, choose_target, concrete_nodes
from harness.node import Future
from harness.runtime import Runtime

OLD: Final = "old"
NEW: Final = "new"
HANDLED: Final = "build.new"
"""A node's counter of messages that it received while it ran the build "new"."""

MIX: Final = ("all", LEADER, "majority", "one", "minority")
PAUSE_MS: Final = (20, 2000)


@dataclass(frozen=True, slots=True)
class Upgrade:
    name: str = "upgrade"
    summary: str = "restart nodes one by one into a new build, then back into the old one"
    needs: frozenset[str] = frozenset({"upgrade", "stop"})

    @property
    def shapes(self) -> Mapping[str, str]:
        return TARGETS

    def choose(self, spec: FaultSpec, turn: int, nodes: tuple[str, ...], random: Random) -> Action:
        """The default mix goes through MIX, one target a turn. The order is drawn, but for a leader: that one is
        first."""
        shape = MIX[turn % len(MIX)] if spec.shape is None else spec.shape
        chosen = choose_target(replace(spec, shape=shape), turn, nodes, random)
        order = random.sample(chosen["nodes"], len(chosen["nodes"]))
        return {**chosen, "nodes": order, "amount": {"pause_ms": log_uniform(random, *PAUSE_MS)}}

    async def apply(self, cluster: Cluster, action: Action) -> Mapping[str, Any]:
        """The first node."""
        await _replace(cluster, concrete_nodes(action)[0], NEW)
        return {**action, "of": list(cluster.nodes)}

    async def during(self, cluster: Cluster, action: Action, runtime: Runtime, over: Future[None]) -> None:
        """The others, as far as time allows."""
        for node in concrete_nodes(action)[1:]:
            if not await rest(runtime, over, action["amount"]["pause_ms"]):
                return
            await _replace(cluster, node, NEW)

    async def heal(self, cluster: Cluster, action: Action) -> Mapping[str, Any]:
        """Every node that does not run the old build for certain is restarted into it; also tells what each ran before
        and runs now."""
        nodes = concrete_nodes(action)
        before = {node: await _build(cluster, node) for node in nodes}
        for node in nodes:
            if before[node] != OLD:
                await _replace(cluster, node, OLD)
        after = {node: await _build(cluster, node) for node in nodes}
        return {"nodes": nodes, "builds": {"before": before, "after": after}}

    def effect(
        self, done: Mapping[str, Any], quiet: tuple[Observation, Observation], window: tuple[Observation, Observation]
    ) -> Effect:
        """It bit if programs of the new build received messages; they count that themselves."""
        inside, outside = grown(HANDLED, window), grown(HANDLED, quiet)
        before = done.get("healed", {}).get("builds", {}).get("before", {})
        upgraded = sum(build == NEW for build in before.values())
        measured = {
            "messages_to_new_build": float(inside),
            "messages_to_new_build_quiet": float(outside),
            "nodes_upgraded": float(upgraded),
        }
        told = f"{upgraded} nodes ran the new build, to which {inside} messages came"
        return Effect(inside > 0, measured, told, absent_outside=outside == 0 and quiet[1].time_ns > quiet[0].time_ns)


async def _replace(cluster: Cluster, node: str, build: str) -> None:
    machines = cast(MachineFaults, cluster)
    await machines.stop([node])
    await machines.install([node], build)
    await cluster.start([node])


async def _build(cluster: Cluster, node: str) -> str | None:
    """What runs there, by its own word; None if nothing answers."""
    status = await cluster.status(node)
    return None if status is None else str(status["build"])


FAULT: Final = Upgrade()
