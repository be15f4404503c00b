"""The fault ``drift``: oscillators that run too slow or too fast, and with them all that nodes measure or wait for.

Unlike ``clock`` it bends monotonic clocks, too, and sleeps and timeouts, and nothing ever jumps: what breaks is what
relies on clocks that run alike, as a lease does. A quartz is off by 0.0001. What is drawn here is what virtual machines
do whose ticks are lost or made up for, and what whoever measures time by them should have a bound for: from a tenth to
ten times more or less, spread evenly over the orders of magnitude.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from random import Random
from typing import Any, Final, cast

from harness.cluster import Cluster, Observation
from harness.cluster_faults import DriftFaults
from harness.fault import Action, Effect, FaultSpec
from harness.faults.clock import Kinds, choose_kind, shapes_of
from harness.faults.degradation import Amount, log_uniform
from harness.faults.effect import judge_met
from harness.faults.target import concrete_nodes

EXCESS: Final = (0.1, 10.0)
"""By how much of its own rate another clock is faster."""


def _slow(random: Random) -> Amount:
    return {"factor": round(1 / (1 + log_uniform(random, *EXCESS, digits=4)), 4)}


def _fast(random: Random) -> Amount:
    return {"factor": round(1 + log_uniform(random, *EXCESS, digits=4), 4)}


KINDS: Final[Kinds] = {"slow": (_slow, "runs too slow"), "fast": (_fast, "runs too fast")}
SHAPES: Final = shapes_of(KINDS)


@dataclass(frozen=True, slots=True)
class Drift:
    name: str = "drift"
    summary: str = "let monotonic clocks and timers, too, run too slow or too fast"
    needs: frozenset[str] = frozenset({"drift"})

    @property
    def shapes(self) -> Mapping[str, str]:
        return SHAPES

    def choose(self, spec: FaultSpec, turn: int, nodes: tuple[str, ...], random: Random) -> Action:
        return choose_kind(spec, KINDS, turn, nodes, random)

    async def apply(self, cluster: Cluster, action: Action) -> Mapping[str, Any]:
        await cast(DriftFaults, cluster).drift(concrete_nodes(action), action["amount"]["factor"])
        return dict(action)

    async def heal(self, cluster: Cluster, action: Action) -> Mapping[str, Any]:
        nodes = concrete_nodes(action)
        await cast(DriftFaults, cluster).undrift(nodes)
        return {"nodes": nodes}

    def effect(
        self, done: Mapping[str, Any], quiet: tuple[Observation, Observation], window: tuple[Observation, Observation]
    ) -> Effect:
        return judge_met(self.name, quiet, window, "waits and readings at a false rate")


FAULT: Final = Drift()
