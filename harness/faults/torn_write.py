"""The fault ``torn-write``: a power loss in the middle of a write, of which only the beginning reaches the disk."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from random import Random
from typing import Any, Final

from harness.cluster import Cluster, Observation
from harness.fault import Action, Effect, FaultSpec
from harness.faults.power_loss import TORN, choose_nodes, cut_power, judge_power_loss, restore_power
from harness.faults.target import TARGETS


@dataclass(frozen=True, slots=True)
class TornWrite:
    name: str = "torn-write"
    summary: str = "cut the power in mid-write: the last write is kept in part"
    needs: frozenset[str] = frozenset({"power-loss"})

    @property
    def shapes(self) -> Mapping[str, str]:
        return TARGETS

    def choose(self, spec: FaultSpec, turn: int, nodes: tuple[str, ...], random: Random) -> Action:
        return {**choose_nodes(spec, turn, nodes, random), **TORN}

    async def apply(self, cluster: Cluster, action: Action) -> Mapping[str, Any]:
        return await cut_power(cluster, action)

    async def heal(self, cluster: Cluster, action: Action) -> Mapping[str, Any]:
        return await restore_power(cluster, action)

    def effect(
        self, done: Mapping[str, Any], quiet: tuple[Observation, Observation], window: tuple[Observation, Observation]
    ) -> Effect:
        """It bit if a write was torn: that a node was gone is what ``power-loss`` is about."""
        effect = judge_power_loss(done, quiet, window)
        torn = sum(figures.get("torn", 0) for figures in done["lost"].values())
        told = f"writes torn: {torn}" if torn else "no write was torn: nothing was being written"
        return replace(
            effect,
            bit=torn > 0,
            measured={**effect.measured, "writes_torn": float(torn)},
            explanation=f"{told}; {effect.explanation}",
        )


FAULT: Final = TornWrite()
