"""The commit order that proves a level of a history of lists, from the graph that decided it.

It is a topological order of the edges that the level's automaton walks (of snapshots and commits, where it has these).
Of appends that nobody read the order is free, but for three families (:mod:`checkers.transactional.tail`): there they
follow each other as the search found it inside a component, and as the components do beyond.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise

from checkers.transactional.axiom import refute
from checkers.transactional.commit_order import CommitOrder
from checkers.transactional.component import components, topological
from checkers.transactional.decide import Scene
from checkers.transactional.graph import KIND_BITS, KIND_MASK, NEXT, RW, WR, WW
from checkers.transactional.lattice import Family, Model, Order
from checkers.transactional.pattern import COMMIT, SNAPSHOT, automaton
from checkers.transactional.tail import ORDER_MATTERS, arranged
from checkers.transactional.verdict import Verdicts, settled
from checkers.transactional.version_order import Inference

Edges = list[list[tuple[int, int]]]
"""For each node of the graph, (target, kind)."""


def checked(found: Verdicts, model: Model) -> CommitOrder:
    """The commit order, checked against the level's definition. The level must hold."""
    order = proof(found, model)
    objection = refute(found.inference.transactions, order, model)
    assert objection is None, f"the commit order does not show {model.name}: {objection}"
    return order


def proof(found: Verdicts, model: Model) -> CommitOrder:
    """The level must hold."""
    if model.family is Family.WRITES:
        found = settled(found, model.order)
    edges = _edges(found, model)
    if model.family in (Family.PREFIX, Family.SNAPSHOT):
        return _with_snapshots(found.inference, edges, model)
    order, rest = topological(range(len(edges)), lambda node: [target for target, _ in edges[node]])
    assert not rest, f"{model.name} holds, and the commits have a cycle"
    committed = set(found.inference.committed)
    return CommitOrder([found.inference.transactions[node].invoke for node in order if node in committed])


def _edges(found: Verdicts, model: Model) -> Edges:
    """Those that bind the level, with what follows about appends that nobody read."""
    kinds = kinds_of(model)
    silent = set()
    if model.family is Family.UPDATE:  # who appends nothing precedes nobody; what it missed is looked at by itself
        silent = {each for each in found.inference.committed if not found.inference.transactions[each].appends}
    edges: Edges = [
        [(code >> KIND_BITS, code & KIND_MASK) for code in out if code & KIND_MASK in kinds]
        if node not in silent
        else []
        for node, out in enumerate(found.graph.successors)
    ]
    if model.family in ORDER_MATTERS:
        for first, second in _arranged(found, model.family, model.order):
            edges[first].append((second, WW))
    if model.family is Family.CURSOR:
        for first, second in first_of_tails(found.inference):
            edges[first].append((second, WW))
    return edges


def kinds_of(model: Model) -> set[int]:
    """The edges that a commit order must extend."""
    if model.family is Family.UPDATE:
        return {WW, WR, RW, NEXT}
    return {kind for state in automaton(model.family, model.order) for kind in state}


# ---------------------------------------------------------------------------- appends that nobody read


def _arranged(found: Verdicts, family: Family, order: Order) -> Iterator[tuple[int, int]]:
    """Of each list's appends that nobody read, each with the next one."""
    tails = [versions.tail for versions in found.inference.versions.values() if len(versions.tail) > 1]
    if not tails:
        return
    rank = _ranks(found)
    inside: dict[int, int] = {}
    for scene in found.scenes:
        inside |= places(scene, arranged(scene, family, order))
    for tail in tails:
        yield from pairwise(sorted(tail, key=lambda number: (rank[number], inside.get(number, 0))))


def _ranks(found: Verdicts) -> list[int]:
    """Of each node of the graph its component's place in an order of the components."""
    successors = found.graph.successors
    leader = list(range(len(successors)))
    for nodes in components(range(len(successors)), lambda node: [code >> KIND_BITS for code in successors[node]]):
        for node in nodes:
            leader[node] = nodes[0]
    out: list[list[int]] = [[] for _ in successors]
    for node, codes in enumerate(successors):
        out[leader[node]] += [leader[code >> KIND_BITS] for code in codes if leader[code >> KIND_BITS] != leader[node]]
    order, rest = topological([node for node, first in enumerate(leader) if node == first], out.__getitem__)
    assert not rest, "components have no cycle"
    place = {node: index for index, node in enumerate(order)}
    return [place[first] for first in leader]


def places(scene: Scene, chosen: Sequence[tuple[int, int]]) -> dict[int, int]:
    """An order of the members that keeps each chosen pair."""
    after: dict[int, list[int]] = {}
    for first, second in chosen:
        after.setdefault(first, []).append(second)
    order, rest = topological(scene.part.nodes, lambda node: after.get(node, []))
    assert not rest, "an arrangement is an order"
    return {node: place for place, node in enumerate(order)}


def first_of_tails(inference: Inference) -> Iterator[tuple[int, int]]:
    """Who read the last version that anybody read, and appended, comes before all others whose appends nobody read."""
    for versions in inference.versions.values():
        tail = {*versions.tail} - {*versions.writers} if len(versions.tail) > 1 else set()
        for first in {reader for reader, seen, _ in versions.reads if reader in tail and seen == len(versions.writers)}:
            yield from ((first, each) for each in versions.tail if each != first)


# ---------------------------------------------------------------------------- snapshots


def _with_snapshots(inference: Inference, edges: Edges, model: Model) -> CommitOrder:
    """A schedule of two events per transaction: its snapshot, 2n + 1, and its commit, 2n."""
    walk = automaton(model.family, model.order)

    def events(event: int) -> list[int]:
        node, allowed = event >> 1, walk[event & 1]
        after = [target << 1 | allowed[kind] for target, kind in edges[node] if kind in allowed]
        return [*after, node << 1 | COMMIT] if event & 1 == SNAPSHOT else after

    schedule, rest = topological(range(2 * len(edges)), events)
    assert not rest, f"{model.name} holds, and its schedule has a cycle"
    committed = set(inference.committed)
    order: list[int] = []
    shown: dict[int, int] = {}
    for event in schedule:
        if event >> 1 in committed:
            if event & 1 == SNAPSHOT:
                shown[event >> 1] = len(order)
            else:
                order.append(event >> 1)
    return CommitOrder([inference.transactions[number].invoke for number in order], [shown[each] for each in order])
