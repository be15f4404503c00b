"""A cluster that notes what network and clock faults ask of it, for tests of what they ask."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any, cast

from harness.cluster import Cluster, Observation
from harness.cluster_faults import Link
from harness.fault import Fault, FaultSpec
from harness.faults.target import SYMBOLS, resolve
from tests.harness.faults.model import run

NODES = ("n1", "n2", "n3", "n4", "n5")


@dataclass
class Bench:
    """Keeps what is in force, by verb."""

    nodes: tuple[str, ...] = NODES
    degraded: dict[str, tuple[list[Link], Mapping[str, float]]] = field(default_factory=dict)
    slowed: tuple[Any, ...] = ()
    bent: dict[str, tuple[str, Mapping[str, float]]] = field(default_factory=dict)
    drifting: dict[str, float] = field(default_factory=dict)

    async def degrade(self, kind: str, links: Sequence[Link], amount: Mapping[str, float]) -> None:
        self.degraded[kind] = list(links), amount

    async def restore(self, kind: str) -> None:
        self.degraded.pop(kind, None)

    async def slow(self, nodes: Sequence[str], factor: float, delay_ms: float) -> None:
        self.slowed = tuple(nodes), factor, delay_ms

    async def unslow(self) -> None:
        self.slowed = ()

    async def clock_bend(self, nodes: Sequence[str], kind: str, amount: Mapping[str, float]) -> None:
        self.bent |= dict.fromkeys(nodes, (kind, amount))

    async def clock_unbend(self, nodes: Sequence[str]) -> None:
        for node in nodes:
            self.bent.pop(node, None)

    async def drift(self, nodes: Sequence[str], factor: float) -> None:
        self.drifting |= dict.fromkeys(nodes, factor)

    async def undrift(self, nodes: Sequence[str]) -> None:
        for node in nodes:
            self.drifting.pop(node, None)

    async def clock_offsets(self, nodes: Sequence[str]) -> Mapping[str, float]:
        return {node: 0.0 for node in nodes if node not in self.bent}

    @property
    def calm(self) -> bool:
        return not self.degraded and not self.slowed and not self.bent and not self.drifting


def choose(fault: Fault, shape: str | None, seed: int = 0, size: int | None = None, turn: int = 0) -> dict[str, Any]:
    """What the fault chooses, with n2 for a node that is known only when it strikes."""
    return resolved(fault.choose(FaultSpec(fault.name, shape, size), turn, NODES, Random(seed)))


def resolved(action: Mapping[str, Any], node: str = "n2") -> dict[str, Any]:
    """The action with that node for the leader, or for the one whose event set it off."""
    word = next((word for word in SYMBOLS if word in action.get("nodes", ())), None)
    return dict(action) if word is None else resolve(action, node, word)


def apply(fault: Fault, bench: Bench, action: Mapping[str, Any]) -> Mapping[str, Any]:
    return run(fault.apply(cast(Cluster, bench), action))


def heal(fault: Fault, bench: Bench, action: Mapping[str, Any]) -> Mapping[str, Any]:
    return run(fault.heal(cast(Cluster, bench), action))


def seen(second: float, fault: str, count: int) -> Observation:
    """An observation in which n1 met the fault ``count`` times."""
    return Observation(round(second * 1e9), {}, {}, {"n1": 1}, met={"n1": {fault: count}})
