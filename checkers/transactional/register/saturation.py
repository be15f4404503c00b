"""The levels of registers that are decided in polynomial time: what the reads force on the order of the writes.

If a reader could see t2's write of x (as the level defines it) and saw t1's instead, t2's came before t1's. Read
committed, monotonic atomic view, read atomic and causal consistency hold exactly if these orders, the reads themselves
and the order of the form have no cycle, and no reader could see a write of a register of which it read the initial
value (Biswas, Enea 2019). What could be seen:

* monotonic atomic view: all that was written by a transaction from which the same reader had read before;
* read atomic: all by a transaction from which it reads at any time, or that came before it in the order of the form;
* causal: all by a transaction from which reads and the order of the form lead to it.

Only what is not implied by the rest is made an edge (Møldrup, Pavlogiannis: AWDIT, PLDI 2025, for sessions).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from checkers.transactional.cycle import Cycle, parts, peeled, shortest_walk
from checkers.transactional.graph import KIND_BITS, WR, WW, Graph
from checkers.transactional.lattice import Family, Order
from checkers.transactional.pattern import automaton
from checkers.transactional.register.causal import causal_pasts
from checkers.transactional.register.history import INITIAL, RegisterHistory
from checkers.transactional.register.precedence import Groups, groups_of
from checkers.transactional.transaction import Atom

POLYNOMIAL: Final = frozenset((Family.WRITES, Family.DEPENDENCIES, Family.MONOTONIC, Family.ATOMIC, Family.CAUSAL))


class Sight(NamedTuple):
    """``reader`` could see a write of ``seen`` to the register, and read what ``source`` (or INITIAL) wrote."""

    reader: int
    seen: int
    source: int


@dataclass(slots=True)
class Known:
    """What is certain about the order of a history's transactions: reads, sessions and real time."""

    history: RegisterHistory
    deadline: float | None = None
    _dependencies: dict[Order, Graph] = field(default_factory=dict)
    _groups: dict[Order, Groups] = field(default_factory=dict)
    _cycles: dict[Order, Cycle | None] = field(default_factory=dict)

    def dependencies(self, order: Order) -> Graph:
        """Reads and the order of the form as edges."""
        if order not in self._dependencies:
            graph = self.history.order(order)
            for register in self.history.registers:
                for edge in dict.fromkeys((read.writer, read.reader) for read in register.reads):
                    if edge[0] != INITIAL:
                        graph.add(*edge, WR)
            self._dependencies[order] = graph
        return self._dependencies[order]

    def groups(self, order: Order) -> Groups:
        """The transactions that the order of the form relates: sessions, or all of them."""
        if order not in self._groups:
            self._groups[order] = groups_of(self.history, order)
        return self._groups[order]

    def cycle(self, order: Order) -> Cycle | None:
        """A shortest cycle of reads and the order of the form."""
        if order not in self._cycles:
            self._cycles[order] = _cycle(self, self.dependencies(order), order)
        return self._cycles[order]


def refuted(known: Known, family: Family, order: Order) -> set[int] | None:
    """Transactions that by themselves refute the level; None if it holds. ``family`` must be one of POLYNOMIAL.

    The observations of the history are not looked at. Time is about linear in the reads times the number of sessions.
    """
    if family is Family.WRITES:
        return None  # any order of the writes that extends that of the form will do: nothing read says which it was
    cycle = known.cycle(order)
    if cycle is not None:
        return set(cycle.numbers)
    if family is Family.DEPENDENCIES:
        return None  # any order of the writes that extends these edges will do
    forced: dict[tuple[int, int], Sight] = {}
    for sight in _sights(known, family, order):
        if sight.source == INITIAL:
            return {sight.reader, *_path(known.dependencies(order), sight.seen, sight.reader)}
        forced.setdefault((sight.seen, sight.source), sight)
    if not forced:
        return None
    cycle = _cycle(known, _extended(known.dependencies(order), forced), order)
    return None if cycle is None else _witnesses(known, cycle, forced, order)


def saturated(known: Known, family: Family, order: Order) -> Graph:
    """Reads, the order of the form, and what they force on the order of the writes: any order of the transactions that
    extends it shows that the level holds. ``family`` must be one of POLYNOMIAL, beside WRITES, and hold."""
    if family is Family.DEPENDENCIES:
        return known.dependencies(order)
    forced = dict.fromkeys((each.seen, each.source) for each in _sights(known, family, order))
    return _extended(known.dependencies(order), forced)


def _sights(known: Known, family: Family, order: Order) -> Iterator[Sight]:
    if family is Family.CAUSAL:
        return causal_sights(known, order)
    if family is Family.MONOTONIC:
        return _read_from(known.history, later_only=True)
    return _chained(_read_from(known.history, later_only=False), _came_before(known, order))


def _chained(*several: Iterable[Sight]) -> Iterator[Sight]:
    for each in several:
        yield from each


def _read_from(history: RegisterHistory, *, later_only: bool) -> Iterator[Sight]:
    """Reads beside those of another transaction that wrote the same register."""
    of_reader: dict[int, list[tuple[int, int, Atom]]] = {}
    for register in history.registers:
        for read in register.reads:
            of_reader.setdefault(read.reader, []).append((read.place, read.writer, register.key))
    for reader, reads in of_reader.items():
        if len(reads) > 1:
            for seen, source in _beside(history, reads, later_only=later_only):
                yield Sight(reader, seen, source)


def _beside(
    history: RegisterHistory, reads: Sequence[tuple[int, int, Atom]], *, later_only: bool
) -> Iterator[tuple[int, int]]:  # fmt: skip
    """(whom one read saw, whose write of what he wrote, too, another read saw). Reads: (place, writer, key)."""
    of_key: dict[Atom, list[int]] = {}
    for number, (_, _, key) in enumerate(reads):
        of_key.setdefault(key, []).append(number)
    found: list[tuple[int, int, int, int]] = []
    for number, (other, seen, _) in enumerate(reads):
        if seen == INITIAL:
            continue
        appends = history.transactions[seen].appends
        shared = appends if len(appends) < len(of_key) else of_key
        for key in shared:
            for each in of_key.get(key, ()) if key in appends else ():
                place, source, _ = reads[each]
                if source != seen and (other < place or not later_only):
                    found.append((each, number, seen, source))
    found.sort()
    return ((seen, source) for _, _, seen, source in found)


def _came_before(known: Known, order: Order) -> Iterator[Sight]:
    """Reads after another transaction of the same group that wrote the same register. Of one writer's readers in a
    group the last one could see the most."""
    if order is Order.NONE:
        return
    history, groups = known.history, known.groups(order)
    for register in history.registers:
        writers = groups.completed(register.writers)
        last: dict[tuple[int, int], int] = {}
        for reader, source, _ in register.reads:
            group = groups.of[reader]
            if group in writers:
                previous = last.get((source, group))
                if previous is None or history.transactions[previous].invoke < history.transactions[reader].invoke:
                    last[source, group] = reader
        for (source, group), reader in last.items():
            related = source != INITIAL and groups.of[source] == group
            for seen in writers[group].latest(history.transactions[reader].invoke, source, related):
                if seen != reader:
                    yield Sight(reader, seen, source)


def causal_sights(known: Known, order: Order) -> Iterator[Sight]:
    """Reads after the last writer of the same register, of each chain of transactions, that leads to the reader."""
    reads_of: dict[int, list[tuple[int, int]]] = {}
    for number, register in enumerate(known.history.registers):
        if register.writers:
            for read in register.reads:
                reads_of.setdefault(read.reader, []).append((read.writer, number))
    for reader, sees in causal_pasts(known.history, known.dependencies(order), known.groups(order), reads_of):
        for source, number in dict.fromkeys(reads_of[reader]):
            for seen in sees(source, number):
                yield Sight(reader, seen, source)


# ---------------------------------------------------------------------------- cycles and paths


def _extended(graph: Graph, forced: Iterable[tuple[int, int]]) -> Graph:
    extended = Graph(graph.transactions)
    extended.successors[:] = [list(edges) for edges in graph.successors]
    for seen, source in forced:
        extended.add(seen, source, WW)
    return extended


def _cycle(known: Known, graph: Graph, order: Order) -> Cycle | None:
    _, rest = peeled(graph)
    if not rest:
        return None
    walk = automaton(Family.DEPENDENCIES, order)
    found = [shortest_walk(part, walk) for part in parts(graph, rest, known.history.transactions, known.deadline)]
    return min((each for each in found if each is not None), key=lambda each: len(each.edges))


def _witnesses(known: Known, cycle: Cycle, forced: Mapping[tuple[int, int], Sight], order: Order) -> set[int]:
    """Those on the cycle, and those for which one write came before another."""
    found = set(cycle.numbers)
    for edge in cycle.edges:
        if edge.kind == WW:
            sight = forced[edge.source, edge.target]
            found |= {sight.reader, *_path(known.dependencies(order), sight.seen, sight.reader)}
    return found


def _path(graph: Graph, source: int, target: int) -> Sequence[int]:
    """The transactions of a shortest path, joints left out; both ends are there."""
    parents = {source: source}
    queue = deque((source,))
    while queue and target not in parents:
        node = queue.popleft()
        for edge in graph.successors[node]:
            following = edge >> KIND_BITS
            if following not in parents:
                parents[following] = node
                queue.append(following)
    assert target in parents, "what could be seen is connected to its reader"
    path = [target]
    while path[-1] != source:
        path.append(parents[path[-1]])
    return [node for node in path if node < graph.transactions]
