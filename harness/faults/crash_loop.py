"""The fault ``crash-loop``: programs that are killed and started again and again, as by a supervisor that never gives
up; when healed all of them run.

Each start is a recovery that the next kill may cut short, and each life is long enough to win an election, or not.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from random import Random
from typing import Any, Final

from harness.cluster import Cluster, ClusterError, Observation
from harness.fault import Action, Effect, FaultSpec
from harness.faults.degradation import log_uniform
from harness.faults.effect import EXCESS, rate, signals, steady
from harness.faults.recurring import rest
from harness.faults.target import TARGETS, choose_target, concrete_nodes
from harness.node import Future
from harness.runtime import Runtime

UP_MS: Final = (50, 800)
DOWN_MS: Final = (20, 300)
CRASHES_MIN: Final = 2
"""Fewer are no loop."""


@dataclass(frozen=True, slots=True)
class CrashLoop:
    name: str = "crash-loop"
    summary: str = "kill -9 node programs and start them, again and again"
    needs: frozenset[str] = frozenset({"kill"})

    @property
    def shapes(self) -> Mapping[str, str]:
        return TARGETS

    def choose(self, spec: FaultSpec, turn: int, nodes: tuple[str, ...], random: Random) -> Action:
        amount = {"up_ms": log_uniform(random, *UP_MS), "down_ms": log_uniform(random, *DOWN_MS)}
        return {**choose_target(spec, turn, nodes, random), "amount": amount}

    async def apply(self, cluster: Cluster, action: Action) -> Mapping[str, Any]:
        """The first crash."""
        await cluster.kill(concrete_nodes(action))
        return {**action, "of": list(cluster.nodes)}

    async def during(self, cluster: Cluster, action: Action, runtime: Runtime, over: Future[None]) -> None:
        """All the others."""
        nodes, amount = concrete_nodes(action), action["amount"]
        while await rest(runtime, over, amount["down_ms"]):
            try:
                await cluster.start(nodes)
            except ClusterError:  # another fault took one down as it started: that is a crash too, and the loop goes on
                continue
            if not await rest(runtime, over, amount["up_ms"]):
                return
            await cluster.kill(nodes)

    async def heal(self, cluster: Cluster, action: Action) -> Mapping[str, Any]:
        """Also tells the incarnation that each node has come to."""
        nodes = concrete_nodes(action)
        await cluster.start(nodes)
        incarnations = (await cluster.observe()).incarnations
        return {"nodes": nodes, "incarnations": {node: incarnations.get(node, 0) for node in nodes}}

    def effect(
        self, done: Mapping[str, Any], quiet: tuple[Observation, Observation], window: tuple[Observation, Observation]
    ) -> Effect:
        """It bit if each node crashed a few times, by its own count of its lives, and others met refusals, closed
        connections, timeouts or elections clearly more often than in the quiet stretch. Where all nodes crashed, that
        is the effect itself."""
        nodes, before = done["nodes"], window[0].incarnations
        after = done.get("healed", {}).get("incarnations", {})
        crashes = {node: max(0, after.get(node, 0) - before.get(node, after.get(node, 0))) for node in nodes}
        inside, outside = (rate(sum(signals(pair, without=nodes).values()), pair) for pair in (window, quiet))
        alone = set(done["of"]) <= set(nodes)
        looped = min(crashes.values()) >= CRASHES_MIN
        missed = inside > EXCESS * outside
        measured = {
            "crashes": float(sum(crashes.values())),
            "signals_hz": round(inside, 3),
            "signals_quiet_hz": round(outside, 3),
        }
        told = f"the nodes crashed {sum(crashes.values())} times"
        if not looped:
            told += f", but one of them less than {CRASHES_MIN} times"
        elif not alone:
            told += ", and others missed them" if missed else ", but nobody missed them more than usual"
        return Effect(looped and (alone or missed), measured, told, absent_outside=steady(quiet, nodes))


FAULT: Final = CrashLoop()
