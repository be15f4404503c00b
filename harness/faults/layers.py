"""Faults that overlap: each application keeps what it asked of the cluster, and the cluster is told what all come to.

A cluster's verbs replace what was in force: the second partition would end the first, and the heal of either both. So a
fault speaks to a :class:`Layer` of its own, which looks like the cluster. Cuts add up; of two amounts on one link the
later counts, and the earlier again when that is healed; so do drifts, and limits of one kind, and clocks are bent again
by what remains. What a cluster does to single nodes needs no layers: there a node has one owner (:mod:`.ownership`).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, cast

from harness.cluster import Cluster
from harness.cluster_faults import Link

Amount = Mapping[str, float]
Drops = Mapping[str, Sequence[str]]


def union(layers: Iterable[Drops]) -> dict[str, list[str]]:
    """Receiver -> all senders that it does not hear in one layer or another, sorted."""
    senders: dict[str, set[str]] = {}
    for drops in layers:
        for receiver, unheard in drops.items():
            senders.setdefault(receiver, set()).update(unheard)
    return {receiver: sorted(unheard) for receiver, unheard in sorted(senders.items()) if unheard}


def latest(layers: Iterable[tuple[Sequence[Link], Amount]]) -> dict[Link, Amount]:
    """Link -> the amount of the last layer that it is in."""
    return {link: amount for links, amount in layers for link in links}


@dataclass(slots=True)
class Layers:
    """What the applications in force ask of the cluster, each under its number, in the order in which they asked."""

    cluster: Cluster
    cut: dict[int, Drops] = field(default_factory=dict)
    degraded: dict[str, dict[int, tuple[Sequence[Link], Amount]]] = field(default_factory=dict)
    slowed: dict[int, tuple[Sequence[str], float, float]] = field(default_factory=dict)
    bent: list[tuple[int, Sequence[str], str, Amount]] = field(default_factory=list)
    drifting: dict[int, tuple[Sequence[str], float]] = field(default_factory=dict)
    limited: dict[tuple[int, str], tuple[Sequence[str], float]] = field(default_factory=dict)

    def of(self, number: int, held: Callable[[], Collection[str]]) -> Cluster:
        """The cluster as application ``number`` sees it. It starts no node that ``held()`` names: whoever owns one
        starts it in the end."""
        return cast(Cluster, Layer(self, number, held))


class Layer:
    """The cluster, but for the verbs that replace what was in force."""

    def __init__(self, layers: Layers, number: int, held: Callable[[], Collection[str]]) -> None:
        self._layers, self._number, self._held = layers, number, held
        self._cluster: Any = layers.cluster

    def __getattr__(self, name: str) -> Any:
        return getattr(self._cluster, name)

    async def start(self, nodes: Sequence[str]) -> None:
        held = self._held()
        if free := [node for node in nodes if node not in held]:
            await self._cluster.start(free)

    async def partition(self, drops: Drops) -> None:
        self._layers.cut[self._number] = drops
        await self._cluster.partition(union(self._layers.cut.values()))

    async def heal(self) -> None:
        self._layers.cut.pop(self._number, None)
        remaining = union(self._layers.cut.values())
        await (self._cluster.partition(remaining) if remaining else self._cluster.heal())

    async def degrade(self, kind: str, links: Sequence[Link], amount: Amount) -> None:
        layers = self._layers.degraded.setdefault(kind, {})
        layers.pop(self._number, None)
        layers[self._number] = links, amount
        await self._degrade(kind)

    async def restore(self, kind: str) -> None:
        self._layers.degraded.get(kind, {}).pop(self._number, None)
        await self._degrade(kind)

    async def _degrade(self, kind: str) -> None:
        amounts = latest(self._layers.degraded.get(kind, {}).values())
        if not amounts:
            await self._cluster.restore(kind)
        elif all(amount == next(iter(amounts.values())) for amount in amounts.values()):
            await self._cluster.degrade(kind, list(amounts), next(iter(amounts.values())))
        else:
            await self._cluster.degrade_each(kind, amounts)

    async def slow(self, nodes: Sequence[str], factor: float, delay_ms: float) -> None:
        self._layers.slowed.pop(self._number, None)
        self._layers.slowed[self._number] = nodes, factor, delay_ms
        await self._cluster.slow(nodes, factor, delay_ms)

    async def unslow(self) -> None:
        self._layers.slowed.pop(self._number, None)
        await self._cluster.unslow()
        for nodes, factor, delay_ms in list(self._layers.slowed.values()):
            await self._cluster.slow(nodes, factor, delay_ms)

    async def clock_bend(self, nodes: Sequence[str], kind: str, amount: Amount) -> None:
        self._layers.bent.append((self._number, nodes, kind, amount))
        await self._cluster.clock_bend(nodes, kind, amount)

    async def clock_unbend(self, nodes: Sequence[str]) -> None:
        self._layers.bent = [bend for bend in self._layers.bent if bend[0] != self._number]
        await self._cluster.clock_unbend(nodes)
        for _, bent, kind, amount in list(self._layers.bent):
            if common := [node for node in bent if node in nodes]:
                await self._cluster.clock_bend(common, kind, amount)

    async def drift(self, nodes: Sequence[str], factor: float) -> None:
        self._layers.drifting.pop(self._number, None)
        self._layers.drifting[self._number] = nodes, factor
        await self._cluster.drift(nodes, factor)

    async def undrift(self, nodes: Sequence[str]) -> None:
        self._layers.drifting.pop(self._number, None)
        await self._cluster.undrift(nodes)
        for drifting, factor in list(self._layers.drifting.values()):
            if common := [node for node in drifting if node in nodes]:
                await self._cluster.drift(common, factor)

    async def limit_memory(self, nodes: Sequence[str], limit_bytes: int) -> None:
        await self._limit("limit_memory", nodes, limit_bytes)

    async def limit_cpu(self, nodes: Sequence[str], share: float) -> None:
        await self._limit("limit_cpu", nodes, share)

    async def limit_fds(self, nodes: Sequence[str], spare: int) -> None:
        await self._limit("limit_fds", nodes, spare)

    async def _limit(self, verb: str, nodes: Sequence[str], amount: float) -> None:
        self._layers.limited.pop((self._number, verb), None)
        self._layers.limited[self._number, verb] = nodes, amount
        await getattr(self._cluster, verb)(nodes, amount)

    async def unlimit(self, nodes: Sequence[str]) -> None:
        for key in [key for key in self._layers.limited if key[0] == self._number]:
            del self._layers.limited[key]
        await self._cluster.unlimit(nodes)
        for (_, verb), (limited, amount) in list(self._layers.limited.items()):
            if common := [node for node in limited if node in nodes]:
                await getattr(self._cluster, verb)(common, amount)
