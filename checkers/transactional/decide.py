"""Whether a part of the graph satisfies a family of models, and if not, by which cycle.

Each decision is exact: the known edges decide most families (each function says why); for the three that the unknown
order of appends nobody read can break, the choices are searched (:mod:`checkers.transactional.tail`).
"""

from __future__ import annotations

from dataclasses import dataclass, field

from checkers.transactional.cycle import Cycle, Part, shortest_single, shortest_walk
from checkers.transactional.graph import NEXT, RW, WR, WW
from checkers.transactional.lattice import Family, Order
from checkers.transactional.pattern import ORDER_KINDS, automaton, name
from checkers.transactional.transaction import Atom
from checkers.transactional.version_order import Inference
from checkers.transactional.visibility import (
    CURSOR,
    FRACTURED_READ,
    MONOTONIC,
    Places,
    backwards,
    first_of_tail,
    fractured,
    lost_update,
    missed_earlier,
    places,
)


@dataclass(frozen=True, slots=True)
class Violation:
    """A cycle that a model forbids, and the anomaly's name."""

    type: str
    cycle: Cycle


@dataclass(slots=True)
class Scene:
    """One part with what its decisions share."""

    inference: Inference
    part: Part
    _places: Places | None = None
    _walks: dict[tuple[Family, Order], Cycle | None] = field(default_factory=dict)

    @property
    def places(self) -> Places:
        if self._places is None:
            self._places = places(self.inference, self.part)
        return self._places

    def walk(self, family: Family, order: Order) -> Cycle | None:
        if (family, order) not in self._walks:
            self._walks[family, order] = shortest_walk(self.part, automaton(family, order))
        return self._walks[family, order]


def violation(scene: Scene, family: Family, order: Order) -> Violation | None:
    """What in this part the family forbids, by the known edges alone; None if they allow it.

    Without an order of the tails: the versions nobody read can follow in any order that extends the other edges, which
    adds no cycle of dependencies, nor, for ANY and PREFIX, one of transactions or commits. For ONE_RW, SNAPSHOT and
    UPDATE it may: None then means that no *known* edge forbids it.
    """
    if family is Family.CURSOR:
        return _cursor(scene)
    base = family if family in (Family.WRITES, Family.ANY, Family.PREFIX, Family.SNAPSHOT) else Family.DEPENDENCIES
    if family is Family.UPDATE:
        return _update(scene)
    cycle = scene.walk(base, order)
    if cycle is not None:
        return Violation(name(cycle.kinds), cycle)
    if family is Family.MONOTONIC:
        return _named(MONOTONIC, backwards(scene.inference, scene.part, scene.places))
    if family is Family.ATOMIC:
        return _atomic(scene, order)
    if family in (Family.ONE_RW, Family.CAUSAL):
        return _single(scene, family, order)
    return None


def _named(type_: str, cycle: Cycle | None) -> Violation | None:
    return None if cycle is None else Violation(type_, cycle)


def _atomic(scene: Scene, order: Order) -> Violation | None:
    cycle = fractured(scene.inference, scene.part, scene.places)
    if cycle is not None or order is Order.NONE:
        return _named(FRACTURED_READ, cycle)
    cycle = missed_earlier(scene.inference, scene.part, scene.places, order)
    return None if cycle is None else Violation(name(cycle.kinds), cycle)


def _single(scene: Scene, family: Family, order: Order) -> Violation | None:
    kinds = (WR, *ORDER_KINDS[order]) if family is Family.CAUSAL else (WW, WR, *ORDER_KINDS[order])
    entries, following = later_versions(scene) if family is Family.CAUSAL else next_versions(scene.part)
    cycle = shortest_single(scene.part, entries, following, kinds)
    return None if cycle is None else Violation(name(cycle.kinds), cycle)


def next_versions(part: Part) -> tuple[list[tuple[int, int]], dict[int, list[int]]]:
    """The rw edges of the part, and where the joints lead to which they go."""
    entries = [(node, target) for node, edges in part.edges.items() for target, kind in edges if kind == RW]
    following: dict[int, list[int]] = {}
    for node, edges in part.edges.items():
        targets = [target for target, kind in edges if kind == NEXT]
        if targets:
            following[node] = targets
    return entries, following


def later_versions(scene: Scene) -> tuple[list[tuple[int, int]], dict[int, list[int]]]:
    """An rw edge for every read, to a joint that leads to the writers of *all* later versions in this part."""
    members = set(scene.part.nodes)
    entries: list[tuple[int, int]] = []
    following: dict[int, list[int]] = {}
    joints: dict[tuple[Atom, int], int] = {}
    fresh = -1  # negative numbers are no nodes of the graph
    for reader, reads in scene.places.reads.items():
        for _, key, seen in reads:
            if (key, seen) not in joints:
                fresh = _add_joints(scene, key, members, joints, following, fresh)
            joint = joints[key, seen]
            if joint in following:
                entries.append((reader, joint))
    return entries, following


def _add_joints(
    scene: Scene, key: Atom, members: set[int], joints: dict[tuple[Atom, int], int],
    following: dict[int, list[int]], fresh: int,
) -> int:  # fmt: skip
    """One joint per version of the key, from the last to the first."""
    versions = scene.inference.versions[key]
    tail = [writer for writer in versions.tail if writer in members]
    after = fresh
    if tail:
        following[after] = tail
    joints[key, len(versions.writers)] = after
    for seen in range(len(versions.writers) - 1, -1, -1):
        joint = after - 1
        further = [after] if after in following else []
        writer = [versions.writers[seen]] if versions.writers[seen] in members else []
        if further or writer:
            following[joint] = [*writer, *further]
        joints[key, seen] = after = joint
    return after - 1


def _cursor(scene: Scene) -> Violation | None:
    cycle = scene.walk(Family.DEPENDENCIES, Order.NONE)
    if cycle is not None:
        return Violation(name(cycle.kinds), cycle)
    lost = lost_update(scene.inference, scene.part, scene.places)
    if lost is not None:
        return Violation(*lost)
    forced = first_of_tail(scene.inference, scene.part, scene.places)
    cycle = shortest_walk(scene.part, automaton(Family.DEPENDENCIES, Order.NONE), forced) if forced else None
    return None if cycle is None else Violation(CURSOR, cycle)


def _update(scene: Scene) -> Violation | None:
    """G1, or a cycle of transactions that append and at most one that does not (Adya's G-update)."""
    cycle = scene.walk(Family.DEPENDENCIES, Order.NONE)
    if cycle is None:
        part = scene.part
        silent = {number for number in part.numbers if not scene.inference.transactions[number].appends}
        cycle = shortest_walk(_cut(part, silent), automaton(Family.ANY, Order.NONE))
        if cycle is None and silent:
            cycle = _through_one_reader(part, silent)
    return None if cycle is None else Violation(name(cycle.kinds), cycle)


def _cut(part: Part, removed: set[int]) -> Part:
    edges = {
        node: [edge for edge in out if edge[0] not in removed]
        for node, out in part.edges.items()
        if node not in removed
    }
    return Part([node for node in part.nodes if node not in removed], edges, part.transactions, part.deadline)


def _through_one_reader(part: Part, silent: set[int]) -> Cycle | None:
    """A cycle through exactly one of those that append nothing; the others alone have none."""
    edges = {
        node: [] if node in silent else [edge for edge in out if edge[0] not in silent or edge[1] == WR]
        for node, out in part.edges.items()
    }
    entries = [(reader, target) for reader in sorted(silent) for target, kind in part.edges[reader] if kind == RW]
    return shortest_single(Part(part.nodes, edges, part.transactions, part.deadline), entries, {}, (WW, WR, RW, NEXT))
