"""The shapes of network partitions, as pure functions from nodes to drops.

*Drops* say who does not hear whom: receiving node -> senders whose packets it throws away. A shape is first a set of
*cuts*, ordered pairs ``(a, b)``; a symmetric cut drops both ways, a one-way cut only what ``a`` sends to ``b``.

The random shapes take their nodes in an already shuffled order, so that they are functions. ``majorities-ring`` and
``bridge`` are Jepsen's (jepsen.nemesis/majorities-ring, /bridge); with symmetric links, as here, the ring is a
circulant graph.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import combinations, product
from random import Random
from typing import Final

Cut = tuple[str, str]
Drops = dict[str, list[str]]


def majority(count: int) -> int:
    """The smallest number of ``count`` nodes that is more than half of them."""
    return count // 2 + 1


def minority(count: int) -> int:
    """The largest number of ``count`` nodes that is less than half of them, but at least one."""
    return max(1, (count - 1) // 2)


def between(left: Sequence[str], right: Sequence[str]) -> list[Cut]:
    return list(product(left, right))


def split(nodes: Sequence[str], size: int) -> list[Cut]:
    """The first ``size`` nodes against the rest."""
    return between(nodes[:size], nodes[size:])


def halves(nodes: Sequence[str]) -> list[Cut]:
    return split(nodes, len(nodes) // 2)


def one(nodes: Sequence[str]) -> list[Cut]:
    return split(nodes, 1)


def minority_third(nodes: Sequence[str]) -> list[Cut]:
    """At most a third against the rest: even a system that tolerates Byzantine faults should bear it."""
    return split(nodes, max(1, (len(nodes) - 1) // 3))


def bridge(nodes: Sequence[str]) -> list[Cut]:
    """Two halves that do not hear each other, and one node that hears and is heard by all."""
    rest = nodes[1:]
    return halves(rest)


def majorities_ring(nodes: Sequence[str]) -> list[Cut]:
    """Every node hears a majority, and no two hear the same one.

    Nodes sit on a ring and hear their nearest neighbours on both sides, just enough for a majority. Among three, that
    would be everybody; there the ring is opened between two of them.
    """
    count = len(nodes)
    if count == 3:
        return [(nodes[0], nodes[2])]
    reach = majority(count) // 2
    return [
        (nodes[i], nodes[(i + step) % count])
        for i in range(count)
        for step in range(reach + 1, count - reach)
        if step < count - step or (step == count - step and i < step)
    ]


def majorities_ring_stochastic(nodes: Sequence[str]) -> list[Cut]:
    """Every node hears a majority, by links that are drawn one by one: whoever hears the fewest is joined to one of
    those that hear the fewest of the rest, until all hear enough.

    Jepsen's stochastic ring. Which it is depends on the order of the nodes alone, as with every shape here.
    """
    random, enough = Random(" ".join(nodes)), majority(len(nodes))
    heard = {node: {node} for node in nodes}
    while True:
        fewest, *rest = sorted(random.sample(nodes, len(nodes)), key=lambda node: len(heard[node]))
        if len(heard[fewest]) >= enough:
            return [(a, b) for a, b in combinations(nodes, 2) if b not in heard[a]]
        other = next(node for node in rest if node not in heard[fewest])
        heard[fewest].add(other)
        heard[other].add(fewest)


SHAPES: Final[Mapping[str, tuple[Callable[[Sequence[str]], list[Cut]], int, str]]] = {
    "halves": (halves, 2, "two halves"),
    "one": (one, 2, "one node alone"),
    "minority-third": (minority_third, 2, "at most a third of the nodes against the rest"),
    "majorities-ring": (majorities_ring, 3, "every node hears a majority, no two the same one"),
    "majorities-ring-stochastic": (majorities_ring_stochastic, 3, "every node hears a majority, drawn link by link"),
    "bridge": (bridge, 3, "two halves, and one node that hears both"),
}
"""Shape -> its cuts, the least number of nodes it needs, one line of help."""


def drops(cuts: Iterable[Cut], one_way: bool = False) -> Drops:
    """What each receiver throws away: for ``(a, b)`` b drops what a sends and, unless ``one_way``, a what b sends."""
    result: dict[str, set[str]] = {}
    for sender, receiver in cuts:
        result.setdefault(receiver, set()).add(sender)
        if not one_way:
            result.setdefault(sender, set()).add(receiver)
    return {receiver: sorted(senders) for receiver, senders in sorted(result.items())}
