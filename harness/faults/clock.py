"""The fault ``clock``: wall clocks that jump, strobe to and fro, or run at a wrong rate; healing makes them true again.

Offsets are *within* what badly kept clocks show by themselves, up to 200 ms, or *beyond* it, up to hours, as when an
operator, a virtual machine or a leap-second bug sets them (Kyle Kingsbury's Jepsen bumps and strobes clocks alike);
each half of the time, in both directions, and spread evenly over the orders of magnitude: a system that assumes clocks
to be close breaks at small ones, one that breaks only at large ones should be known for that.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from random import Random
from typing import Any, Final, cast

from harness.cluster import Cluster, Observation
from harness.cluster_faults import ClockFaults
from harness.fault import Action, Effect, FaultSpec
from harness.faults.degradation import Amount, log_uniform
from harness.faults.effect import judge_met
from harness.faults.target import TARGETS, choose_target, concrete_nodes, is_target

JUMP: Final = "jump"
STROBE: Final = "strobe"
RATE: Final = "rate"
WITHIN_MS: Final = (1.0, 200.0)
BEYOND_MS: Final = (200.0, 4 * 3_600_000.0)
PERIOD_MS: Final = (2.0, 500.0)
EXCESS: Final = (0.001, 1.0)
"""How much faster than 1; a slower clock has the inverse rate. A quartz is off by 0.0001, a broken one by anything."""

_TARGETS: Final = ("leader", "one", "minority")


def _jump(random: Random) -> Amount:
    return {"offset_ms": _offset_ms(random)}


def _strobe(random: Random) -> Amount:
    return {"offset_ms": _offset_ms(random), "period_ms": log_uniform(random, *PERIOD_MS)}


def _rate(random: Random) -> Amount:
    factor = 1 + log_uniform(random, *EXCESS, digits=4)
    return {"factor": round(random.choice((factor, 1 / factor)), 4)}


def _offset_ms(random: Random) -> float:
    size_ms = log_uniform(random, *random.choice((WITHIN_MS, BEYOND_MS)))
    return size_ms * random.choice((-1, 1))


Kinds = Mapping[str, tuple[Callable[[Random], Amount], str]]
"""Kind of bend -> how its amount is drawn, one line of help."""

KINDS: Final[Kinds] = {
    JUMP: (_jump, "one jump, forward or back"),
    STROBE: (_strobe, "jumps to and fro, many times"),
    RATE: (_rate, "runs too fast or too slow"),
}


def shapes_of(kinds: Kinds) -> Mapping[str, str]:
    """A kind, a target, or both: ``jump``, ``leader``, ``jump-leader``."""
    alone = {kind: f"{line}; on one of {', '.join(_TARGETS)}" for kind, (_, line) in kinds.items()}
    targets = {target: f"one of {', '.join(kinds)}, on {line}" for target, line in TARGETS.items()}
    both = {
        f"{kind}-{target}": f"{kind_line}; on {line}"
        for kind, (_, kind_line) in kinds.items()
        for target, line in TARGETS.items()
    }
    return alone | targets | both


SHAPES: Final = shapes_of(KINDS)


def choose_kind(spec: FaultSpec, kinds: Kinds, turn: int, nodes: tuple[str, ...], random: Random) -> Action:
    """Target, kind and amount. The default mix goes through the kinds and, for each, through the targets, the leader
    first."""
    kind, target = _named(spec.shape, kinds)
    if kind is None:
        kind = list(kinds)[turn % len(kinds)]
    if target is None:
        target = _TARGETS[turn // len(kinds) % len(_TARGETS)] if spec.shape is None else _drawn(spec, random)
    chosen = choose_target(replace(spec, shape=target), turn, nodes, random)
    return {**chosen, "kind": kind, "amount": kinds[kind][0](random)}


@dataclass(frozen=True, slots=True)
class Clock:
    name: str = "clock"
    summary: str = "make wall clocks jump, strobe, or run at a wrong rate"
    needs: frozenset[str] = frozenset({"clock"})

    @property
    def shapes(self) -> Mapping[str, str]:
        return SHAPES

    def choose(self, spec: FaultSpec, turn: int, nodes: tuple[str, ...], random: Random) -> Action:
        return choose_kind(spec, KINDS, turn, nodes, random)

    async def apply(self, cluster: Cluster, action: Action) -> Mapping[str, Any]:
        """Also tells how far each clock is off right then, as its own node reads it; a rate has not come far yet."""
        nodes, clocks = concrete_nodes(action), cast(ClockFaults, cluster)
        await clocks.clock_bend(nodes, action["kind"], action["amount"])
        return {**action, "offsets_ms": dict(await clocks.clock_offsets(nodes))}

    async def heal(self, cluster: Cluster, action: Action) -> Mapping[str, Any]:
        """Also tells how far each clock was off in the end, and is now."""
        nodes, clocks = concrete_nodes(action), cast(ClockFaults, cluster)
        before = await clocks.clock_offsets(nodes)
        await clocks.clock_unbend(nodes)
        return {"nodes": nodes, "bent_ms": dict(before), "offsets_ms": dict(await clocks.clock_offsets(nodes))}

    def effect(
        self, done: Mapping[str, Any], quiet: tuple[Observation, Observation], window: tuple[Observation, Observation]
    ) -> Effect:
        return judge_met(self.name, quiet, window, "false readings")


def _named(shape: str | None, kinds: Kinds) -> tuple[str | None, str | None]:
    """The kind and the target that a shape names."""
    if shape is None or shape in kinds:
        return shape, None
    if is_target(shape):
        return None, shape
    kind, _, target = shape.partition("-")
    return kind, target


def _drawn(spec: FaultSpec, random: Random) -> str:
    """A target for a kind without one; one that takes a number where there is one."""
    return random.choice(_TARGETS if spec.size is None else _TARGETS[:2])


FAULT: Final = Clock()
