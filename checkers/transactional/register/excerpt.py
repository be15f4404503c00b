"""A few transactions of a history of registers, and whether a level forbids them for some orders of their writes.

Everything is explicit here, because they are few: each read, each pair that sessions or real time relate, each reader
of a register's initial value before each of its writers. What is chosen are orders of pairs of writers, and with each
its writes of all registers and what reads missed: no level allows two transactions to overwrite each other.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Final, NamedTuple

from checkers.transactional.cycle import Cycle, Edge, Part, shortest_single
from checkers.transactional.decide import Scene, Violation, violation
from checkers.transactional.graph import PROCESS, REALTIME, RW, WR, WW
from checkers.transactional.lattice import Family, Order
from checkers.transactional.pattern import ORDER_KINDS, name
from checkers.transactional.register.history import INITIAL, RegisterHistory
from checkers.transactional.transaction import Atom, Transaction
from checkers.transactional.version_order import Inference
from checkers.transactional.visibility import CURSOR, FRACTURED_READ, LOST_UPDATE, MONOTONIC

Pair = tuple[int, int]
"""(first, second): the first wrote before the second, whatever both wrote."""

_WALKED: Final = frozenset((Family.ONE_RW, Family.PREFIX, Family.SNAPSHOT, Family.UPDATE, Family.ANY))


class Seen(NamedTuple):
    """One read: ``writer`` may be INITIAL, ``place`` its micro-operation."""

    key: Atom
    reader: int
    writer: int
    place: int


class Ground(NamedTuple):
    """The order of writes from which an edge follows, None if it is certain; and, of an rw edge, the read."""

    pair: Pair | None = None
    read: Seen | None = None


@dataclass(frozen=True, slots=True)
class Case:
    """A forbidden cycle of some type, and why each of its edges holds."""

    type: str
    cycle: Cycle
    grounds: tuple[Ground, ...]

    @property
    def pairs(self) -> set[Pair]:
        """The orders of writes that it needs."""
        return {each.pair for each in self.grounds if each.pair is not None}


@dataclass(frozen=True, slots=True)
class Excerpt:
    """``reads`` are those whose writer is a member, or INITIAL; ``writers``: of each key, the members that wrote it."""

    history: RegisterHistory
    members: tuple[int, ...]
    order: Order
    reads: tuple[Seen, ...]
    writers: Mapping[Atom, tuple[int, ...]]

    def pairs(self) -> list[Pair]:
        """Those that wrote the same register."""
        return list(dict.fromkeys(pair for each in self.writers.values() for pair in combinations(each, 2)))

    def edges(self, chosen: Iterable[Pair]) -> list[Edge]:
        """What is certain, and what follows from the chosen orders."""
        pairs = set(chosen)
        found = [Edge(first, second, WW) for first, second in pairs]
        found += self._orders()
        for key, reader, writer, _ in self.reads:
            if writer != INITIAL:
                found.append(Edge(writer, reader, WR))
            for other in self.writers.get(key, ()):
                if other != reader and (writer == INITIAL or (writer, other) in pairs):
                    found.append(Edge(reader, other, RW))
        return list(dict.fromkeys(found))

    def _orders(self) -> Iterator[Edge]:
        if self.order is Order.NONE:
            return
        listed = [self.history.transactions[number] for number in self.members]
        for first in listed:
            for second in listed:
                if first.complete is not None and first.complete < second.invoke:
                    if first.session == second.session:
                        yield Edge(first.number, second.number, PROCESS)
                    elif self.order is Order.REALTIME:
                        yield Edge(first.number, second.number, REALTIME)

    def ground(self, edge: Edge, pairs: Container[Pair], family: Family) -> Ground:
        """Why an edge holds if these are orders of writes."""
        if edge.kind == WW:
            return Ground((edge.source, edge.target))
        if edge.kind != RW:
            return Ground()
        reads = [
            each for each in self.reads
            if each.reader == edge.source and edge.target in (writers := self.writers.get(each.key, ()))
            and (each.writer == INITIAL or (each.writer, edge.target) in pairs)
            and (family is not Family.CURSOR or each.reader in writers)
        ]  # fmt: skip
        last = family is Family.MONOTONIC
        seen = max(reads, key=lambda each: each.place if last else each.writer == INITIAL)
        return Ground(None if seen.writer == INITIAL else (seen.writer, edge.target), seen)


def excerpt(history: RegisterHistory, members: Iterable[int], order: Order) -> Excerpt:
    """Of the given transactions."""
    numbers = tuple(sorted(members))
    inside = {*numbers, INITIAL}
    keys = {key for number in numbers for key in history.transactions[number].appends}
    keys |= {read.key for number in numbers for read in history.transactions[number].reads}
    registers = [each for each in history.registers if each.key in keys]
    reads = tuple(
        Seen(register.key, *read) for register in registers for read in register.reads
        if read.reader in inside and read.writer in inside
    )  # fmt: skip
    writers = {each.key: tuple(writer for writer in each.writers if writer in inside) for each in registers}
    return Excerpt(history, numbers, order, reads, writers)


def forbidden(scene: Excerpt, family: Family, chosen: Sequence[Pair]) -> Case | None:
    """What the family forbids of the members if these are orders of their writes; None if nothing that follows from
    these alone."""
    found = _violation(scene, family, chosen)
    if found is None:
        return None
    pairs = frozenset(chosen)
    return Case(found.type, found.cycle, tuple(scene.ground(each, pairs, family) for each in found.cycle.edges))


def _violation(scene: Excerpt, family: Family, chosen: Sequence[Pair]) -> Violation | None:
    edges = scene.edges(chosen)
    part = _part(scene, edges)
    inference = Inference(scene.history.transactions, [], {}, [])
    found = violation(Scene(inference, part), family if family in _WALKED else Family.DEPENDENCIES, scene.order)
    if found is not None:
        return found
    special = _SPECIAL.get(family)
    return None if special is None else special(scene, part, edges)


def _part(scene: Excerpt, edges: Sequence[Edge]) -> Part:
    out: dict[int, list[tuple[int, int]]] = {number: [] for number in scene.members}
    for source, target, kind in edges:
        out[source].append((target, kind))
    return Part(list(scene.members), out, scene.history.transactions)


def _back(edges: Sequence[Edge], kinds: Sequence[int]) -> Iterator[Cycle]:
    """An rw and an edge of these kinds back."""
    known = set(edges)
    for edge in edges:
        for kind in kinds if edge.kind == RW else ():
            back = Edge(edge.target, edge.source, kind)
            if back in known:
                yield Cycle((edge, back))


def _fractured(scene: Excerpt, part: Part, edges: Sequence[Edge]) -> Violation | None:
    for cycle in _back(edges, (WR,)):
        return Violation(FRACTURED_READ, cycle)
    for cycle in _back(edges, ORDER_KINDS[scene.order]):
        return Violation(name(cycle.kinds), cycle)
    return None


def _backwards(scene: Excerpt, part: Part, edges: Sequence[Edge]) -> Violation | None:
    """A read that misses a write of a transaction from which the reader read before."""
    pairs = {(edge.source, edge.target) for edge in edges if edge.kind == WW}
    for cycle in _back(edges, (WR,)):
        (reader, seen, _), _ = cycle.edges
        first = min(each.place for each in scene.reads if each.reader == reader and each.writer == seen)
        for each in scene.reads:
            missed = each.writer == INITIAL or (each.writer, seen) in pairs
            if each.reader == reader and each.place > first and missed and seen in scene.writers.get(each.key, ()):
                return Violation(MONOTONIC, cycle)
    return None


def _missed(scene: Excerpt, part: Part, edges: Sequence[Edge]) -> Violation | None:
    """One rw, and reads and the order of the form back."""
    entries = [(edge.source, edge.target) for edge in edges if edge.kind == RW]
    cycle = shortest_single(part, entries, {}, (WR, *ORDER_KINDS[scene.order]))
    return None if cycle is None else Violation(name(cycle.kinds), cycle)


def _updated(scene: Excerpt, part: Part, edges: Sequence[Edge]) -> Violation | None:
    """A read of a register that its transaction then overwrites, with another's write between."""
    known = set(edges)
    for key, reader, writer, _ in scene.reads:
        for other in scene.writers.get(key, ()) if reader in scene.writers.get(key, ()) else ():
            between = writer == INITIAL or Edge(writer, other, WW) in known
            if other not in (reader, writer) and between and Edge(other, reader, WW) in known:
                same = any(each[:3] == (key, other, writer) for each in scene.reads)
                cycle = Cycle((Edge(reader, other, RW), Edge(other, reader, WW)))
                return Violation(LOST_UPDATE if same else CURSOR, cycle)
    return None


_SPECIAL: Final[Mapping[Family, Callable[[Excerpt, Part, Sequence[Edge]], Violation | None]]] = {
    Family.MONOTONIC: _backwards,
    Family.ATOMIC: _fractured,
    Family.CAUSAL: _missed,
    Family.CURSOR: _updated,
}


def shown(transactions: Sequence[Transaction], numbers: Iterable[int]) -> tuple[int, ...]:
    """The lines of the transactions in the history."""
    return tuple(line for number in numbers for line in transactions[number].operations)
