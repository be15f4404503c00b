"""The fault ``partition``: nodes stop hearing each other, while clients still reach every node.

Only links between nodes are cut, so an isolated leader goes on hearing its clients (systems.md, "Rules of the world");
``partition=clients`` is the opposite: some nodes no longer hear the clients, and hear each other. ``SHAPE-one-way``
cuts one direction only; over TCP the acknowledgements of the other direction are lost with it, so what the heard side
sends arrives, but new connections fail both ways.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from itertools import combinations
from random import Random
from typing import Any, Final

from harness.cluster import Cluster, Observation
from harness.fault import Action, Effect, FaultSpec, FaultSyntaxError
from harness.faults.effect import judge_drops
from harness.faults.target import (
    ISOLATE_ITS_NODE,
    ITS_NODE,
    LEADER,
    TARGETS,
    choose_target,
    concrete_nodes,
    is_symbolic,
    is_target,
    no_size,
    shuffled,
    size_within,
)
from harness.faults.topology import SHAPES, Drops, between, bridge, drops, majority

CLIENTS: Final = "clients"
ONE_WAY: Final = "-one-way"
ISOLATE: Final = "isolate-"
ISOLATE_LEADER: Final = f"{ISOLATE}{LEADER}"
SPLIT_FOLLOWERS: Final = "split-followers"
BETWEEN: Final = "between-"
BETWEEN_LEADER: Final = f"{BETWEEN}{LEADER}"
_ISOLATED: Final = {ISOLATE_LEADER: LEADER, ISOLATE_ITS_NODE: ITS_NODE}
_TOGETHER: Final = ("one", "minority", "followers")
_HELP: Final = {
    ISOLATE_LEADER: "the leader alone, or leader:N with N - 1 others; clients still reach it",
    ISOLATE_ITS_NODE: "the same with the node whose event sets the fault off",
    **{f"{ISOLATE}{target}": f"together, from the rest: {TARGETS[target]}" for target in _TOGETHER},
    SPLIT_FOLLOWERS: "the followers in two halves, and the leader, who hears both",
    BETWEEN_LEADER: "only the link between the leader and another, or those among leader:N; others hear all",
} | {name: line for name, (_, _, line) in SHAPES.items()}
_MIX: Final = ("halves", "one", "minority-third", "majorities-ring", "bridge", "isolate-leader-one-way",
               "halves-one-way")  # fmt: skip


@dataclass(frozen=True, slots=True)
class Partition:
    name: str = "partition"
    summary: str = "cut network links between nodes, or between clients and nodes"
    needs: frozenset[str] = frozenset({"partition"})

    @property
    def shapes(self) -> Mapping[str, str]:
        one_way = {name + ONE_WAY: f"{line}; one direction only" for name, line in _HELP.items()}
        return (
            _HELP
            | one_way
            | {CLIENTS: "clients' packets are dropped at the leader and others, a majority in all; clients:N at N"}
            | {CLIENTS + ONE_WAY: "the same the other way: what those nodes tell clients is dropped"}
        )

    def choose(self, spec: FaultSpec, turn: int, nodes: tuple[str, ...], random: Random) -> Action:
        """The default mix isolates the leader on turns 0, 3, 6, ...; the other shapes share the rest. A single node can
        only be cut from its clients."""
        shape = spec.shape or _mixed(turn, len(nodes), random)
        order = shuffled(nodes, random)
        if shape in (CLIENTS, CLIENTS + ONE_WAY):
            count = majority(len(nodes)) if spec.size is None else size_within(spec, len(nodes))
            return {"shape": shape, "nodes": [LEADER], "count": count, "spares": order}
        name, one_way = shape.removesuffix(ONE_WAY), shape.endswith(ONE_WAY)
        if name == SPLIT_FOLLOWERS:
            no_size(spec)
            _needs_nodes(shape, 3, len(nodes))
            direction = random.choice(("deaf", "mute")) if one_way else "both"
            everybody = {"nodes": [LEADER], "count": len(nodes), "spares": order}
            return {"shape": shape, **everybody, "direction": direction}
        if (symbol := _ISOLATED.get(name)) is not None:
            _needs_nodes(shape, 2, len(nodes))
            count = size_within(spec, len(nodes) - 1)
            direction = random.choice(("deaf", "mute")) if one_way else "both"
            return {"shape": shape, "nodes": [symbol], "count": count, "spares": order, "direction": direction}
        if name.startswith(BETWEEN):
            _needs_nodes(shape, 2, len(nodes))
            return {**_some(spec, name.removeprefix(BETWEEN), turn, nodes, random), "shape": shape,
                    "direction": random.choice(("deaf", "mute")) if one_way else "both"}  # fmt: skip
        if name.startswith(ISOLATE) and is_target(target := name.removeprefix(ISOLATE)):
            _needs_nodes(shape, 2, len(nodes))
            direction = random.choice(("deaf", "mute")) if one_way else "both"
            chosen = choose_target(replace(spec, shape=target), turn, nodes, random)
            return {**chosen, "shape": shape, "direction": direction}
        no_size(spec)
        cuts, least, _ = SHAPES[name]
        _needs_nodes(shape, least, len(nodes))
        pairs = cuts(order)
        if one_way and random.random() < 0.5:
            pairs = [(b, a) for a, b in pairs]
        return {"shape": shape, "drops": drops(pairs, one_way)}

    async def apply(self, cluster: Cluster, action: Action) -> Mapping[str, Any]:
        cut = cut_of(action, cluster.nodes)
        await cluster.partition(cut)
        return {**action, "drops": cut}

    async def heal(self, cluster: Cluster, action: Action) -> Mapping[str, Any]:
        await cluster.heal()
        return {"shape": action["shape"]}

    def effect(
        self, done: Mapping[str, Any], quiet: tuple[Observation, Observation], window: tuple[Observation, Observation]
    ) -> Effect:
        return judge_drops(quiet, window)


def cut_of(action: Action, nodes: tuple[str, ...]) -> Drops:
    """The drops of a resolved action. Raises ValueError for a symbolic one."""
    if "drops" in action:
        written: Drops = action["drops"]
        return written
    shape = action["shape"]
    if shape == CLIENTS:
        return {node: [CLIENTS] for node in sorted(concrete_nodes(action))}
    if shape == CLIENTS + ONE_WAY:
        return {CLIENTS: sorted(concrete_nodes(action))}
    if shape.removesuffix(ONE_WAY) == SPLIT_FOLLOWERS:
        return _split_followers(concrete_nodes(action), action["direction"])
    if shape.startswith(BETWEEN):
        return _among(concrete_nodes(action), action["direction"])
    return isolation(action, nodes)


def isolation(action: Action, nodes: tuple[str, ...]) -> Drops:
    """The drops that isolate the action's nodes: both ways, or so that they hear nobody ("deaf") or nobody hears them
    ("mute")."""
    inside = concrete_nodes(action)
    outside = [node for node in nodes if node not in inside]
    if action["direction"] == "deaf":
        return drops(between(outside, inside), one_way=True)
    return drops(between(inside, outside), one_way=action["direction"] == "mute")


def _split_followers(leader_first: list[str], direction: str) -> Drops:
    """The leader is the bridge between the others, whose order is random."""
    pairs = bridge(leader_first)
    return drops([(b, a) for a, b in pairs] if direction == "deaf" else pairs, one_way=direction != "both")


def _some(spec: FaultSpec, target: str, turn: int, nodes: tuple[str, ...], random: Random) -> dict[str, Any]:
    """Two nodes at least: between less there are no links."""
    size = 2 if target == LEADER and spec.size is None else spec.size
    chosen = choose_target(replace(spec, shape=target, size=size), turn, nodes, random)
    least = chosen.get("count", 2) if is_symbolic(chosen) else len(chosen["nodes"])
    if least < 2:
        raise FaultSyntaxError(f"--faults: read {spec}; expected two nodes at least, between which there is a link")
    return chosen


def _among(nodes: list[str], direction: str) -> Drops:
    """The links among these nodes, and no others. One way, whoever comes first in the list is deaf or mute."""
    pairs = list(combinations(nodes, 2))
    return drops([(b, a) for a, b in pairs] if direction == "deaf" else pairs, one_way=direction != "both")


def _mixed(turn: int, nodes: int, random: Random) -> str:
    if nodes == 1:
        return CLIENTS
    if turn % 3 == 0:
        return ISOLATE_LEADER
    return random.choice([shape for shape in _MIX if SHAPES.get(shape.removesuffix(ONE_WAY), (0, 2))[1] <= nodes])


def _needs_nodes(shape: str, least: int, nodes: int) -> None:
    if nodes < least:
        raise FaultSyntaxError(
            f"--faults: read partition={shape} on {nodes} node(s); expected at least {least} nodes; raise --nodes"
        )


FAULT: Final = Partition()
