"""The register's search over changes of its value: completion by completion, and only the changes that somebody sees.

A write that nobody sees needs no place of its own: it stands just before any other write that takes effect while it is
open, or wherever its value is there already. So a write is placed only where its value is to be seen, or where it would
not find such a place; until it completes it can still be used, whatever has happened in between. A configuration at a
completion is

* the value, and which open compare-and-sets have taken effect;
* its *cost*, a set of bits: open reads that have not seen their value; open writes that were used; open writes that
  have found no such place (their duty); operations that perhaps took effect and were used, counted in unary.

One whose cost is a subset of another's makes the other superfluous. What may not be left out is placed when it is about
to complete, at the end of a chain of changes (just-in-time linearization: Lowe 2017): writes of values that open reads
wait for, in ascending order, as order does not matter among these; compare-and-sets; optional ones that are seen. Of
writes of the same value the one that completes first is used, and one without an answer last, as two of them can change
places. A read sees its value as soon as it can.

Where the search by single operations (``search``) has thousands of configurations at a completion, for all the ways in
which writes that nobody sees can be placed, here there are a few. It knows all of them at once, though, and does not
run ahead as a depth-first search does.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import chain
from typing import Final, Literal, NamedTuple

from checkers.linearizable.limit import Limit
from checkers.linearizable.problem import ANY, Problem
from checkers.linearizable.search import Trail

_CLOCK_EVERY: Final = 64
_NO_FLOOR: Final = -2  # below every value


class Change(NamedTuple):
    """The value becomes ``leaves`` just before the rank ``at`` completes: by any write (``by`` None), by the rank
    ``by`` >= 0, or by an operation of the optional class whose complement ``by`` is."""

    at: int
    leaves: int
    by: int | None = None


Way = tuple["Way | None", Change]
Reached = tuple[int, int, int, "Way | None"]  # value, compare-and-sets that took effect, cost, and how it was reached


@dataclass(frozen=True, slots=True)
class Swept:
    """``found``: there are ways to the end, and ``ways`` are all that matter. Where there is none, ``ways`` is one to
    before the rank ``rank`` completed, as far as the sweep came; if the outcome is "done", it is refuted that this rank
    and all before it can complete."""

    outcome: Literal["done", "time", "memory"]
    found: bool
    rank: int
    configurations: int
    ways: tuple[Way | None, ...]


def sweep(problem: Problem, limit: Limit) -> Swept:
    """Look for ways to the end, completion by completion."""
    moments = _Moments(problem)
    level: dict[tuple[int, int], list[tuple[int, Way | None]]] = {(problem.initial, 0): [(0, None)]}
    visited = 0
    for rank in range(len(problem)):
        here = moments.at(rank)
        after: defaultdict[tuple[int, int], list[tuple[int, Way | None]]] = defaultdict(list)
        way: Way | None = None
        for (value, swapped), costs in level.items():
            arriving = here.arriving(value)
            for cost, way in costs:
                visited += 1
                if visited > limit.configurations or (visited % _CLOCK_EVERY == 0 and limit.expired()):
                    outcome: Literal["time", "memory"] = "memory" if visited > limit.configurations else "time"
                    return Swept(outcome, False, rank, visited, (way,))
                for reached in here.through(value, swapped, cost | arriving, way):
                    _keep(after[reached[:2]], reached[2], reached[3])
        if not after:
            return Swept("done", False, rank, visited, (way,))
        level = after
    return Swept("done", True, len(problem), visited, tuple(way for costs in level.values() for _, way in costs))


def _keep(met: list[tuple[int, Way | None]], cost: int, way: Way | None) -> None:
    """Remember the configuration, unless one at least as good was met; forget those that are no better."""
    for other, _ in met:
        if not other & ~cost:
            return
    if met:
        met[:] = [pair for pair in met if cost & ~pair[0]]
    met.append((cost, way))


@dataclass(frozen=True, slots=True)
class _Pool:
    """Optional operations of one class that were invoked: their bits begin at ``base``."""

    number: int
    base: int
    leaves: int
    all: int
    counted: bool

    def draw(self, cost: int) -> int:
        """The cost once one more of them is used; -1 if there is none."""
        if not self.counted:
            return cost
        used = (cost >> self.base) & self.all
        return -1 if used == self.all else cost | (used + 1) << self.base


class _Moments:
    """What is open when each rank is about to complete; to be asked in order."""

    def __init__(self, problem: Problem) -> None:
        self._problem = problem
        self._slots = max((bit.bit_length() for bit in problem.bits), default=0)
        self._arriving = arriving(problem)
        invocations = ((invoke, number) for number, each in enumerate(problem.classes) for invoke in each.invokes)
        self._invocations = sorted(invocations, reverse=True)
        self._invoked = [0] * len(problem.classes)
        sizes = (len(each.invokes) for each in problem.classes)
        self._bases = [2 * self._slots]
        for size in sizes:
            self._bases.append(self._bases[-1] + size)
        self._pool: dict[int, _Pool] = {}
        self._spare: dict[int, list[_Pool]] = {}

    def at(self, rank: int) -> _Moment:
        problem = self._problem
        expects, leaves, bits = problem.expects, problem.leaves, problem.bits
        self._invoke(problem.completes[rank])
        here = _Moment(rank, expects[rank], leaves[rank], bits[rank], self._slots, self._pool, self._spare)
        for each in problem.open[rank]:
            left = leaves[each]
            if expects[each] == ANY:
                here.writes.setdefault(left, []).append(bits[each])
                here.settled[left] = here.settled.get(left, 0) | bits[each] << self._slots
            elif expects[each] == left:
                here.reads[left] = here.reads.get(left, 0) | bits[each]
                here.settled[left] = here.settled.get(left, 0) | bits[each]
            else:
                here.swaps.setdefault(expects[each], []).append((bits[each], left, each))
        for each in self._arriving[rank]:
            if expects[each] == ANY:
                here.new[leaves[each]] = here.new.get(leaves[each], 0) | bits[each] << self._slots
            elif expects[each] == leaves[each]:
                here.new[leaves[each]] = here.new.get(leaves[each], 0) | bits[each]
        here.awaited = sorted(value for value in here.reads if value in here.writes or value in here.pool)
        return here

    def _invoke(self, now: int) -> None:
        """Optional operations that were invoked by now can be used."""
        changed = set()
        while self._invocations and self._invocations[-1][0] < now:
            _, number = self._invocations.pop()
            self._invoked[number] += 1
            changed.add(number)
        if not changed:
            return
        self._pool, self._spare = dict(self._pool), {value: list(pools) for value, pools in self._spare.items()}
        for number in changed:
            each = self._problem.classes[number]
            pool = _Pool(number, self._bases[number], each.leaves, (1 << self._invoked[number]) - 1, each.counted)
            if each.expects == ANY:
                self._pool[each.leaves] = pool
            else:
                others = [other for other in self._spare.get(each.expects, ()) if other.number != number]
                self._spare[each.expects] = [*others, pool]


def arriving(problem: Problem) -> list[list[int]]:
    """For each rank those that were invoked before it completed, but not before the rank before it completed."""
    found: list[list[int]] = [[] for _ in range(len(problem) + 1)]
    for rank, invoke in enumerate(problem.invokes):
        found[bisect_left(problem.completes, invoke)].append(rank)
    return found


@dataclass(slots=True)
class _Moment:
    """The rank ``rank`` is about to complete.

    ``reads``: of a value the bits of its open reads. ``writes``: of a value the bits of its open writes, first the one
    that completes first; ``pool`` the optional ones. ``swaps``: of an expected value the open CASes (bit, value left,
    rank) in the same order; ``spare`` the optional ones. ``awaited``: values read that can be written. ``settled``: of
    a value what it costs no more once it is there, the reads of it and the duties of its writes; ``new``: of these what
    was invoked since the rank before completed.
    """

    rank: int
    expects: int
    leaves: int
    bit: int
    slots: int
    pool: dict[int, _Pool]
    spare: dict[int, list[_Pool]]
    reads: dict[int, int] = field(default_factory=dict)
    writes: dict[int, list[int]] = field(default_factory=dict)
    swaps: dict[int, list[tuple[int, int, int]]] = field(default_factory=dict)
    awaited: list[int] = field(default_factory=list)
    settled: dict[int, int] = field(default_factory=dict)
    new: dict[int, int] = field(default_factory=dict)

    def arriving(self, value: int) -> int:
        """The cost of what was invoked last: reads of other values than this one, and writes, which have a duty."""
        cost = 0
        for other, bits in self.new.items():
            if other != value:
                cost |= bits
        return cost

    def through(self, value: int, swapped: int, cost: int, way: Way | None) -> Iterator[Reached]:
        """The configurations after the rank completed."""
        bit = self.bit
        if self.expects == ANY:
            duty = bit << self.slots
            if cost & bit or (value != self.leaves and not cost & duty):
                yield value, swapped, cost & ~bit, way
                if cost & bit:
                    return
            keep = ~(bit | duty)
        elif self.expects == self.leaves:
            if not cost & bit:
                yield value, swapped, cost, way
                return
            keep = ~bit
        elif swapped & bit:
            yield value, swapped & ~bit, cost, way
            return
        else:
            keep = -1
        found = self._chains if self.swaps or self.spare else self._visits
        for after, more_swapped, more, there in found(value, swapped, cost, way):
            yield after, more_swapped & ~bit, more & keep, there

    def _visits(self, value: int, swapped: int, cost: int, way: Way | None) -> Iterator[Reached]:
        """Writes alone: of any of the values that somebody waits for, and at last of the one that the rank needs."""
        target = self.leaves
        if self._write(target, cost) < 0:
            return
        ways = [(cost, way)]
        for each in self.awaited:
            if each != value and each != target and cost & self.reads[each]:
                for before, way in list(ways):
                    after = self._write(each, before)
                    if after >= 0:
                        ways.append((after, (way, Change(self.rank, each))))
        for before, way in ways:
            yield target, swapped, self._write(target, before), (way, Change(self.rank, target))

    def _write(self, value: int, cost: int) -> int:
        """The cost once the value was written: it was seen, and all duties are done. -1 if there is no write left."""
        for bit in self.writes.get(value, ()):
            if not cost & bit:
                cost |= bit
                break
        else:
            if value not in self.pool:
                return -1
            cost = self.pool[value].draw(cost)
            if cost < 0:
                return -1
        return cost & ~((((1 << self.slots) - 1) << self.slots) | self.reads.get(value, 0))

    def _chains(self, value: int, swapped: int, cost: int, way: Way | None) -> Iterator[Reached]:
        """Writes and compare-and-sets in any order, up to the first change with which the rank can complete.

        After a change that must be seen by a compare-and-set that comes next (``must``) only such a one may follow.
        Values below ``floor`` were passed over since the last compare-and-set.
        """
        leading = self._leading(swapped, cost)
        if not leading:
            yield from self._visits(value, swapped, cost, way)
            return
        reading, swapping = self.expects == self.leaves, self.expects not in (ANY, self.leaves)
        met: defaultdict[tuple[int, int, int, bool], list[tuple[int, Way | None]]] = defaultdict(list)
        waiting = [(value, swapped, cost, _NO_FLOOR, False, way)]
        for value, swapped, cost, floor, must, way in waiting:
            known = met[value, swapped, floor, must]
            if any(not other & ~cost for other, _ in known):
                continue
            known.append((cost, way))
            for after, more_swapped, more, change, observed in self._swap(value, swapped, cost, leading):
                if (reading and not more & self.bit) or (swapping and more_swapped & self.bit):
                    yield after, more_swapped, more, (way, change)
                else:
                    waiting.append((after, more_swapped, more, _NO_FLOOR, not observed, (way, change)))
            if must:
                continue
            if not swapping:
                more = self._write(self.leaves, cost)
                if more >= 0:
                    yield self.leaves, swapped, more, (way, Change(self.rank, self.leaves))
            for each in self._worth_writing(value, swapped, cost, floor, leading):
                more = self._write(each, cost)
                if more >= 0:
                    seen = floor < each and bool(cost & self.reads.get(each, 0))
                    floor_after = each if seen else _NO_FLOOR
                    waiting.append((each, swapped, more, floor_after, not seen, (way, Change(self.rank, each))))

    def _leading(self, swapped: int, cost: int) -> set[int]:
        """The values that somebody waits for, or from which optional operations lead to such a value."""
        found = {value for value, bits in self.reads.items() if cost & bits}
        found.update(value for value, swaps in self.swaps.items() if any(not swapped & bit for bit, _, _ in swaps))
        grows = bool(found)
        while grows:
            more = [
                value
                for value, pools in self.spare.items()
                if value not in found and any(pool.leaves in found for pool in pools)
            ]
            found.update(more)
            grows = bool(more)
        return found

    def _worth_writing(self, value: int, swapped: int, cost: int, floor: int, leading: set[int]) -> Iterator[int]:
        """Values that open reads wait for, above the floor; and those that a compare-and-set expects. (The present one
        among them if there are duties, which are done with it.)"""
        final = None if self.expects not in (ANY, self.leaves) else self.leaves
        duties = cost >> self.slots & ((1 << self.slots) - 1)
        for each in self.awaited:
            if floor < each != value and each != final and cost & self.reads[each]:
                yield each
        for each in dict.fromkeys(chain(self.swaps, self.spare)):
            if each == final or (each == value and not duties) or each not in leading:
                continue
            if floor < each != value and cost & self.reads.get(each, 0):
                continue
            if each in self.spare or any(not swapped & bit for bit, _, _ in self.swaps[each]):
                yield each

    def _swap(
        self, value: int, swapped: int, cost: int, leading: set[int]
    ) -> Iterator[tuple[int, int, int, Change, bool]]:
        """Each compare-and-set that may come next, and whether what it leaves is seen or it had to come anyway."""
        tried = set()
        for bit, leaves, each in self.swaps.get(value, ()):
            if not swapped & bit and leaves not in tried:
                tried.add(leaves)
                more = cost & ~self.settled.get(leaves, 0)
                yield leaves, swapped | bit, more, Change(self.rank, leaves, each), True
        for pool in self.spare.get(value, ()):
            leaves = pool.leaves
            if leaves not in tried and leaves in leading:
                more = pool.draw(cost)
                if more >= 0:
                    seen = bool(cost & self.reads.get(leaves, 0))
                    more &= ~self.settled.get(leaves, 0)
                    yield leaves, swapped, more, Change(self.rank, leaves, ~pool.number), seen


def trail(problem: Problem, way: Way | None, ranks: int) -> Trail | None:
    """Every single operation on the way through that many ranks: what is seen, what sees it, and what nobody sees."""
    changes = []
    while way is not None:
        way, change = way
        changes.append(change)
    placing = _Placing(problem)
    for rank, arrived in enumerate(arriving(problem)[:ranks]):
        placing.see(arrived)
        while changes and changes[-1].at == rank:
            placing.change(changes.pop())
        placing.complete(rank)
    found: Trail | None = None
    for step in placing.steps():
        found = (found, step)
    return found


class _Placing:
    """The order of the operations on a way. ``spots``: of a write the place where nobody would see it."""

    def __init__(self, problem: Problem) -> None:
        self._problem, self._value = problem, problem.initial
        self._placed = [False] * len(problem)
        self._pieces: list[list[int]] = []
        self._spots: dict[int, list[int]] = {}
        self._writes = {each.leaves: number for number, each in enumerate(problem.classes) if each.expects == ANY}

    def steps(self) -> Iterator[int]:
        return chain.from_iterable(self._pieces)

    def see(self, ranks: Iterable[int]) -> None:
        """Those of the ranks that read the present value do so; nobody would see it written once more."""
        problem = self._problem
        spot: list[int] = []
        for each in ranks:
            if self._placed[each] or problem.leaves[each] != self._value:
                continue
            if problem.expects[each] == self._value:
                self._place(each)
            elif problem.expects[each] == ANY:
                self._spots.setdefault(each, spot)
        self._pieces.append(spot)

    def change(self, change: Change) -> None:
        problem, by = self._problem, change.by
        if by is None:
            writes = [r for r in problem.open[change.at] if not self._placed[r] and problem.expects[r] == ANY]
            spot: list[int] = []
            self._pieces.append(spot)
            for each in writes:
                self._spots.setdefault(each, spot)
            by = next((each for each in writes if problem.leaves[each] == change.leaves), None)
            by = ~self._writes[change.leaves] if by is None else by
        self._place(by)
        self._value = change.leaves
        self.see(problem.open[change.at])

    def complete(self, rank: int) -> None:
        """A write that nobody saw has its place."""
        if not self._placed[rank]:
            self._spots[rank].append(rank)
            self._placed[rank] = True

    def _place(self, step: int) -> None:
        self._pieces.append([step])
        if step >= 0:
            self._placed[step] = True
