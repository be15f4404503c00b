"""What the faults that make a disk fail or wait have in common: ``disk-full``, ``eio``, ... differ in data only.

A node meets such a fault in its own calls, and counts them. Some it can tell of only when the disk works again: a call
that waits has not come back. So what was met is read once more after the heal.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from random import Random
from typing import Any, cast

from harness.cluster import Cluster, Observation
from harness.cluster_faults import DiskFaults
from harness.fault import Action, Effect, FaultSpec
from harness.faults.effect import judge_met
from harness.faults.target import TARGETS, choose_target, concrete_nodes

Amount = dict[str, float]


def no_amount(random: Random) -> Amount:
    return {}


@dataclass(frozen=True, slots=True)
class DiskFailure:
    """A fault that makes the disks of nodes fail until they are healed. ``strike`` does it, and returns what was done
    otherwise than the action says; ``amount`` draws what the action has besides its nodes; ``noun`` is what a call is
    that met it, in the plural."""

    name: str
    summary: str
    noun: str
    needs: frozenset[str]
    strike: Callable[[DiskFaults, Sequence[str], Action], Awaitable[Mapping[str, Any]]]
    amount: Callable[[Random], Amount] = no_amount

    @property
    def shapes(self) -> Mapping[str, str]:
        return TARGETS

    def choose(self, spec: FaultSpec, turn: int, nodes: tuple[str, ...], random: Random) -> Action:
        return {**choose_target(spec, turn, nodes, random), **self.amount(random)}

    async def apply(self, cluster: Cluster, action: Action) -> Mapping[str, Any]:
        return {**action, **await self.strike(cast(DiskFaults, cluster), concrete_nodes(action), action)}

    async def heal(self, cluster: Cluster, action: Action) -> Mapping[str, Any]:
        """The disks work again, and so do the nodes: an honest one stops when its disk fails."""
        nodes = concrete_nodes(action)
        await cast(DiskFaults, cluster).disk_heal(nodes)
        await cluster.start(nodes)
        return {"nodes": nodes, "met": await met_by(cluster, nodes, self.name)}

    def effect(
        self, done: Mapping[str, Any], quiet: tuple[Observation, Observation], window: tuple[Observation, Observation]
    ) -> Effect:
        healed = done.get("healed", {}).get("met", {})
        later = {node: {**window[1].met.get(node, {}), self.name: count} for node, count in healed.items()}
        end = replace(window[1], met={**window[1].met, **later})
        return judge_met(self.name, quiet, (window[0], end), self.noun)


async def met_by(cluster: Cluster, nodes: Sequence[str], fault: str) -> dict[str, int]:
    """Per node how often it has met the fault so far."""
    met = (await cluster.observe()).met
    return {node: met.get(node, {}).get(fault, 0) for node in nodes}
