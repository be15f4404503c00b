"""Large sets: who is on a cycle at all, by a graph that is linear in what was read.

Each element was added once, so that all dependencies are known: from the adder of each element that was seen to the
reader, from the reader to the adder of each that was not. Elements are put in an order in which what a read saw is a
beginning of it, as reads of a set that only grows mostly are; joints along that order stand for all edges of a
beginning, or of an end. Every level forbids cycles of these edges, of sessions and of real time only, so that nothing
but their strongly connected transactions need be looked at. (Not where registers or counters are beside them: not all
of their dependencies are known.)
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from checkers.transactional.composite.possibility import Object, Whole
from checkers.transactional.composite.reading import Composite
from checkers.transactional.cycle import Part, parts, peeled, shortest_single, shortest_walk
from checkers.transactional.decide import next_versions
from checkers.transactional.graph import NEXT, REALTIME, RW, WR, Graph, add_completion_order, add_sessions
from checkers.transactional.lattice import Family, Order
from checkers.transactional.pattern import ORDER_KINDS, automaton
from checkers.transactional.transaction import Atom, Transaction

EDGES_MAX: Final = 4_000_000


@dataclass(frozen=True, slots=True)
class Condensed:
    """``tied``: the numbers of the transactions that are on some cycle, in the components ``parts`` of the graph;
    ``order``: if there are none, all of them in an order that no edge contradicts."""

    tied: frozenset[int]
    order: list[int]
    parts: list[Part]


@dataclass(frozen=True, slots=True)
class Cycles:
    """``members`` are on shortest cycles of some kinds; ``holding``: levels whose kinds have no cycle at all."""

    members: frozenset[int]
    holding: frozenset[tuple[Family, Order]]


def cycles(found: Condensed) -> Cycles:
    """For where there are too many transactions on cycles to look at all of them."""
    members: set[int] = set()
    holding: set[tuple[Family, Order]] = set()
    for order in Order:
        for family in (Family.DEPENDENCIES, Family.PREFIX, Family.SNAPSHOT, Family.ANY):
            shortest = [shortest_walk(part, automaton(family, order)) for part in found.parts]
            members.update(number for cycle in shortest if cycle is not None for number in cycle.numbers)
            if not any(shortest):
                holding.add((family, order))
        if (Family.DEPENDENCIES, order) in holding:
            holding.add((Family.CURSOR, order))
            kinds = (WR, *ORDER_KINDS[order])
            shortest = [shortest_single(part, *next_versions(part), kinds) for part in found.parts]
            members.update(number for cycle in shortest if cycle is not None for number in cycle.numbers)
            if not any(shortest):
                holding |= {
                    (family, order) for family in (Family.ONE_RW, Family.CAUSAL, Family.ATOMIC, Family.MONOTONIC)
                }
    return Cycles(frozenset(members), frozenset(holding))


def condensed(composite: Composite, objects: Sequence[Object], deadline: float | None = None) -> Condensed | None:
    """None where something else than sets is there, an element was added twice, or there are too many edges. No read
    may be wrong by itself."""
    if any(each.type != "set" for each in objects) or any(
        composite.types.get(micro.key, "register") != "set" if micro.f != "rp" else True
        for each in composite.transactions for micro in each.micros
    ):  # fmt: skip
        return None
    happened = _happened(composite, objects)
    graph = Graph(len(composite.transactions))
    for each in objects:
        adders = _adders(each, happened)
        if adders is None or not _Line(graph, each, adders).add():
            return None
    listed = [
        Transaction(one.number, one.invoke, one.complete, one.process, one.session, one.outcome, {}, ())
        for one in composite.transactions
    ]  # fmt: skip
    committed = [each for each in listed if each.number in happened]
    add_sessions(graph, committed)
    add_completion_order(graph, committed, REALTIME)
    order, rest = peeled(graph)
    found = parts(graph, rest, listed, deadline)
    tied = frozenset(number for part in found for number in part.numbers)
    return Condensed(tied, [node for node in order if node in happened], found)


def _happened(composite: Composite, objects: Sequence[Object]) -> set[int]:
    """What certainly did, and what of unknown outcome somebody saw."""
    happened = {each.number for each in composite.transactions if each.outcome == "ok"}
    for known in objects:
        seen: set[Atom] = set()
        for whole in known.reads:
            seen.update(whole.micro.value)
        happened.update(number for number, update in known.updates.items() if not seen.isdisjoint(update.values))
    return happened


def _adders(known: Object, happened: set[int]) -> dict[Atom, int] | None:
    """Who added each element; None if somebody else did, too."""
    adders: dict[Atom, int] = {}
    for number, update in known.updates.items():
        for element in update.values if number in happened else ():
            if adders.setdefault(element, number) != number:
                return None
    return adders


@dataclass(slots=True)
class _Line:
    """One set, its elements in a line: first what the smallest read saw, then what the next one saw beside it, ...

    ``before[i]``: a joint to which the adders of the elements 0 to i lead; ``after[i]``: one that leads to those of i
    and all behind it.
    """

    graph: Graph
    known: Object
    adders: dict[Atom, int]
    line: list[int] = field(default_factory=list)
    place: dict[Atom, int] = field(default_factory=dict)
    before: list[int] = field(default_factory=list)
    after: list[int] = field(default_factory=list)
    direct: int = 0

    def add(self) -> bool:
        """Whether the edges were few enough."""
        seen: set[Atom] = set()
        for whole in sorted(self.known.reads, key=lambda each: len(each.micro.value)):
            for element in whole.micro.value if not seen.issuperset(whole.micro.value) else ():
                if element not in seen:
                    seen.add(element)
                    self.place[element] = len(self.line)
                    self.line.append(self.adders[element])
        for element, adder in self.adders.items():
            if element not in seen:
                self.place[element] = len(self.line)
                self.line.append(adder)
        self._add_joints()
        for whole in self.known.reads:
            self._add_read(whole)
            if self.direct > EDGES_MAX:
                return False
        return True

    def _add_joints(self) -> None:
        graph = self.graph
        self.before = [graph.joint() for _ in self.line]
        self.after = [graph.joint() for _ in self.line]
        for place, adder in enumerate(self.line):
            graph.add(adder, self.before[place], WR)
            graph.add(self.after[place], adder, NEXT)
            if place:
                graph.add(self.before[place - 1], self.before[place], WR)
                graph.add(self.after[place - 1], self.after[place], NEXT)

    def _add_read(self, whole: Whole) -> None:
        """Its own elements are no edges: the beginning ends before the first of them, the end begins after the last."""
        reader, elements, graph = whole.reader.number, whole.micro.value, self.graph
        own = (
            {self.place[each] for each in self.known.updates[reader].values} if reader in self.known.updates else set()
        )
        last = max(map(self.place.__getitem__, elements), default=-1)
        length = last + 1
        present: set[int] = set()
        broken = length > len(elements) or bool(own)
        if broken:
            present = {self.place[each] for each in elements} - own
            length = next((place for place in range(last + 1) if place not in present), last + 1)
        end = max(last, *own, -1) + 1
        if length:
            graph.add(self.before[length - 1], reader, WR)
        for place in range(length, end) if broken else ():
            self.direct += 1
            if place in present:
                graph.add(self.line[place], reader, WR)
            elif place not in own:
                graph.add(reader, self.line[place], RW)
        if end < len(self.line):
            graph.add(reader, self.after[end], RW)
