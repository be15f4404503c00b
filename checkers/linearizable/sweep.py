"""The register's search over changes of its value: completion by completion, and only the changes that somebody sees.

A write that nobody sees needs no place of its own: it stands just before any other write that takes effect while it is
open. So a write is placed only where the value it leaves is to be seen, or where nothing was written since it was
invoked; until it completes it can still be used, whatever has happened in between. A configuration at a completion is

* the value, and which open compare-and-sets have taken effect;
* its *cost*, a set of bits: open reads that have not seen their value; open writes that were used; open writes in whose
  time nothing was written yet (their duty); operations that perhaps took effect and were used, counted in unary.

One whose cost is a subset of another's makes the other superfluous. Operations take effect only when one is about to
complete that has to, in a chain that ends with it (just-in-time linearization: Lowe 2017): values seen by open reads,
in ascending order, as order does not matter among these, and compare-and-sets. Of writes of the same value the one that
completes first is used, and one without an answer last: two of them can change places.

Most values are written more often than they have to be. So at first all are taken to be inexhaustible while any write
of theirs is open: what is invalid even then is invalid, and there are few configurations, as all values are visited at
each change. If a way through needs more writes of some value than there are, those are counted from then on, and the
sweep begins again (counterexample-guided abstraction refinement: Clarke et al. 2000).
"""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final, Literal, NamedTuple

from checkers.linearizable.limit import Limit
from checkers.linearizable.problem import ANY, Problem

_CLOCK_EVERY: Final = 64
NO_FLOOR: Final = -2  # below every value


class Change(NamedTuple):
    """The value becomes ``leaves`` just before the rank ``at`` completes: by any write (``by`` ANY), by the
    compare-and-set of the rank ``by`` >= 0, or by one of the optional class that is the complement of ``by - ANY``."""

    at: int
    leaves: int
    by: int


Way = tuple["Way | None", Change]
Reached = tuple[int, int, int, "Way | None"]  # value, compare-and-sets placed, cost, way


@dataclass(frozen=True, slots=True)
class Counted:
    """What is not taken to be inexhaustible: the writes of these values, and these classes of optional CASes."""

    values: frozenset[int] = frozenset()
    classes: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True)
class Swept:
    """``found``: there is a way to the end, and it is ``way``. ``rank``: how many completions some way explains; where
    the outcome is "done" and none was found, one more are refuted."""

    outcome: Literal["done", "time", "memory"]
    rank: int
    configurations: int
    found: bool = False
    way: Way | None = None


@dataclass(slots=True)
class _Moment:
    """What is open when a rank is about to complete. ``reads``: of a value the bits of its reads. ``writes``: of a
    value the bits of its writes, first the one that completes first. ``pool``: of a value the class of its optional
    writes, and how many were invoked. ``swaps``: of an expected value the CASes (bit, value left, rank), likewise;
    ``spare``: the optional ones (value left, class, how many were invoked). ``free``: reads of values that can be
    written and are inexhaustible; ``scarce``: the other values that are read."""

    reads: dict[int, int] = field(default_factory=dict)
    writes: dict[int, list[int]] = field(default_factory=dict)
    pool: dict[int, tuple[int, int]] = field(default_factory=dict)
    swaps: dict[int, list[tuple[int, int, int]]] = field(default_factory=dict)
    spare: dict[int, list[tuple[int, int, int]]] = field(default_factory=dict)
    free: int = 0
    scarce: list[int] = field(default_factory=list)


class Sweep:
    """The moments of a problem, and what can happen at each."""

    def __init__(self, problem: Problem, counted: Counted) -> None:
        self.problem, self.counted = problem, counted
        self._slots = max((bit.bit_length() for bit in problem.bits), default=0)
        self._slot_bits = (1 << self._slots) - 1
        self._base: list[int] = []
        at = 2 * self._slots
        for each in problem.classes:
            self._base.append(at)
            at += len(each.invokes)
        self._arriving: list[list[int]] = [[] for _ in range(len(problem) + 1)]
        for rank, invoke in enumerate(problem.invokes):
            self._arriving[bisect_left(problem.completes, invoke)].append(rank)

    def moment(self, rank: int) -> _Moment:
        """What is open when the rank is about to complete."""
        problem, counted = self.problem, self.counted
        here = _Moment()
        for each in problem.open[rank]:
            expects, leaves, bit = problem.expects[each], problem.leaves[each], problem.bits[each]
            if expects == ANY:
                here.writes.setdefault(leaves, []).append(bit)
            elif expects == leaves:
                here.reads[leaves] = here.reads.get(leaves, 0) | bit
            else:
                here.swaps.setdefault(expects, []).append((bit, leaves, each))
        for number, each_class in enumerate(problem.classes):
            invoked = bisect_left(each_class.invokes, problem.completes[rank])
            if invoked and each_class.expects == ANY:
                here.pool[each_class.leaves] = (number, invoked)
            elif invoked:
                here.spare.setdefault(each_class.expects, []).append((each_class.leaves, number, invoked))
        for value, bits in here.reads.items():
            if value in here.writes or value in here.pool:
                if value in counted.values:
                    here.scarce.append(value)
                else:
                    here.free |= bits
        here.scarce.sort()
        return here

    def arrivals(self, rank: int, value: int) -> int:
        """The cost of what was invoked since the rank before completed: reads of other values, duties of writes."""
        problem, cost = self.problem, 0
        for each in self._arriving[rank]:
            if problem.expects[each] == ANY:
                cost |= problem.bits[each] << self._slots
            elif problem.expects[each] == problem.leaves[each] != value:
                cost |= problem.bits[each]
        return cost

    def through(self, rank: int, here: _Moment, value: int, swapped: int, cost: int, way: Way | None) -> Iterator[Reached]:
        """The configurations after the rank completed."""
        problem = self.problem
        expects, leaves, bit = problem.expects[rank], problem.leaves[rank], problem.bits[rank]
        if expects == ANY:
            duty = bit << self._slots
            if cost & bit or (value != leaves and not cost & duty):
                yield value, swapped, cost & ~bit, way
            if cost & bit:
                return
            keep = ~(bit | duty)
        elif expects == leaves:
            if not cost & bit:
                yield value, swapped, cost, way
                return
            keep = ~bit
        elif swapped & bit:
            yield value, swapped & ~bit, cost, way
            return
        else:
            keep = -1
        if here.swaps or here.spare:
            found = self._chains(rank, here, value, swapped, cost, way)
        else:
            found = self._visits(rank, here, value, swapped, cost, way)
        for value, swapped, cost, way in found:
            yield value, swapped & ~bit, cost & keep, way

    def _visits(self, rank: int, here: _Moment, value: int, swapped: int, cost: int, way: Way | None) -> Iterator[Reached]:
        """Writes alone: any of the scarce values that somebody waits for, and at last the one that the rank needs."""
        target = self.problem.leaves[rank]
        if self._use(here, target, cost) < 0:
            return
        ways = [(cost, way)]
        for each in here.scarce:
            if each != value and each != target and cost & here.reads[each]:
                for before, way in list(ways):
                    after = self._use(here, each, before)
                    if after >= 0:
                        ways.append((after & ~here.reads[each], (way, Change(rank, each, ANY))))
        for before, way in ways:
            yield target, swapped, self._write(here, target, before), (way, Change(rank, target, ANY))

    def _use(self, here: _Moment, value: int, cost: int) -> int:
        """The cost once one more write of the value is used; -1 if there is none."""
        if value not in self.counted.values:
            return cost if value in here.writes or value in here.pool else -1
        for bit in here.writes.get(value, ()):
            if not cost & bit:
                return cost | bit
        if value in here.pool:
            return self._draw(*here.pool[value], cost)
        return -1

    def _draw(self, number: int, invoked: int, cost: int) -> int:
        base = self._base[number]
        used = (cost >> base) & ((1 << invoked) - 1)
        return cost | (used + 1) << base if used < (1 << invoked) - 1 else -1

    def _write(self, here: _Moment, value: int, cost: int) -> int:
        """The cost once the value was written: all duties are done, free reads were seen just before."""
        cost = self._use(here, value, cost)
        if cost < 0:
            return cost
        duties = self._slot_bits << self._slots
        return cost & ~(here.free | duties | here.reads.get(value, 0))

    def _chains(self, rank: int, here: _Moment, value: int, swapped: int, cost: int, way: Way | None) -> Iterator[Reached]:
        """Writes and compare-and-sets in any order, up to the first that lets the rank complete."""
        problem = self.problem
        expects, target, bit = problem.expects[rank], problem.leaves[rank], problem.bits[rank]
        reading, swapping = expects == target, expects not in (ANY, target)
        seen: set[tuple[int, int, int, int, bool]] = set()
        waiting = [(value, swapped, cost, NO_FLOOR, False, way)]
        while waiting:
            value, swapped, cost, floor, must, way = waiting.pop()
            if (value, swapped, cost, floor, must) in seen:
                continue
            seen.add((value, swapped, cost, floor, must))
            for after, more_swapped, more, change, observed in self._swaps(rank, here, value, swapped, cost):
                reached = (after, more_swapped, more, (way, change))
                if (reading and not more & bit) or (swapping and more_swapped & bit):
                    yield reached
                else:
                    waiting.append((after, more_swapped, more, NO_FLOOR, observed, (way, change)))
            if must:
                continue
            if not swapping:
                more = self._write(here, target, cost)
                if more >= 0:
                    yield target, swapped, more, (way, Change(rank, target, ANY))
            for each in here.scarce:
                if floor < each != value and cost & here.reads[each] and (swapping or each != target):
                    more = self._write(here, each, cost)
                    if more >= 0:
                        waiting.append((each, swapped, more, each, False, (way, Change(rank, each, ANY))))
            for each in {*here.swaps, *here.spare}:
                if each != value and self._swappable(here, each, swapped):
                    more = self._write(here, each, cost)
                    if more >= 0:
                        waiting.append((each, swapped, more, NO_FLOOR, True, (way, Change(rank, each, ANY))))

    def _swappable(self, here: _Moment, value: int, swapped: int) -> bool:
        return value in here.spare or any(not swapped & bit for bit, _, _ in here.swaps[value])

    def _swaps(
        self, rank: int, here: _Moment, value: int, swapped: int, cost: int
    ) -> Iterator[tuple[int, int, int, Change, bool]]:
        """Each compare-and-set that may come next, and whether another one must follow it."""
        tried = set()
        for bit, leaves, each in here.swaps.get(value, ()):
            if not swapped & bit and leaves not in tried:
                tried.add(leaves)
                more = cost & ~here.reads.get(leaves, 0)
                yield leaves, swapped | bit, more, Change(rank, leaves, each), False
        for leaves, number, invoked in here.spare.get(value, ()):
            if leaves in tried:
                continue
            more = self._draw(number, invoked, cost) if number in self.counted.classes else cost
            if more >= 0:
                seen = here.reads.get(leaves, 0)
                yield leaves, swapped, more & ~seen, Change(rank, leaves, ANY + ~number), not cost & seen


def sweep(problem: Problem, counted: Counted, limit: Limit) -> Swept:
    """Whether there is a way through all ranks, completion by completion."""
    steps = Sweep(problem, counted)
    level: dict[tuple[int, int], list[tuple[int, Way | None]]] = {(problem.initial, 0): [(0, None)]}
    visited = 0
    for rank in range(len(problem)):
        here = steps.moment(rank)
        after: defaultdict[tuple[int, int], list[tuple[int, Way | None]]] = defaultdict(list)
        for (value, swapped), costs in level.items():
            arriving = steps.arrivals(rank, value)
            for cost, way in costs:
                visited += 1
                if visited > limit.configurations or (visited % _CLOCK_EVERY == 0 and limit.expired()):
                    outcome: Literal["time", "memory"] = "memory" if visited > limit.configurations else "time"
                    return Swept(outcome, rank, visited)
                for reached in steps.through(rank, here, value, swapped, cost | arriving, way):
                    _keep(after[reached[:2]], reached[2], reached[3])
        if not after:
            return Swept("done", rank, visited)
        level = after
    way = next(iter(level.values()))[0][1]
    return Swept("done", len(problem), visited, True, way)


def _keep(met: list[tuple[int, Way | None]], cost: int, way: Way | None) -> None:
    """Remember the configuration, unless one at least as good was met; forget those that are no better."""
    if any(not other & ~cost for other, _ in met):
        return
    met[:] = [pair for pair in met if cost & ~pair[0]]
    met.append((cost, way))
