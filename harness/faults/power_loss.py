"""The fault ``power-loss``: machines are off at once, and what their disks had not synced is lost, wholly or in part.

Only a majority that loses power together shows that a system answers before its data is durable: while any quorum keeps
what it wrote, the others learn it again. So the default mix begins there.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from random import Random
from typing import Any, Final, cast

from harness.cluster import Cluster, Observation
from harness.cluster_faults import PowerFaults
from harness.fault import Action, Effect, FaultSpec
from harness.faults.effect import judge_absence
from harness.faults.target import LEADER, TARGETS, choose_target, concrete_nodes

Way = Mapping[str, Any]
"""What becomes of unsynced data: the arguments of ``PowerFaults.power_loss``."""

MIX: Final = ("majority", LEADER, "all", "minority", "one")

TORN: Final[Way] = {"torn": True, "reordered": False, "keep": "some"}
WAYS: Final[tuple[Way, ...]] = (
    {"torn": False, "reordered": False, "keep": "none"},
    {"torn": False, "reordered": False, "keep": "some"},
    TORN,
    {"torn": False, "reordered": True, "keep": "some"},
    {"torn": True, "reordered": True, "keep": "some"},
)


def choose_nodes(spec: FaultSpec, turn: int, nodes: tuple[str, ...], random: Random) -> Action:
    """The nodes that lose their power; the default mix goes through MIX, one shape a turn."""
    shape = MIX[turn % len(MIX)] if spec.shape is None else spec.shape
    return choose_target(replace(spec, shape=shape), turn, nodes, random)


async def cut_power(cluster: Cluster, action: Action) -> Mapping[str, Any]:
    """Returns the action, all nodes as ``of``, and per node what was ``lost``."""
    way = {name: action[name] for name in TORN}
    lost = await cast(PowerFaults, cluster).power_loss(concrete_nodes(action), **way)
    return {**action, "of": list(cluster.nodes), "lost": {node: dict(figures) for node, figures in lost.items()}}


async def restore_power(cluster: Cluster, action: Action) -> Mapping[str, Any]:
    nodes = concrete_nodes(action)
    await cluster.start(nodes)
    return {"nodes": nodes}


def judge_power_loss(
    done: Mapping[str, Any], quiet: tuple[Observation, Observation], window: tuple[Observation, Observation]
) -> Effect:
    """It bit if something was lost (which is certain, even where another fault's heal has started the nodes too early),
    or if the nodes were silent and others missed them."""
    absence = judge_absence(done["nodes"], "unpowered", done["of"], quiet, window)
    lost = {
        what: sum(figures.get(what, 0) for figures in done["lost"].values()) for what in ("bytes", "writes", "names")
    }
    measured = {**absence.measured, **{f"{what}_lost": float(count) for what, count in lost.items()}}
    told = ", ".join(f"{count} {what}" for what, count in lost.items() if count)
    explanation = absence.explanation + (f"; lost before they were durable: {told}" if told else "; no data was lost")
    return replace(absence, bit=absence.bit or bool(told), measured=measured, explanation=explanation)


@dataclass(frozen=True, slots=True)
class PowerLoss:
    name: str = "power-loss"
    summary: str = "cut the power; unsynced data is lost, torn or out of order"
    needs: frozenset[str] = frozenset({"power-loss"})

    @property
    def shapes(self) -> Mapping[str, str]:
        return TARGETS

    def choose(self, spec: FaultSpec, turn: int, nodes: tuple[str, ...], random: Random) -> Action:
        return {**choose_nodes(spec, turn, nodes, random), **random.choice(WAYS)}

    async def apply(self, cluster: Cluster, action: Action) -> Mapping[str, Any]:
        return await cut_power(cluster, action)

    async def heal(self, cluster: Cluster, action: Action) -> Mapping[str, Any]:
        return await restore_power(cluster, action)

    def effect(
        self, done: Mapping[str, Any], quiet: tuple[Observation, Observation], window: tuple[Observation, Observation]
    ) -> Effect:
        return judge_power_loss(done, quiet, window)


FAULT: Final = PowerLoss()
