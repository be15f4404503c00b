"""The fault ``bit-flip``: bits of what is stored change while a node is down; it reads them when it starts again.

Nothing undoes a flip, and a system may lose data when a majority forgets it, however well each node checks what it
reads. So the default is a minority, and the *same* nodes in each application of a run: another minority each time would
soon be a majority. One bit a node and time: a log can tell that a record is damaged, but not that its last records are
missing together with whatever would have told of them. To aim at leaders, or at the node of an event, is to ask for
more: they change.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from random import Random
from typing import Any, Final, cast

from harness.cluster import Cluster, Observation
from harness.cluster_faults import DiskFaults
from harness.fault import Action, Effect, FaultSpec
from harness.faults.effect import seconds
from harness.faults.target import TARGETS, choose_target, concrete_nodes, is_symbolic

MINORITY: Final = "minority"
SHAPES: Final[Mapping[str, str]] = {
    MINORITY: f"{TARGETS[MINORITY]}; the same ones each time",
    **{shape: line for shape, line in TARGETS.items() if shape not in (MINORITY, "one")},
    "one": f"{TARGETS['one']}; the same each time",
}
BITS: Final = 1


@dataclass(frozen=True, slots=True)
class BitFlip:
    name: str = "bit-flip"
    summary: str = "kill nodes, flip a bit of what each has stored, then start them again"
    needs: frozenset[str] = frozenset({"bit-flip", "kill"})

    @property
    def shapes(self) -> Mapping[str, str]:
        return SHAPES

    def choose(self, spec: FaultSpec, turn: int, nodes: tuple[str, ...], random: Random) -> Action:
        """The last nodes of all, unless they are known only when it strikes."""
        target = choose_target(replace(spec, shape=spec.shape or MINORITY), turn, nodes, random)
        chosen = target["nodes"] if is_symbolic(target) else list(nodes[-len(target["nodes"]) :])
        return {**target, "nodes": chosen, "bits": BITS, "files": ""}

    async def apply(self, cluster: Cluster, action: Action) -> Mapping[str, Any]:
        """Returns per node the bits that were flipped, and the reads that have met flipped ones so far."""
        nodes = concrete_nodes(action)
        await cluster.kill(nodes)
        flipped = await cast(DiskFaults, cluster).disk_flip(nodes, action["bits"], action["files"])
        flips = {node: found["flips"] for node, found in flipped.items()}
        return {**action, "flips": flips, "met": await self._met(cluster, nodes)}

    async def heal(self, cluster: Cluster, action: Action) -> Mapping[str, Any]:
        nodes = concrete_nodes(action)
        await cluster.start(nodes)
        return {"nodes": nodes, "met": await self._met(cluster, nodes)}

    def effect(
        self, done: Mapping[str, Any], quiet: tuple[Observation, Observation], window: tuple[Observation, Observation]
    ) -> Effect:
        """It bit if a node read what was damaged when it was started. That is counted from the damage to the end of the
        start, and so by nature absent at any other time; what is read of it later is no sign of another fault."""
        flips = sum(len(bits) for bits in done["flips"].values())
        met = done.get("healed", {}).get("met", {})
        reads = sum(max(0, count - done["met"].get(node, 0)) for node, count in met.items() if done["flips"].get(node))
        measured = {"bits_flipped": float(flips), "damaged_reads": float(reads)}
        return Effect(reads > 0, measured, _told(flips, reads), absent_outside=seconds(quiet) > 0)

    async def _met(self, cluster: Cluster, nodes: list[str]) -> dict[str, int]:
        met = (await cluster.observe()).met
        return {node: met.get(node, {}).get(self.name, 0) for node in nodes}


def _told(flips: int, reads: int) -> str:
    if not flips:
        return "nothing was stored that could be damaged"
    if not reads:
        return f"bits flipped: {flips}, and no node read them when it started"
    return f"bits flipped: {flips}; reads of damaged bytes when the nodes started: {reads}"


FAULT: Final = BitFlip()
