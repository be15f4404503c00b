"""What the faults of resources have in common: ``memory``, ``cpu`` and ``fds`` differ in data only."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any, cast

from harness.cluster import Cluster, Observation
from harness.cluster_faults import ResourceFaults
from harness.fault import Action, Effect, FaultSpec
from harness.faults.degradation import Amount
from harness.faults.effect import judge_met
from harness.faults.target import TARGETS, choose_target, concrete_nodes


@dataclass(frozen=True, slots=True)
class Limit:
    """A fault that leaves nodes little of the resource of its own name.

    ``amount`` draws how little, ``impose`` is the verb with which the cluster is told, ``noun`` what is counted when a
    node feels it. ``owns_nodes``: programs may end of it, and stay down until it is healed.
    """

    name: str
    summary: str
    noun: str
    amount: Callable[[Random], Amount]
    impose: Callable[[ResourceFaults, Sequence[str], Amount], Awaitable[None]]
    needs: frozenset[str]
    owns_nodes: bool
    shapes: Mapping[str, str] = field(default_factory=lambda: TARGETS)

    def choose(self, spec: FaultSpec, turn: int, nodes: tuple[str, ...], random: Random) -> Action:
        return {**choose_target(spec, turn, nodes, random), "amount": self.amount(random)}

    async def apply(self, cluster: Cluster, action: Action) -> Mapping[str, Any]:
        await self.impose(cast(ResourceFaults, cluster), concrete_nodes(action), action["amount"])
        return dict(action)

    async def heal(self, cluster: Cluster, action: Action) -> Mapping[str, Any]:
        nodes = concrete_nodes(action)
        await cast(ResourceFaults, cluster).unlimit(nodes)
        if self.owns_nodes:
            await cluster.start(nodes)
        return {"nodes": nodes}

    def effect(
        self, done: Mapping[str, Any], quiet: tuple[Observation, Observation], window: tuple[Observation, Observation]
    ) -> Effect:
        return judge_met(self.name, quiet, window, self.noun)
