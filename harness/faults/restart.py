"""The fault ``restart``: SIGKILL to the node programs, and a start at once, as a supervisor or an upgrade does it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from random import Random
from typing import Any, Final

from harness.cluster import Cluster, Observation
from harness.fault import Action, Effect, FaultSpec
from harness.faults.effect import EXCESS, WORDS, Pair, rate, signals, steady
from harness.faults.target import TARGETS, choose_target, concrete_nodes


@dataclass(frozen=True, slots=True)
class Restart:
    name: str = "restart"
    summary: str = "kill -9 node programs and start them again at once"
    needs: frozenset[str] = frozenset({"kill"})

    @property
    def shapes(self) -> Mapping[str, str]:
        return TARGETS

    def choose(self, spec: FaultSpec, turn: int, nodes: tuple[str, ...], random: Random) -> Action:
        return choose_target(spec, turn, nodes, random)

    async def apply(self, cluster: Cluster, action: Action) -> Mapping[str, Any]:
        nodes = concrete_nodes(action)
        await cluster.kill(nodes)
        await cluster.start(nodes)
        return {**action, "of": list(cluster.nodes)}

    async def heal(self, cluster: Cluster, action: Action) -> Mapping[str, Any]:
        """They run already, unless the start failed half-way."""
        nodes = concrete_nodes(action)
        await cluster.start(nodes)
        return {"nodes": nodes}

    def effect(
        self, done: Mapping[str, Any], quiet: tuple[Observation, Observation], window: tuple[Observation, Observation]
    ) -> Effect:
        return judge_restart(done["nodes"], done["of"], quiet, window)


def judge_restart(nodes: list[str], cluster: list[str], quiet: Pair, window: Pair) -> Effect:
    """Restarted nodes bit if each has a new incarnation, and others met refusals, closed connections, timeouts or
    elections clearly more often than in the quiet stretch. Where there are no others, the restart is the effect itself:
    everybody was gone."""
    before, after = window[0].incarnations, window[1].incarnations
    restarted = sum(after.get(node, 0) > before.get(node, 0) for node in nodes)
    inside, outside = signals(window, without=nodes), signals(quiet, without=nodes)
    inside_hz, outside_hz = rate(sum(inside.values()), window), rate(sum(outside.values()), quiet)
    alone, missed = set(cluster) <= set(nodes), inside_hz > EXCESS * outside_hz
    measured = {
        "nodes_restarted": float(restarted),
        **{name.removeprefix("net."): float(count) for name, count in inside.items()},
        "signals_hz": round(inside_hz, 3),
        "signals_quiet_hz": round(outside_hz, 3),
    }
    if restarted < len(nodes):
        told = f"{len(nodes) - restarted} of {len(nodes)} nodes had no new incarnation at the end of the window"
    elif alone:
        told = "all nodes were restarted together; nobody was there to answer"
    elif missed:
        told = "the nodes were restarted, and others met: "
        told += ", ".join(f"{WORDS[name]} {count}" for name, count in inside.items() if count)
    else:
        told = "the nodes were restarted, but nobody missed them more than usual"
    bit = restarted == len(nodes) and (alone or missed)
    return Effect(bit, measured, told, absent_outside=steady(quiet, nodes))


FAULT: Final = Restart()
