"""The fault ``wipe``: nodes come back with empty disks, under their old names.

Such a node has forgotten what it promised: its votes, and what it has acknowledged. A protocol in which it may vote
again at once may rightly fail, and most do not promise more unless it joins as a new member. The default is one node,
always the same: the likeliest to be made up for by the others.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from random import Random
from typing import Any, Final, cast

from harness.cluster import Cluster, Observation
from harness.cluster_faults import DiskFaults
from harness.fault import Action, Effect, FaultSpec
from harness.faults.disk_damage import ONE, choose_lasting, shapes_from
from harness.faults.effect import seconds
from harness.faults.target import concrete_nodes


@dataclass(frozen=True, slots=True)
class Wipe:
    name: str = "wipe"
    summary: str = "kill nodes and empty their disks, then start them again"
    needs: frozenset[str] = frozenset({"snapshot", "kill"})

    @property
    def shapes(self) -> Mapping[str, str]:
        return shapes_from(ONE)

    def choose(self, spec: FaultSpec, turn: int, nodes: tuple[str, ...], random: Random) -> Action:
        return choose_lasting(spec, ONE, turn, nodes, random)

    async def apply(self, cluster: Cluster, action: Action) -> Mapping[str, Any]:
        """Returns per node what was lost."""
        nodes = concrete_nodes(action)
        await cluster.kill(nodes)
        lost = await cast(DiskFaults, cluster).disk_wipe(nodes)
        return {**action, "lost": {node: dict(figures) for node, figures in lost.items()}}

    async def heal(self, cluster: Cluster, action: Action) -> Mapping[str, Any]:
        """Also tells which of the nodes run again."""
        nodes = concrete_nodes(action)
        await cluster.start(nodes)
        running = (await cluster.observe()).incarnations
        return {"nodes": nodes, "running": [node for node in nodes if node in running]}

    def effect(
        self, done: Mapping[str, Any], quiet: tuple[Observation, Observation], window: tuple[Observation, Observation]
    ) -> Effect:
        """It bit if a node that had stored something runs again without it."""
        running = done.get("healed", {}).get("running", ())
        emptied = [node for node, lost in done["lost"].items() if lost["bytes"] and node in running]
        size = sum(lost["bytes"] for lost in done["lost"].values())
        measured = {"nodes_wiped": float(len(emptied)), "bytes_lost": float(size)}
        if not size:
            told = "nothing was stored that could be lost"
        elif emptied:
            told = f"nodes that run again without what they had stored: {len(emptied)}; bytes lost: {size}"
        else:
            told = f"bytes lost: {size}, but no node that had stored them runs again"
        return Effect(bool(emptied), measured, told, absent_outside=seconds(quiet) > 0)


FAULT: Final = Wipe()
