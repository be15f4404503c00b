"""What known order leaves open: an either-or for each pair of writers, decided by a solver and cycles found lazily.

The solver chooses an order of each pair; each cycle that its choices close becomes a clause, as short as can be: what
is certain costs nothing on it. It ends when a choice closes no cycle, or the clauses leave none.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final, Protocol

from checkers.transactional.component import components, topological
from checkers.transactional.register.polygraph.polygraph import Pair, Polygraph, Side, bits

CLAUSES_PER_ROUND: Final = 400
_STARTS_MAX: Final = 400

Clause = tuple[int, ...]
"""Literals: pair number + 1 if its first comes first, negative if its second does."""


class Solver(Protocol):
    """Decides clauses over pairs 1, 2, ..."""

    def add(self, clause: Clause) -> None: ...

    def solve(self, deadline: float | None) -> list[bool] | None:
        """One value for each pair, or None if there is none. Raises :class:`checkers.guard.OutOfTimeError`."""


SolverOf = Callable[[Sequence[bool]], Solver]
"""A solver for as many pairs as there are values; those are to be tried first."""


@dataclass(slots=True)
class Residue:
    """``sides[p]`` are what follows from the two orders of ``pairs[p]``: as it stands, and reversed."""

    graph: Polygraph
    pairs: list[Pair]
    sides: list[tuple[Side, Side]]
    future: list[int] = field(default_factory=list)

    def chosen(self, values: Sequence[bool]) -> Iterator[tuple[int, Side]]:
        """(literal, what follows)."""
        for number, value in enumerate(values):
            yield (number + 1, self.sides[number][0]) if value else (-number - 1, self.sides[number][1])

    def conflicts(self, values: Sequence[bool]) -> list[Clause]:
        """Clauses that these values violate; none if they close no cycle."""
        edges: dict[Pair, int] = {}
        singles: dict[Pair, int] = dict.fromkeys(self.graph.singles, 0)
        for literal, side in self.chosen(values):
            for edge in side.edges:
                edges.setdefault(edge, literal)
            for single in side.singles:
                singles.setdefault(single, literal)
        found = _Cycles(self, edges)
        clauses = found.of_edges()
        return clauses or (found.of_singles(singles) if singles else [])


@dataclass(slots=True)
class _Cycles:
    residue: Residue
    edges: dict[Pair, int]
    after: dict[int, list[tuple[int, int]]] = field(default_factory=dict)  # moment -> chosen edges out of it
    tails: int = 0

    def __post_init__(self) -> None:
        for (source, target), literal in self.edges.items():
            self.after.setdefault(source, []).append((target, literal))
        self.tails = sum(1 << source for source in self.after)

    def successors(self, tail: int) -> list[int]:
        """Tails of chosen edges to which the chosen edges out of this one lead."""
        mask = 0
        for target, _ in self.after[tail]:
            mask |= self.residue.future[target] | 1 << target
        return list(bits(mask & self.tails))

    def of_edges(self) -> list[Clause]:
        clauses: dict[Clause, None] = {}
        cached = {tail: self.successors(tail) for tail in self.after}
        for tied in components(list(self.after), cached.__getitem__):
            self.residue.graph.check_time()
            inside = sum(1 << tail for tail in tied)
            for tail in tied[:_STARTS_MAX]:
                clause = self.shortest(tail, inside)
                if clause:
                    clauses[clause] = None
            if len(clauses) >= CLAUSES_PER_ROUND:
                break
        for tail, reached in cached.items():  # a chosen edge whose head leads straight back to it
            if tail in reached:
                clause = self.shortest(tail, 1 << tail)
                if clause:
                    clauses[clause] = None
        return list(clauses)

    def shortest(self, start: int, inside: int) -> Clause | None:
        """The fewest chosen edges that lead from the moment back to it."""
        return self.path(start, lambda node: node == start or bool(self.residue.future[node] >> start & 1), inside)

    def path(self, start: int, arrived: Callable[[int], bool], inside: int) -> Clause | None:
        """Breadth-first from a tail, whose chosen edges are walked, until the head of one of them has arrived."""
        future = self.residue.future
        parents: dict[int, tuple[int, int]] = {}
        seen, queue = 1 << start, [start]
        for tail in queue:
            for target, literal in self.after.get(tail, ()):
                if arrived(target):
                    return self.clause(parents, (start,), tail, literal)
                fresh = (future[target] | 1 << target) & self.tails & inside & ~seen
                seen |= fresh
                for following in bits(fresh):
                    parents[following] = (tail, literal)
                    queue.append(following)
        return None

    def clause(
        self, parents: dict[int, tuple[int, int]], starts: Container[int], tail: int, literal: int
    ) -> Clause:  # fmt: skip
        """Not all of the choices on the path."""
        literals = {-literal}
        while tail not in starts:
            tail, through = parents[tail]
            literals.add(-through)
        return tuple(sorted(literals))

    def of_singles(self, singles: dict[Pair, int]) -> list[Clause]:
        """Paths from what a reader missed back to it. The chosen edges must close no cycle."""
        future, clauses = self.residue.future, dict[Clause, None]()
        past = self.past()
        for (reader, missed), literal in singles.items():
            if missed != reader and not past[reader] >> missed & 1:
                continue
            beyond = {-literal} if literal else set()
            if missed == reader or future[missed] >> reader & 1:
                clauses[tuple(sorted(beyond))] = None
                continue
            path = self.walk(missed, reader)
            if path is not None:
                clauses[tuple(sorted({*path, *beyond}))] = None
                if len(clauses) >= CLAUSES_PER_ROUND:
                    break
        return list(clauses)

    def past(self) -> list[int]:
        """For each moment all that lead to it, by certain and by chosen edges."""
        before = [list(sources) for sources in self.residue.graph.before]
        for source, target in self.edges:
            before[target].append(source)
        after: list[list[int]] = [[] for _ in before]
        for node, sources in enumerate(before):
            for source in sources:
                after[source].append(node)
        order, _ = topological(range(len(before)), after.__getitem__)
        past = [0] * len(before)
        for node in order:
            for source in before[node]:
                past[node] |= past[source] | 1 << source
        return past

    def walk(self, start: int, end: int) -> Clause | None:
        """As few chosen edges as lead from one moment to another."""
        future = self.residue.future
        seen = (future[start] | 1 << start) & self.tails
        parents: dict[int, tuple[int, int]] = {}
        queue = list(bits(seen))
        roots = set(queue)
        for tail in queue:
            for target, literal in self.after[tail]:
                if target == end or future[target] >> end & 1:
                    return self.clause(parents, roots, tail, literal)
                fresh = (future[target] | 1 << target) & self.tails & ~seen
                seen |= fresh
                for following in bits(fresh):
                    parents[following] = (tail, literal)
                    queue.append(following)
        return None


def residue(graph: Polygraph) -> Residue:
    """Of a saturated polygraph. What one side of a pair contradicts is decided here. Raises
    :class:`checkers.transactional.register.polygraph.polygraph.Contradiction`."""
    while True:
        graph.saturate()
        future = graph.future()
        pairs = graph.open_pairs()
        sides = [(graph.side(first, second), graph.side(second, first)) for first, second in pairs]
        if not graph.singles or not _forced(graph, pairs, sides, future):
            return Residue(graph, pairs, sides, future)


def _forced(graph: Polygraph, pairs: Sequence[Pair], sides: Sequence[tuple[Side, Side]], future: list[int]) -> int:
    """Pairs of which one order would lead from what some reader missed to that reader."""
    misses = [0] * len(future)  # moment -> what must not lead to it
    for reader, missed in graph.singles:
        misses[reader] |= 1 << missed
    for node in reversed(graph.topological):
        for source in graph.before[node]:
            misses[source] |= misses[node]

    def impossible(side: Side) -> bool:
        return any((graph.past[source] | 1 << source) & misses[target] for source, target in side.edges)

    count = 0
    for (first, second), (one, other) in zip(pairs, sides, strict=True):
        if impossible(one):
            graph.force(second, first)
            count += 1
        elif impossible(other):
            graph.force(first, second)
            count += 1
    return count


def solved(open_: Residue, solver_of: SolverOf, first: Sequence[bool]) -> list[bool] | None:
    """Values that close no cycle; None if there are none. ``first`` is tried first."""
    values: list[bool] | None = list(first)
    solver: Solver | None = None
    while values is not None:
        open_.graph.check_time()
        clauses = open_.conflicts(values)
        if not clauses:
            return values
        if () in clauses:
            return None
        solver = solver or solver_of(first)
        for clause in clauses:
            solver.add(clause)
        values = solver.solve(open_.graph.deadline)
    return None
