"""What the faults that change stored data behind a program's back have in common: ``bit-flip``, ``truncate``,
``chunk-copy``.

Nothing undoes such damage, and a system may lose data when a majority forgets it, however well each node checks what it
reads. So the default is a minority, and the *same* nodes in each application of a run: another minority each time would
soon be a majority. To aim at leaders, or at the node of an event, is to ask for more: they change.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from random import Random
from typing import Any, Final, cast

from harness.cluster import Cluster, Observation
from harness.cluster_faults import DiskFaults
from harness.fault import Action, Effect, FaultSpec
from harness.faults.disk_failure import met_by
from harness.faults.effect import seconds
from harness.faults.target import TARGETS, choose_target, concrete_nodes, is_open, is_symbolic

MINORITY: Final = "minority"
ONE: Final = "one"
SAME: Final = {
    MINORITY: f"{TARGETS[MINORITY]}; the same ones each time",
    ONE: f"{TARGETS[ONE]}; the same each time",
}


def shapes_from(default: str) -> Mapping[str, str]:
    """The targets, the default first."""
    return {default: SAME[default], **TARGETS, **SAME}


def choose_lasting(spec: FaultSpec, default: str, turn: int, nodes: tuple[str, ...], random: Random) -> dict[str, Any]:
    """The last nodes of all, unless they are named, or known only when it strikes."""
    target = choose_target(replace(spec, shape=spec.shape or default), turn, nodes, random)
    as_named = is_symbolic(target) or is_open(target["shape"])
    return {**target, "nodes": target["nodes"] if as_named else list(nodes[-len(target["nodes"]) :])}


@dataclass(frozen=True, slots=True)
class DiskDamage:
    """A fault that kills nodes, damages what they have stored, and starts them in the end.

    ``strike`` returns per node a list of what it changed, under ``answer``; ``noun`` is one of these changes, in the
    plural; ``amount`` draws what the action has besides its nodes.
    """

    name: str
    summary: str
    noun: str
    answer: str
    needs: frozenset[str]
    strike: Callable[[DiskFaults, Sequence[str], Action], Awaitable[Mapping[str, Mapping[str, Any]]]]
    amount: Callable[[Random], Mapping[str, Any]]

    @property
    def shapes(self) -> Mapping[str, str]:
        return shapes_from(MINORITY)

    def choose(self, spec: FaultSpec, turn: int, nodes: tuple[str, ...], random: Random) -> Action:
        return {**choose_lasting(spec, MINORITY, turn, nodes, random), **self.amount(random)}

    async def apply(self, cluster: Cluster, action: Action) -> Mapping[str, Any]:
        """Returns per node what was changed, and the reads that have met such changes so far."""
        nodes = concrete_nodes(action)
        await cluster.kill(nodes)
        struck = await self.strike(cast(DiskFaults, cluster), nodes, action)
        changes = {node: found[self.answer] for node, found in struck.items()}
        return {**action, self.answer: changes, "met": await met_by(cluster, nodes, self.name)}

    async def heal(self, cluster: Cluster, action: Action) -> Mapping[str, Any]:
        nodes = concrete_nodes(action)
        await cluster.start(nodes)
        return {"nodes": nodes, "met": await met_by(cluster, nodes, self.name)}

    def effect(
        self, done: Mapping[str, Any], quiet: tuple[Observation, Observation], window: tuple[Observation, Observation]
    ) -> Effect:
        """It bit if a node read what was damaged when it was started. That is counted from the damage to the end of the
        start, and so by nature absent at any other time; what is read of it later is no sign of another fault."""
        changes = sum(len(found) for found in done[self.answer].values())
        met = done.get("healed", {}).get("met", {})
        reads = sum(
            max(0, count - done["met"].get(node, 0)) for node, count in met.items() if done[self.answer].get(node)
        )
        measured = {self.noun.replace(" ", "_"): float(changes), "damaged_reads": float(reads)}
        return Effect(reads > 0, measured, self._told(changes, reads), absent_outside=seconds(quiet) > 0)

    def _told(self, changes: int, reads: int) -> str:
        if not changes:
            return "nothing was stored that could be damaged"
        if not reads:
            return f"{self.noun}: {changes}, and no node read them when it started"
        return f"{self.noun}: {changes}; reads of damaged data when the nodes started: {reads}"
