"""The search: depth first over what may be placed next, remembering configurations, with proven short cuts.

A configuration is (first rank k not yet placed, mask of later ranks placed, state, optional operations used). Wing &
Gong (1993) search the orders, Lowe (2017) remembers configurations; what is left out here, and why that is allowed:

* A placeable read of the present state is placed at once: moved to the front of any linearization it changes nothing.
* Of placeable operations with the same transition only the one that completes first is tried: in a linearization that
  begins with another of them the two can change places. An optional operation counts as completing last.
* An optional operation is tried only if the next one observes what it left (the flag ``observed``): otherwise the
  linearization stands without it.
* A configuration that differs from an earlier one only in having used more optional operations is dropped.
* A configuration is dead if an open operation expects a value that nothing can make any more before it completes.

The first four hold together because one linearization with the fewest optional operations survives all of them: each
exchange keeps their number. Nothing here recurses, so no history can exhaust the stack.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from operator import le
from typing import Final, Literal

from checkers.linearizable.limit import Limit
from checkers.linearizable.problem import ANY, OptionalClass, Problem

Used = tuple[int, ...]
# How a configuration was reached: what came before, and a rank (>= 0) or the complement of a class's number.
Trail = tuple["Trail | None", int]

_CLOCK_EVERY: Final = 512


@dataclass(frozen=True, slots=True)
class Point:
    """A place between two windows: the state there, the optional operations used, and one way to it."""

    state: int
    used: Used
    trail: Trail | None = None


@dataclass(frozen=True, slots=True)
class Exploration:
    """``ends``: points reached at the end of the span, none of which another one makes superfluous. ``outcome`` says
    whether these are all ("done"), or which limit ended the search. ``rank``: how many completions, from the start of
    the history, some linearization was found to explain. ``needed``: the highest rank that a dead configuration was
    dead of; without ends, the ranks up to the higher of the two are refuted by themselves. ``furthest`` is the way to
    a configuration of that rank."""

    ends: tuple[Point, ...]
    outcome: Literal["done", "time", "memory"]
    rank: int
    needed: int
    configurations: int
    furthest: Trail | None = None

    @property
    def refuted(self) -> int:
        """How many ranks suffice to see that there is no way through, where there is none."""
        return max(self.rank, self.needed) + 1


def start(problem: Problem) -> Point:
    """The point before the first window."""
    return Point(problem.initial, (0,) * len(problem.classes))


def explore(
    problem: Problem,
    span: tuple[int, int],
    starts: Iterable[Point],
    limit: Limit,
    *,
    every_end: bool = False,
) -> Exploration:
    """Search the ranks from ``span[0]`` up to ``span[1]``, both of them cuts of the problem, from ``starts``.

    Ends at the first way through, unless ``every_end`` asks for all points that can be reached.
    """
    ends = Ends()
    memory = _Memory()
    stack = [_Configuration(span[0], 0, point.state, point.used, False, point.trail) for point in starts]
    rank, furthest, needed, visited = span[0], None, span[0], 0
    outcome: Literal["done", "time", "memory"] = "done"
    try:
        while stack:
            here = _settle(problem, span[1], stack.pop())
            if here.rank > rank:
                rank, furthest = here.rank, here.trail
            if here.rank == span[1]:
                ends.add(Point(here.state, here.used, here.trail))
                if not every_end:
                    break
                continue
            if memory.covers(here):
                continue
            visited += 1
            if visited > limit.configurations or (visited % _CLOCK_EVERY == 0 and limit.expired()):
                outcome = "memory" if visited > limit.configurations else "time"
                break
            needed = max(needed, _expand(problem, here, stack))
    except MemoryError:  # how far it came is more than nothing; what is forgotten makes room to tell it
        outcome, stack, memory = "memory", [], _Memory()
    return Exploration(ends.points(), outcome, rank, needed, visited, furthest)


@dataclass(slots=True)
class _Configuration:
    rank: int
    mask: int
    state: int
    used: Used
    observed: bool  # the next operation must observe the state
    trail: Trail | None


class _Memory:
    """The configurations met, of those that differ in their used operations only the least."""

    def __init__(self) -> None:
        self._least: dict[tuple[int, int, int, bool], list[Used]] = {}

    def covers(self, c: _Configuration) -> bool:
        """Whether one at least as good was met before; if not, this one is remembered."""
        if c.observed and any(_within(used, c.used) for used in self._least.get((c.rank, c.mask, c.state, False), ())):
            return True
        met = self._least.get((c.rank, c.mask, c.state, c.observed))
        if met is None:
            self._least[c.rank, c.mask, c.state, c.observed] = [c.used]
            return False
        if any(_within(used, c.used) for used in met):
            return True
        met[:] = [used for used in met if not _within(c.used, used)]
        met.append(c.used)
        return False


class Ends:
    """The points reached; of those that differ in their used operations only the least."""

    def __init__(self) -> None:
        self._points: dict[int, list[Point]] = {}

    def add(self, point: Point) -> None:
        met = self._points.setdefault(point.state, [])
        if not any(_within(other.used, point.used) for other in met):
            met[:] = [other for other in met if not _within(point.used, other.used)]
            met.append(point)

    def points(self) -> tuple[Point, ...]:
        return tuple(point for met in self._points.values() for point in met)


def _within(used: Used, other: Used) -> bool:
    return used == other or all(map(le, used, other))


def _settle(problem: Problem, end: int, c: _Configuration) -> _Configuration:
    """Place every placeable read of the present state, and step over the ranks placed."""
    expects, leaves, bits = problem.expects, problem.leaves, problem.bits
    rank, mask, state, observed, trail = c.rank, c.mask, c.state, c.observed, c.trail
    while rank < end:
        for each in problem.open[rank]:
            if expects[each] == state and leaves[each] == state and not mask & bits[each]:
                mask |= bits[each]
                observed = False
                trail = (trail, each)
        if not mask & bits[rank]:
            break
        while rank < end and mask & bits[rank]:
            mask ^= bits[rank]
            rank += 1
    return _Configuration(rank, mask, state, c.used, observed, trail)


@dataclass(slots=True)
class _Open:
    """What may come next: of each value left the placeable ``writes`` and CASes from the present state (``swaps``) that
    complete first; the operations ``waiting`` for another value; the optional ``classes``; the values all these make.
    """

    writes: dict[int, int]
    swaps: dict[int, int]
    waiting: list[int]
    classes: list[tuple[int, OptionalClass]]
    makes: set[int]


def _look(problem: Problem, c: _Configuration) -> _Open:
    expects, leaves = problem.expects, problem.leaves
    classes = list(_available(problem, c))
    found = _Open({}, {}, [], classes, {each.leaves for _, each in classes})
    for each in problem.open[c.rank]:
        if c.mask & problem.bits[each]:
            continue
        expected, left = expects[each], leaves[each]
        if expected == ANY:
            found.writes.setdefault(left, each)
        elif expected == c.state:
            found.swaps.setdefault(left, each)
        else:
            found.waiting.append(each)
        if expected != left:
            found.makes.add(left)
    return found


def _expand(problem: Problem, c: _Configuration, stack: list[_Configuration]) -> int:
    """Push the configurations one mutation further, the most promising last. If there are none because an open
    operation waits for a value in vain, returns its rank, else -1."""
    seen = _look(problem, c)
    for each in seen.waiting:
        if problem.expects[each] not in seen.makes and problem.last_producer[each] < problem.completes[c.rank]:
            return each
    stack.extend(_with_optional(problem, c, number) for number in _useful(problem, c, seen))
    chosen = list(seen.swaps.values()) if c.observed else [*seen.swaps.values(), *seen.writes.values()]
    wanted = problem.expects[c.rank]
    chosen.sort(key=lambda each: (problem.leaves[each] != wanted, each), reverse=True)
    stack.extend(_with(problem, c, each) for each in chosen)
    return -1


def _useful(problem: Problem, c: _Configuration, seen: _Open) -> Iterator[int]:
    """The classes whose value somebody could observe at once, and for which no operation that happened stands in."""
    observable = {problem.expects[each] for each in seen.waiting} | {each.expects for _, each in seen.classes}
    for number, each in seen.classes:
        placeable = each.expects == c.state or (each.expects == ANY and not c.observed)
        twins = seen.writes if each.expects == ANY else seen.swaps
        if placeable and each.leaves != c.state and each.leaves in observable and each.leaves not in twins:
            yield number


def _available(problem: Problem, c: _Configuration) -> Iterator[tuple[int, OptionalClass]]:
    """The classes of optional operations of which one may be placed now."""
    now = problem.completes[c.rank]
    for number, each in enumerate(problem.classes):
        used = c.used[number]
        if used < len(each.invokes) and each.invokes[used] < now:
            yield number, each


def _with(problem: Problem, c: _Configuration, each: int) -> _Configuration:
    trail = (c.trail, each)
    return _Configuration(c.rank, c.mask | problem.bits[each], problem.leaves[each], c.used, False, trail)


def _with_optional(problem: Problem, c: _Configuration, number: int) -> _Configuration:
    each, used = problem.classes[number], c.used
    if each.counted:
        used = (*used[:number], used[number] + 1, *used[number + 1 :])
    return _Configuration(c.rank, c.mask, each.leaves, used, True, (c.trail, ~number))
