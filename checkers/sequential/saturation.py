"""Order that every explanation must have: what registers force, once it is known whose value each observer saw.

An observer r saw the value of the only operation w that leaves it (or the initial value, if none does). Then w comes
before r, and no other mutation m of the register between them: if m is before r, it is before w; if w is before m, r is
before m (the rules of coherence: Gibbons & Korach, "Testing shared memories", 1997, section 4; Bouajjani et al., "On
Verifying Causal Consistency", 2017). Repeated until nothing new follows. A cycle refutes; what is left without one is
not always explained (the problem is NP-complete), and the search goes on from there.

``before[a][c]`` says how many operations of chain c come before a: a vector clock.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Final, Literal, NamedTuple

from checkers.linearizable.limit import Limit
from checkers.sequential.arrangement import NONE, Arrangement

Rule = Literal["session", "reads-from", "overwritten", "overwrites"]
_ELEMENTS_MAX: Final = 20_000_000
_CLOCK_EVERY: Final = 256
_NO_WRITER: Final = -1


class Edge(NamedTuple):
    """``first`` comes before ``second``. "overwritten": it comes before ``reader``, which saw the value of ``second``;
    "overwrites": it is the ``reader``, and saw the value of ``writer``, which comes before ``second`` (NONE: it saw the
    initial value)."""

    first: int
    second: int
    rule: Rule
    reader: int = NONE
    writer: int = NONE


@dataclass(frozen=True, slots=True)
class Saturation:
    """``before`` None: the edges have a cycle (``cycle``). ``edges`` stand in the order in which they were found."""

    before: list[list[int]] | None
    edges: list[Edge]
    cycle: tuple[Edge, ...] = ()
    complete: bool = True


def saturate(arrangement: Arrangement, limit: Limit) -> Saturation:
    """The order that is forced. Past the limit, what was found by then."""
    edges = list(_known(arrangement))
    if len(arrangement) * len(arrangement.chains) > _ELEMENTS_MAX:
        raise MemoryError(f"{len(arrangement)} operations in {len(arrangement.chains)} chains are too many")
    readers = [(reader, writer) for reader, writer in _sources(arrangement)]
    edges += [Edge(writer, reader, "reads-from") for reader, writer in readers if writer != _NO_WRITER]
    mutators = _Mutators(arrangement)
    successors: list[list[Edge]] = [[] for _ in arrangement.items]
    for edge in edges:
        successors[edge.first].append(edge)
    while True:
        before = _closure(arrangement, successors)
        if before is None:
            return Saturation(None, edges, _cycle(successors))
        fresh: list[Edge] = []
        for done, (reader, writer) in enumerate(readers):
            if done % _CLOCK_EVERY == 0 and limit.expired():
                return Saturation(before, edges, complete=False)
            fresh += mutators.forced(before, reader, writer)
        if not fresh:
            return Saturation(before, edges)
        edges += fresh
        for edge in fresh:
            successors[edge.first].append(edge)


def _known(arrangement: Arrangement) -> Iterator[Edge]:
    """The order of the sessions."""
    for chain in arrangement.chains:
        yield from (Edge(a, b, "session") for a, b in pairwise(chain))
    for node, needs in enumerate(arrangement.needs):
        yield from (Edge(arrangement.chains[chain][count - 1], node, "session") for chain, count in needs)


def _sources(arrangement: Arrangement) -> Iterator[tuple[int, int]]:
    """Each observer of a register whose source is known, with that source."""
    makers: defaultdict[int, list[int]] = defaultdict(list)
    for node, left in enumerate(arrangement.leaves):
        makers[left].append(node)
    unsure = {each.leaves for each in arrangement.classes}
    for node, expected in enumerate(arrangement.expects):
        if expected == NONE or expected in unsure:
            continue
        is_initial = arrangement.held[arrangement.items[node].object] == expected
        if is_initial and not makers.get(expected):
            yield node, _NO_WRITER
        elif not is_initial and len(makers[expected]) == 1:
            yield node, makers[expected][0]


class _Mutators:
    """What changes each object, chain by chain."""

    def __init__(self, arrangement: Arrangement) -> None:
        self._place, self._items = arrangement.place, arrangement.items
        self._of: dict[int, dict[int, tuple[list[int], list[int]]]] = {}  # object -> chain -> nodes, their positions
        for number, chain in enumerate(arrangement.chains):
            for position, node in enumerate(chain):
                if arrangement.leaves[node] != NONE:
                    by_chain = self._of.setdefault(arrangement.items[node].object, {})
                    nodes, positions = by_chain.setdefault(number, ([], []))
                    nodes.append(node)
                    positions.append(position)

    def forced(self, before: list[list[int]], reader: int, writer: int) -> Iterator[Edge]:
        """The edges that follow for one observer; of each chain only the strongest, which the others follow from."""
        object_ = self._items[reader].object
        for chain, (nodes, positions) in self._of.get(object_, {}).items():
            if writer != _NO_WRITER:
                latest = bisect_left(positions, before[reader][chain]) - 1
                if latest >= 0 and nodes[latest] != writer and not self._is_before(before, nodes[latest], writer):
                    yield Edge(nodes[latest], writer, "overwritten", reader, writer)
            first = self._first_after(before, writer, chain, nodes, positions)
            if first < len(nodes) and nodes[first] == reader:
                first += 1
            if first < len(nodes) and not self._is_before(before, reader, nodes[first]):
                yield Edge(reader, nodes[first], "overwrites", reader, writer)

    def _first_after(
        self, before: list[list[int]], writer: int, chain: int, nodes: list[int], positions: list[int]
    ) -> int:
        if writer == _NO_WRITER:
            return 0
        own, position = self._place[writer]
        if own == chain:
            return bisect_right(positions, position)
        return bisect_right(nodes, position, key=lambda node: before[node][own])

    def _is_before(self, before: list[list[int]], first: int, second: int) -> bool:
        chain, position = self._place[first]
        return before[second][chain] > position


def _closure(arrangement: Arrangement, successors: list[list[Edge]]) -> list[list[int]] | None:
    """The vector clocks, or None if there is a cycle."""
    before = [[0] * len(arrangement.chains) for _ in arrangement.items]
    pending = [0] * len(arrangement)
    for edges in successors:
        for edge in edges:
            pending[edge.second] += 1
    ready = [node for node, count in enumerate(pending) if not count]
    done = 0
    while ready:
        node = ready.pop()
        done += 1
        chain, position = arrangement.place[node]
        clock = before[node].copy()
        clock[chain] = position + 1
        for edge in successors[node]:
            before[edge.second] = list(map(max, before[edge.second], clock))
            pending[edge.second] -= 1
            if not pending[edge.second]:
                ready.append(edge.second)
    return before if done == len(arrangement) else None


def _cycle(successors: list[list[Edge]]) -> tuple[Edge, ...]:
    """A cycle, a shortest one through the first node that is on any (breadth first)."""
    for start in range(len(successors)):
        came: dict[int, Edge] = {}
        waiting = [start]
        for node in waiting:
            for edge in successors[node]:
                if edge.second == start:
                    return tuple(_back(came, start, edge))
                if edge.second not in came:
                    came[edge.second] = edge
                    waiting.append(edge.second)
    raise AssertionError("there is a cycle")


def _back(came: dict[int, Edge], start: int, last: Edge) -> list[Edge]:
    path = [last]
    while path[-1].first != start:
        path.append(came[path[-1].first])
    return path[::-1]
