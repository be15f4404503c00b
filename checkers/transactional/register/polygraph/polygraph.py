"""What must come before what among some transactions, and, for each two writers of one register, an either-or.

Nodes are moments: of a transaction its begin and its commit, or, for families that do not tell them apart, both in one.
An *edge* leads from one moment to a later one, and no cycle of edges is allowed. A *single* (r, b) says that r missed
what b wrote where a cycle may have one such step at most: no path may lead from b to r. If a comes before b, which
both wrote a register, then what a wrote there was read before b wrote:

    family                  ww                  wr, o             rw
    ANY                     a -> b              a -> r            r -> b
    SNAPSHOT                commit a -> begin b commit a -> begin begin r -> commit b
    PREFIX                  commit a -> commit  commit a -> begin begin r -> commit b
    CURSOR                  a -> b              a -> r            r -> b if r wrote the register
    UPDATE                  a -> b              a -> r            r -> b if r wrote anything, else single (r, b)
    ONE_RW                  a -> b              a -> r            single (r, b)

Known order decides most pairs: if b leads to a, or to a reader of what a wrote, b came first (Tan et al., Cobra, OSDI
2020; Huang et al., PolySI, VLDB 2023). Sets of moments are integers used as sets of bits.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from time import monotonic
from typing import Final, NamedTuple

from checkers.guard import OutOfTimeError
from checkers.transactional.lattice import Family, Order
from checkers.transactional.register.history import INITIAL
from checkers.transactional.register.polygraph.facts import Facts

Pair = tuple[int, int]
_TWO_MOMENTS: Final = frozenset((Family.SNAPSHOT, Family.PREFIX))


class Contradiction(Exception):
    """No order explains the transactions: what is certain contradicts itself."""


class Side(NamedTuple):
    """What follows if one writer comes before the other."""

    edges: tuple[Pair, ...]
    singles: tuple[Pair, ...]


@dataclass(slots=True)
class Polygraph:
    """Of the transactions ``members``, which are called by their places there. ``before[v]``: edges into moment v;
    ``past[v]``: all moments that lead to it, as bits; ``writers[k]``: who wrote register k."""

    facts: Facts
    family: Family
    members: tuple[int, ...]
    deadline: float | None = None
    before: list[list[int]] = field(default_factory=list)
    singles: dict[Pair, None] = field(default_factory=dict)
    writers: dict[int, list[int]] = field(default_factory=dict)
    readers: dict[Pair, list[int]] = field(default_factory=dict)  # (register, writer) -> who read what it wrote there
    past: list[int] = field(default_factory=list)
    topological: list[int] = field(default_factory=list)
    settled: dict[Pair, int] = field(default_factory=dict)  # (register, writer) -> writers that came before, as bits

    @property
    def size(self) -> int:
        return len(self.members)

    @property
    def shift(self) -> int:
        """From the begin of a transaction to its commit."""
        return self.size if self.family in _TWO_MOMENTS else 0

    def target_of_ww(self, writer: int) -> int:
        return writer if self.family is Family.SNAPSHOT else writer + self.shift

    def rw(self, register: int, reader: int) -> tuple[bool, bool]:
        """(whether what the reader missed comes after it by an edge, or by a single)."""
        facts, number = self.facts, self.members[reader]
        version = facts.initial[register]  # any of the register
        return facts.binds(self.family, number, version), facts.single(self.family, number)

    def side(self, first: int, second: int) -> Side:
        """What follows if ``first`` comes before ``second``: nothing that is certain already."""
        edges: dict[Pair, None] = {}
        singles: dict[Pair, None] = {}
        shift, past = self.shift, self.past
        target = self.target_of_ww(second)
        if not past[target] >> first + shift & 1:
            edges[first + shift, target] = None
        for register in self.shared(first, second):
            for reader in self.readers.get((register, first), ()):
                if reader != second:
                    bound, single = self.rw(register, reader)
                    if bound and not past[second + shift] >> reader & 1:
                        edges[reader, second + shift] = None
                    if single and (reader, second) not in self.singles:
                        singles[reader, second] = None
        return Side(tuple(edges), tuple(singles))

    def shared(self, first: int, second: int) -> list[int]:
        """The registers that both wrote."""
        facts = self.facts
        mine = {facts.registers[version] for version in facts.writes[self.members[first]]}
        theirs = (facts.registers[version] for version in facts.writes[self.members[second]])
        return [register for register in theirs if register in mine]

    def check_time(self) -> None:
        if self.deadline is not None and monotonic() > self.deadline:
            raise OutOfTimeError(f"the order of the writes of {self.size} transactions was being searched")

    # ------------------------------------------------------------------ closure

    def close(self) -> None:
        """Compute ``past``. Raises :class:`Contradiction` if there is a cycle or a single that a path closes."""
        count = self.size + self.shift
        after: list[list[int]] = [[] for _ in range(count)]
        waiting = [len(sources) for sources in self.before]
        for node, sources in enumerate(self.before):
            for source in sources:
                after[source].append(node)
        order = [node for node in range(count) if not waiting[node]]
        past = self.past = [0] * count
        for node in order:
            mask = past[node] | 1 << node
            for target in after[node]:
                past[target] |= mask
                waiting[target] -= 1
                if not waiting[target]:
                    order.append(target)
        if len(order) < count or any(past[reader] >> missed & 1 for reader, missed in self.singles):
            raise Contradiction
        self.topological = order

    def future(self) -> list[int]:
        """For each moment all to which it leads, as bits."""
        future = [0] * len(self.past)
        for node in reversed(self.topological):
            mask = future[node] | 1 << node
            for source in self.before[node]:
                future[source] |= mask
        return future

    # ------------------------------------------------------------------ saturation

    def saturate(self) -> None:
        """Add what follows from what is known, until nothing does. Raises :class:`Contradiction`."""
        while True:
            self.check_time()
            self.close()
            if not sum(self._settle(register, listed) for register, listed in self.writers.items()):
                return

    def _settle(self, register: int, writers: Sequence[int]) -> int:
        """How many edges and singles were added: those of writers that certainly came before others."""
        if len(writers) < 2:
            return 0
        shift, past, added = self.shift, self.past, 0
        commits = sum(1 << writer + shift for writer in writers)
        targets = sum(1 << self.target_of_ww(writer) for writer in writers)
        back = shift if self.family is not Family.SNAPSHOT else 0
        for writer in writers:
            first = (past[writer + shift] & targets) >> back
            for reader in self.readers.get((register, writer), ()):
                if any(self.rw(register, reader)):
                    first |= (past[reader] & commits) >> shift
            first &= ~(1 << writer)
            known = self.settled.get((register, writer), 0)
            if first & ~known:
                self.settled[register, writer] = first
                for other in bits(first & ~known):
                    added += self._add(register, other, writer)
        return added

    def _add(self, register: int, first: int, second: int) -> int:
        """``first`` wrote the register before ``second``."""
        shift, past, added = self.shift, self.past, 0
        target = self.target_of_ww(second)
        if not past[target] >> first + shift & 1:
            self.before[target].append(first + shift)
            added += 1
        for reader in self.readers.get((register, first), ()):
            if reader == second:
                continue
            bound, single = self.rw(register, reader)
            if bound and not past[second + shift] >> reader & 1:
                self.before[second + shift].append(reader)
                added += 1
            if single and (reader, second) not in self.singles:
                self.singles[reader, second] = None
                added += 1
        return added

    def force(self, first: int, second: int) -> None:
        """``first`` came before ``second``, whatever both wrote."""
        for register in self.shared(first, second):
            self._add(register, first, second)
            self.settled[register, second] = self.settled.get((register, second), 0) | 1 << first

    def open_pairs(self) -> list[Pair]:
        """Writers of one register whose order is not certain."""
        found: dict[Pair, None] = {}
        for register, writers in self.writers.items():
            everyone = sum(1 << writer for writer in writers)
            later = dict.fromkeys(writers, 0)
            for writer in writers:
                for other in bits(self.settled.get((register, writer), 0)):
                    later[other] |= 1 << writer
            for writer in writers:
                undecided = everyone & ~self.settled.get((register, writer), 0) & ~later[writer] & ~((2 << writer) - 1)
                for other in bits(undecided):
                    found[writer, other] = None
        return list(found)


def bits(mask: int) -> Iterator[int]:
    """The numbers in a set of bits, ascending."""
    while mask:
        low = mask & -mask
        yield low.bit_length() - 1
        mask ^= low


def polygraph(
    facts: Facts, family: Family, order: Order, members: tuple[int, ...], groups: Sequence[int],
    deadline: float | None = None,
) -> Polygraph:  # fmt: skip
    """What is certain of these transactions by themselves; ``members`` ascend. ``groups[t]``: those of the order."""
    built = Polygraph(facts, family, members, deadline)
    shift = built.shift
    built.before.extend([] for _ in range(built.size + shift))
    for place in range(built.size if shift else 0):
        built.before[place + shift].append(place)
    place_of = {number: place for place, number in enumerate(members)}
    for place, number in enumerate(members):
        for version in facts.writes[number]:
            built.writers.setdefault(facts.registers[version], []).append(place)
    for place, number in enumerate(members):
        for version in facts.reads[number]:
            writer, register = facts.writers[version], facts.registers[version]
            if writer == INITIAL:
                _add_initial(built, register, place)
            elif writer in place_of:
                built.before[place].append(place_of[writer] + shift)
                built.readers.setdefault((register, place_of[writer]), []).append(place)
    if order is not Order.NONE:
        _add_order(built, groups)
    return built


def _add_initial(built: Polygraph, register: int, reader: int) -> None:
    bound, single = built.rw(register, reader)
    for writer in built.writers.get(register, ()):
        if writer != reader:
            if bound:
                built.before[writer + built.shift].append(reader)
            if single:
                built.singles[reader, writer] = None


def _add_order(built: Polygraph, groups: Sequence[int]) -> None:
    """Inside each group: what had completed before another began; without what others imply."""
    facts, shift = built.facts, built.shift
    by_group: dict[int, list[int]] = {}
    for place, number in enumerate(built.members):
        by_group.setdefault(groups[number], []).append(place)
    for places in by_group.values():
        ended = [(facts.ended[built.members[place]], place) for place in places]
        ended.sort()
        done = 0
        recent: list[Pair] = []  # completed, and no other of them began after its completion
        for place in places:
            began = facts.began[built.members[place]]
            while done < len(ended) and ended[done][0] < began:
                started = facts.began[built.members[ended[done][1]]]
                recent = [each for each in recent if each[0] >= started]
                recent.append((int(ended[done][0]), ended[done][1]))
                done += 1
            built.before[place].extend(each + shift for _, each in recent)
