"""A graph without cycles, to which edges are added and from which the last ones are taken back.

An order of the nodes in which every edge leads forward is kept: an edge that leads backward in it is what takes work,
and only among the nodes between its ends (Pearce, Kelly 2006). Taking an edge back leaves the order right.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

CERTAIN = 0
"""The label of edges that were there from the beginning."""


class _Edge(NamedTuple):
    node: int
    label: int


@dataclass(slots=True)
class Acyclic:
    """``rank[v]`` ascends along edges; ``after[v]`` and ``before[v]``: the edges out of and into node v."""

    rank: list[int]
    after: list[list[_Edge]]
    before: list[list[_Edge]]
    _added: list[tuple[int, int]] = field(default_factory=list)

    def __len__(self) -> int:
        """How many edges have been added and not taken back."""
        return len(self._added)

    def add(self, source: int, target: int, label: int) -> frozenset[int]:
        """Add an edge. If it closed a cycle it is not added: then the labels of such a cycle, of those cycles one with
        few labels; else nothing."""
        if source == target:
            return frozenset((label,))
        if self.rank[target] < self.rank[source]:
            ahead: dict[int, _Edge] = {}
            if self._search(target, source, ahead):
                return frozenset((label, *self._labels(ahead, target, source)))
            self._reorder(self._reaching(source, self.rank[target]), [target, *ahead])
        self.after[source].append(_Edge(target, label))
        self.before[target].append(_Edge(source, label))
        self._added.append((source, target))
        return frozenset()

    def take_back(self, kept: int) -> None:
        """All but so many of the edges that were added."""
        while len(self._added) > kept:
            source, target = self._added.pop()
            self.after[source].pop()
            self.before[target].pop()

    def _search(self, start: int, end: int, parents: dict[int, _Edge]) -> bool:
        """Whether a path leads from one node to the other: with the fewest edges that are not certain. ``parents`` gets
        the edge by which each node was reached."""
        limit, rank = self.rank[end], self.rank
        queue, done = deque((start,)), set[int]()
        while queue:
            node = queue.popleft()
            if node == end:
                return True
            if node in done:
                continue
            done.add(node)
            certain = []
            for target, label in self.after[node]:
                if rank[target] > limit or target in done or (target in parents and label != CERTAIN):
                    continue
                parents[target] = _Edge(node, label)
                if label == CERTAIN:
                    certain.append(target)
                else:
                    queue.append(target)
            queue.extendleft(certain)
        return False

    def _labels(self, parents: dict[int, _Edge], start: int, node: int) -> set[int]:
        found: set[int] = set()
        while node != start:
            node, label = parents[node]
            if label != CERTAIN:
                found.add(label)
        return found

    def _reaching(self, end: int, least: int) -> list[int]:
        """The node, and all of at least that rank from which a path leads to it."""
        found, seen = [end], {end}
        for node in found:
            for source, _ in self.before[node]:
                if source not in seen and self.rank[source] >= least:
                    seen.add(source)
                    found.append(source)
        return found

    def _reorder(self, first: list[int], then: list[int]) -> None:
        """Let the first ones have the lowest of the ranks that all of them have now."""
        rank = self.rank
        nodes = [*sorted(first, key=rank.__getitem__), *sorted(then, key=rank.__getitem__)]
        for node, place in zip(nodes, sorted(rank[node] for node in nodes), strict=True):
            rank[node] = place


def acyclic(before: Sequence[Sequence[int]], order: Sequence[int]) -> Acyclic:
    """With certain edges from ``before[v]`` to each node v; ``order``: the nodes in a topological order."""
    rank = [0] * len(before)
    for place, node in enumerate(order):
        rank[node] = place
    after: list[list[_Edge]] = [[] for _ in before]
    for node, sources in enumerate(before):
        for source in sources:
            after[source].append(_Edge(node, CERTAIN))
    return Acyclic(rank, after, [[_Edge(source, CERTAIN) for source in sources] for sources in before])
