"""The fault ``restart``: SIGKILL to the node programs, and a start at once, as a supervisor or an upgrade does it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any, Final

from harness.cluster import Cluster, Observation
from harness.fault import Action, Effect, FaultSpec
from harness.faults.effect import EXCESS, WORDS, Pair, rate, signals, steady
from harness.faults.target import TARGETS, choose_target, concrete_nodes

Counts = Mapping[str, int]

KINDS: Final = (("net.refused", "net.closed"), ("election",))
"""The signals of :mod:`harness.faults.effect` that tell of a node that was gone for a moment."""


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
    """Restarted nodes bit if each has a new incarnation, and anybody met ended connections (or elections) clearly more
    often than in the quiet stretch; they themselves too: a leader that comes back may win again, and who restarts with
    others finds them gone. Timeouts say nothing: a node is gone for a moment only. Where all were restarted, that is
    the effect itself."""
    before, after = window[0].incarnations, window[1].incarnations
    restarted = sum(after.get(node, 0) > before.get(node, 0) for node in nodes)
    inside, outside = signals(window), signals(quiet)
    met = [name for kind in KINDS for name in kind if _grew(kind, inside, outside, quiet, window) and inside[name]]
    alone = set(cluster) <= set(nodes)
    measured = {
        "nodes_restarted": float(restarted),
        **{name.removeprefix("net."): float(inside[name]) for kind in KINDS for name in kind},
    }
    if restarted < len(nodes):
        told = f"{len(nodes) - restarted} of {len(nodes)} nodes had no new incarnation at the end of the window"
    elif alone:
        told = "all nodes were restarted together; nobody was there to answer"
    elif met:
        told = "the nodes were restarted; met were: "
        told += ", ".join(f"{WORDS[name]} {inside[name]}" for name in met)
    else:
        told = "the nodes were restarted, but nobody met that more than usual"
    bit = restarted == len(nodes) and (alone or bool(met))
    return Effect(bit, measured, told, absent_outside=steady(quiet, nodes))


def _grew(kind: Sequence[str], inside: Counts, outside: Counts, quiet: Pair, window: Pair) -> bool:
    """Whether the signals of a kind were clearly more frequent in the window."""
    inside_hz, outside_hz = (
        rate(sum(counts[name] for name in kind), pair) for counts, pair in ((inside, window), (outside, quiet))
    )
    return inside_hz > EXCESS * outside_hz


FAULT: Final = Restart()
