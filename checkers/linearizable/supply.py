"""How many optional operations there are is counted only where it turns out to matter.

A configuration that says of 25 classes how many operations it has used is one of very many. So the search begins with
all classes inexhaustible: what is invalid even then is invalid. If it finds an order, and that order needs no more
operations than there are, it is a linearization. If it needs more of some class, those classes are counted from now on,
and the search begins again (counterexample-guided abstraction refinement: Clarke et al. 2000).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

from checkers.linearizable.limit import Limit
from checkers.linearizable.operation import Operation
from checkers.linearizable.problem import ANY, Problem, counting
from checkers.linearizable.search import Exploration, Point, Trail, explore, start
from checkers.linearizable.sweep import sweep, trail

_FIRST_TURN: Final = 500  # configurations of the depth-first search
_SWEEP_SHARE: Final = 8  # so many more of the sweep, which are cheaper


@dataclass(frozen=True, slots=True)
class Placement:
    """The operations along a trail, in order, up to the first that is not there to be used; ``rank``: the completions
    they explain. ``overdrawn``: the classes of which, anywhere on the trail, more are used than there are."""

    order: tuple[Operation, ...]
    rank: int
    overdrawn: frozenset[int] = frozenset()


def place(arrays: Problem, trail: Trail | None) -> Placement:
    """Give the n-th use of each class its n-th invocation, which must have been invoked by then."""
    placed = [False] * len(arrays)
    used = [0] * len(arrays.classes)
    overdrawn: set[int] = set()
    order: list[Operation] = []
    rank = explained = 0
    for step in _steps(trail):
        if step >= 0:
            placed[step] = True
        elif not _there(arrays, ~step, used[~step], rank):
            overdrawn.add(~step)
        if not overdrawn:
            order.append(arrays.operations[step] if step >= 0 else arrays.classes[~step].operations[used[~step]])
        if step < 0:
            used[~step] += 1
        while rank < len(arrays) and placed[rank]:
            rank += 1
        explained = explained if overdrawn else rank
    return Placement(tuple(order), explained, frozenset(overdrawn))


def _there(arrays: Problem, number: int, used: int, rank: int) -> bool:
    """Whether one more of the class was invoked before the rank completed."""
    invokes = arrays.classes[number].invokes
    return used < len(invokes) and (rank == len(arrays) or invokes[used] < arrays.completes[rank])


def _steps(trail: Trail | None) -> list[int]:
    steps = []
    while trail is not None:
        trail, step = trail
        steps.append(step)
    return steps[::-1]


def find(arrays: Problem, limit: Limit) -> tuple[Exploration, Placement]:
    """Search the whole problem; with an end, the placement is a linearization, else it shows how far one was found.

    The exploration counts the configurations of all its attempts.
    """
    counted: set[int] = set()
    configurations = 0
    while True:
        left = replace(limit, configurations=limit.configurations - configurations)
        attempt = counting(arrays, counted)
        found = _compete(attempt, left)
        configurations += found.configurations
        found = replace(found, configurations=configurations)
        placement = place(attempt, found.ends[0].trail if found.ends else found.furthest)
        if not found.ends or not placement.overdrawn:
            return found, placement
        assert placement.overdrawn.isdisjoint(counted), "what is counted is not overdrawn"
        counted |= placement.overdrawn


def _compete(attempt: Problem, limit: Limit) -> Exploration:
    """Search depth first and sweep in turn, each time anew and longer, until one is done: the first finds an order soon
    where there is one, the second sees soon that there is none."""
    turn = max(_FIRST_TURN, len(attempt))
    configurations = 0
    furthest: Exploration | None = None
    while True:
        for search, share in ((_depth_first, 1), (_swept, _SWEEP_SHARE)):
            left = limit.configurations - configurations
            found = search(attempt, limit.at_most(configurations=min(turn * share, left)))
            configurations += found.configurations
            if furthest is None or found.rank > furthest.rank:
                furthest = found
            if found.outcome == "done":
                return replace(found, configurations=configurations)
            if found.outcome == "time" or left <= turn * share:
                return replace(furthest, outcome=found.outcome, configurations=configurations)
        turn *= 8


def _depth_first(attempt: Problem, limit: Limit) -> Exploration:
    return explore(attempt, (0, len(attempt)), [start(attempt)], limit)


def _swept(attempt: Problem, limit: Limit) -> Exploration:
    """Writes are counted from the beginning: that costs next to nothing."""
    writes = {number for number, each in enumerate(attempt.classes) if each.counted or each.expects == ANY}
    swept = sweep(counting(attempt, writes), limit)
    way = trail(attempt, swept.ways[0], swept.rank)
    ends = (Point(attempt.initial, (), way),) if swept.found else ()
    return Exploration(ends, swept.outcome, swept.rank, swept.rank, swept.configurations, way)
