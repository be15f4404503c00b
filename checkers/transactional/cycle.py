"""The shortest cycle of a kind in one strongly connected component.

Length is counted in transactions. With real time a shortest cycle has one edge of real time: of two, a before b and c
before d, either a is before d too or c before b (an interval order), and a shorter cycle remains. So the search walks
the other edges only, and asks at each transaction whether it had completed before the first one began.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from time import monotonic
from typing import NamedTuple

from checkers.guard import OutOfTimeError
from checkers.transactional.component import components
from checkers.transactional.graph import KIND_BITS, KIND_MASK, NEXT, REALTIME, RW, Graph
from checkers.transactional.pattern import Automaton, accepts
from checkers.transactional.transaction import Transaction

VISITS_MAX = 2_000_000
_SHORTEST = 2


class Edge(NamedTuple):
    """``target`` is the transaction that comes after ``source``, for the reason that ``kind`` says."""

    source: int
    target: int
    kind: int


@dataclass(frozen=True, slots=True)
class Cycle:
    """Each edge begins where the one before it ends. ``shortest``: no shorter one of its kind is in its component."""

    edges: tuple[Edge, ...]
    shortest: bool = True

    @property
    def kinds(self) -> list[int]:
        return [edge.kind for edge in self.edges]

    @property
    def numbers(self) -> list[int]:
        return [edge.source for edge in self.edges]


@dataclass(slots=True)
class Part:
    """A strongly connected component of the graph: its nodes, and the edges between them as (target, kind)."""

    nodes: list[int]
    edges: dict[int, list[tuple[int, int]]]
    transactions: Sequence[Transaction]
    deadline: float | None = None
    visits: int = field(default=0)

    def is_transaction(self, node: int) -> bool:
        """Or else a joint: one of the graph's, or, with a negative number, of a search."""
        return 0 <= node < len(self.transactions)

    @property
    def numbers(self) -> list[int]:
        """The transactions, in order of invocation."""
        return sorted(node for node in self.nodes if self.is_transaction(node))

    def check_time(self) -> None:
        if self.deadline is not None and monotonic() > self.deadline:
            raise OutOfTimeError(f"a cycle of up to {len(self.nodes)} transactions was being searched")

    def without(self, kinds: Sequence[int]) -> dict[int, list[tuple[int, int]]]:
        return {node: [edge for edge in edges if edge[1] not in kinds] for node, edges in self.edges.items()}


def parts(graph: Graph, rest: Sequence[int], transactions: Sequence[Transaction], deadline: float | None) -> list[Part]:
    """The components of the whole graph: every cycle lies inside one. ``rest``: of :func:`peeled`."""
    if not rest:
        return []
    successors = graph.successors
    plain = {node: [edge >> KIND_BITS for edge in successors[node]] for node in rest}
    found = []
    for nodes in reversed(components(rest, plain.__getitem__)):
        inside = set(nodes)
        edges = {
            node: list(dict.fromkeys(
                (edge >> KIND_BITS, edge & KIND_MASK) for edge in successors[node] if edge >> KIND_BITS in inside
            ))
            for node in nodes
        }  # fmt: skip
        found.append(Part(nodes, edges, transactions, deadline))
    return found


def peeled(graph: Graph) -> tuple[list[int], list[int]]:
    """(a topological order of what no cycle reaches, the rest): Kahn 1962."""
    waiting = [0] * len(graph.successors)
    for edges in graph.successors:
        for edge in edges:
            waiting[edge >> KIND_BITS] += 1
    order = [node for node, count in enumerate(waiting) if not count]
    for node in order:  # grows while it is walked
        for edge in graph.successors[node]:
            target = edge >> KIND_BITS
            waiting[target] -= 1
            if not waiting[target]:
                order.append(target)
    if len(order) == len(waiting):
        return order, []
    return order, [node for node, count in enumerate(waiting) if count]


def shortest_walk(
    part: Part, walk: Automaton, extra: Mapping[int, list[tuple[int, int]]] | None = None
) -> Cycle | None:
    """The shortest cycle that ``walk`` accepts, with ``extra`` edges beside the part's; None if there is none."""

    def successors(state: int) -> list[int]:
        node, allowed = state >> 1, walk[state & 1]
        edges = part.edges[node] + extra.get(node, []) if extra else part.edges[node]
        return [target << 1 | allowed[kind] for target, kind in edges if kind in allowed]

    roots = [node << 1 for node in part.nodes] + ([node << 1 | 1 for node in part.nodes] if walk[0] != walk[1] else [])
    tied = components(roots, successors)
    if not tied:
        return None
    search = _Search(part, walk, extra or {})
    for states in sorted(tied, key=len):
        search.component(states)
        if search.best and len(search.best) <= _SHORTEST:
            break
    assert search.best is not None, "a component has a cycle"
    return Cycle(_simple(search.best, walk), search.exhaustive)


@dataclass(slots=True)
class _Search:
    """A breadth-first search from each state; joints cost nothing."""

    part: Part
    walk: Automaton
    extra: Mapping[int, list[tuple[int, int]]]
    best: tuple[Edge, ...] | None = None
    exhaustive: bool = True

    def component(self, states: Sequence[int]) -> None:
        inside = set(states)
        realtime = self.walk[0].get(REALTIME)
        roots = sorted(state for state in states if self.part.is_transaction(state >> 1))
        found_here = False
        for root in roots:
            if self.part.visits > VISITS_MAX:
                self.exhaustive = False
                break
            ending = realtime if realtime is not None and realtime == root & 1 else None
            found_here |= self.from_root(root, inside, ending, joints_of_time=realtime is None)
            if self.best and len(self.best) <= _SHORTEST:
                return
        if not found_here and self.best is None:
            for root in roots:
                if self.from_root(root, inside, None, joints_of_time=True):
                    return

    def from_root(self, root: int, inside: set[int], ending: int | None, *, joints_of_time: bool) -> bool:
        """Whether a cycle through the root was found that is shorter than the best so far."""
        part, best = self.part, len(self.best) if self.best else None
        began = part.transactions[root >> 1].invoke
        parents: dict[int, tuple[int, int]] = {}
        depths = {root: 0}
        queue = deque((root,))
        part.check_time()
        while queue:
            state = queue.popleft()
            node, depth = state >> 1, depths[state]
            if best is not None and depth + 1 >= best:
                continue
            allowed = self.walk[state & 1]
            edges = part.edges[node] + self.extra.get(node, []) if self.extra else part.edges[node]
            if ending is not None and state != root and part.is_transaction(node):
                end = part.transactions[node].complete
                if end is not None and end < began:
                    self.best = _path(part, parents, root, state, REALTIME)
                    return True
            part.visits += len(edges)
            for target, kind in edges:
                if kind not in allowed or (kind == REALTIME and not joints_of_time):
                    continue
                following = target << 1 | allowed[kind]
                if following == root:
                    self.best = _path(part, parents, root, state, kind)
                    return True
                if following in inside and following not in depths:
                    parents[following] = (state, kind)
                    if part.is_transaction(target):
                        depths[following] = depth + 1
                        queue.append(following)
                    else:
                        depths[following] = depth
                        queue.appendleft(following)
        return False


def _path(part: Part, parents: Mapping[int, tuple[int, int]], root: int, state: int, last: int) -> tuple[Edge, ...]:
    """The edges from the root to the state and back, joints left out."""
    steps = [(root >> 1, last)]
    while state != root:
        previous, kind = parents[state]
        steps.append((state >> 1, kind))
        state = previous
    steps.append((root >> 1, -1))
    return contracted(part.is_transaction, list(reversed(steps)))


def contracted(is_transaction: Callable[[int], bool], steps: Sequence[tuple[int, int]]) -> tuple[Edge, ...]:
    """Edges from (node, kind of the edge into it), the first node being a transaction: joints are left out."""
    edges = []
    source, kind = steps[0][0], -1
    for node, into in steps[1:]:
        kind = into if into != NEXT else kind
        if is_transaction(node):
            edges.append(Edge(source, node, kind))
            source = node
    return tuple(edges)


def _simple(edges: tuple[Edge, ...], walk: Automaton) -> tuple[Edge, ...]:
    """The cycle, or a part of it that is accepted too, until no transaction is in it twice."""
    seen: dict[int, int] = {}
    for place, edge in enumerate(edges):
        if edge.source in seen:
            inner, outer = edges[seen[edge.source] : place], edges[: seen[edge.source]] + edges[place:]
            for each in (inner, outer):
                if accepts(walk, [edge.kind for edge in each]):
                    return _simple(each, walk)
        seen.setdefault(edge.source, place)
    return edges


def shortest_single(
    part: Part, entries: Iterable[tuple[int, int]], following: Mapping[int, list[int]], kinds: Sequence[int]
) -> Cycle | None:
    """The shortest cycle of one rw and else only edges of ``kinds``.

    ``entries``: (reader, transaction or joint to which its rw leads); ``following``: where such a joint leads on. The
    edges of ``kinds`` must have no cycle.
    """
    best: tuple[Edge, ...] | None = None
    exhaustive = True
    for reader, entry in closing(part, list(entries), following, kinds):
        if best is not None and part.visits > VISITS_MAX:
            exhaustive = False
            break
        found = _back(part, reader, entry, following, kinds, len(best) if best else None)
        best = found or best
        if best and len(best) <= _SHORTEST:
            break
    return None if best is None else Cycle(best, exhaustive)


def _back(
    part: Part, reader: int, entry: int, following: Mapping[int, list[int]], kinds: Sequence[int], bound: int | None
) -> tuple[Edge, ...] | None:
    part.check_time()
    parents: dict[int, tuple[int, int]] = {entry: (reader, RW)}
    depths = {entry: 1 if part.is_transaction(entry) else 0}
    queue = deque((entry,))
    while queue:
        node = queue.popleft()
        depth = depths[node]
        if bound is not None and depth + 1 >= bound and part.is_transaction(node):
            continue
        edges = [(each, NEXT) for each in following[node]] if node in following else part.edges[node]
        part.visits += len(edges)
        for target, kind in edges:
            if kind != NEXT and kind not in kinds:
                continue
            if target == reader:
                if kind == NEXT and node in following:  # its own next version
                    continue
                steps = [(reader, kind)]
                while node != reader:
                    steps.append((node, parents[node][1]))
                    node = parents[node][0]
                return contracted(part.is_transaction, [(reader, -1), *reversed(steps)])
            if target not in parents:
                parents[target] = (node, kind)
                step = part.is_transaction(target)
                depths[target] = depth + step
                (queue.append if step else queue.appendleft)(target)
    return None


_CHUNK = 4096


def closing(
    part: Part, entries: Sequence[tuple[int, int]], following: Mapping[int, list[int]], kinds: Sequence[int]
) -> list[tuple[int, int]]:
    """The entries from whose target the edges of ``kinds`` lead back to the reader: reachability by bit sets."""
    allowed = set(kinds)
    edges = {node: [target for target, kind in out if kind in allowed] for node, out in part.edges.items()}
    order = _order(edges)
    readers = list(dict.fromkeys(reader for reader, _ in entries))
    found: list[tuple[int, int]] = []
    for first in range(0, len(readers), _CHUNK):
        part.check_time()
        bits = {reader: 1 << place for place, reader in enumerate(readers[first : first + _CHUNK])}
        reach: dict[int, int] = {}
        for node in reversed(order):
            reached = bits.get(node, 0)
            for target in edges[node]:
                reached |= reach[target]
            reach[node] = reached
        joints = _joint_reach(following, reach, bits)
        found += [
            (reader, entry)
            for reader, entry in entries
            if reader in bits and (joints[entry] if entry in joints else reach.get(entry, 0)) & bits[reader]
        ]
    return found  # fmt: skip


def _joint_reach(
    following: Mapping[int, list[int]], reach: Mapping[int, int], bits: Mapping[int, int]
) -> dict[int, int]:
    """What is reached from each joint, which leads to a transaction and, perhaps, to one more joint. A transaction is
    not reached from a joint that leads to itself: its own next version is no antidependency."""
    known: dict[int, int] = {}
    for joint in following:
        chain = [joint]
        while (further := next((each for each in following[chain[-1]] if each in following), None)) is not None:
            if further in known:
                break
            chain.append(further)
        for each in reversed(chain):
            reached = 0
            for target in following[each]:
                reached |= known[target] if target in following else reach.get(target, 0) & ~bits.get(target, 0)
            known[each] = reached
    return known


def _order(edges: Mapping[int, list[int]]) -> list[int]:
    waiting = dict.fromkeys(edges, 0)
    for out in edges.values():
        for target in out:
            waiting[target] += 1
    order = [node for node, count in waiting.items() if not count]
    for node in order:  # grows while it is walked
        for target in edges[node]:
            waiting[target] -= 1
            if not waiting[target]:
                order.append(target)
    assert len(order) == len(edges), "the dependencies have a cycle; that is an anomaly of its own"
    return order
