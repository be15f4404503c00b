"""Appends that nobody read: in which order may they have taken effect?

The order of two such appends to one list decides what depended on what, and where a family forbids paths of
dependencies with an antidependency, every order may be forbidden though no known edge is. The order is guessed first
(that of the commits in some schedule); if the guess fails, every pair is tried both ways, what one way forbids is
forced the other way, and what remains is searched, within a bound. Past it nobody knows.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import combinations, pairwise
from typing import Final

from checkers.transactional.component import topological
from checkers.transactional.cycle import Part
from checkers.transactional.decide import Scene, Violation, violation
from checkers.transactional.graph import WW
from checkers.transactional.lattice import Family, Order
from checkers.transactional.pattern import COMMIT, SNAPSHOT, automaton

ORDER_MATTERS: Final = frozenset((Family.ONE_RW, Family.SNAPSHOT, Family.UPDATE))
PAIRS_MAX: Final = 300
TRIALS_MAX: Final = 2_000
Pair = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Dilemma:
    """Two appends of one list, and what is forbidden if the first took effect first, and if the second did.

    ``forced``: orders of other pairs that were found before, the other way being forbidden. ``complete``: this is all;
    else there were other choices before, which failed, too.
    """

    pair: Pair
    cases: tuple[Violation, Violation]
    forced: tuple[tuple[Pair, Violation], ...] = ()
    complete: bool = True


class Undecided(Exception):
    """The bound was reached."""


def dilemma(scene: Scene, family: Family, order: Order) -> Dilemma | None:
    """Why no order of the unread appends is allowed; None if one is. The known edges must forbid nothing.

    Raises :class:`Undecided`.
    """
    found = _decided(scene, family, order)
    return found if isinstance(found, Dilemma) else None


def arranged(scene: Scene, family: Family, order: Order) -> list[Pair]:
    """Orders of the unread appends that are allowed, and leave none open; there must be some. Raises
    :class:`Undecided`."""
    found = _decided(scene, family, order)
    assert not isinstance(found, Dilemma), "no order of the unread appends is allowed"
    return found


def _decided(scene: Scene, family: Family, order: Order) -> Dilemma | list[Pair]:
    groups = _groups(scene)
    if not groups or family not in ORDER_MATTERS:
        return []
    guess = _guess(scene, order, groups)
    if _violation(scene, family, order, guess) is None:
        return guess
    pairs = list(dict.fromkeys(pair for group in groups for pair in combinations(group, 2)))
    if len(pairs) > PAIRS_MAX:
        raise Undecided(f"{len(pairs)} pairs of appends that nobody read")
    return _Search(scene, family, order).solve([], pairs)


def _groups(scene: Scene) -> list[list[int]]:
    """For each list, the transactions of this part with appends to it that nobody read, if there are several."""
    members = set(scene.part.nodes)
    keys = {key for number in scene.part.numbers for key in scene.inference.transactions[number].appends}
    groups = ([each for each in scene.inference.versions[key].tail if each in members] for key in keys)
    return sorted(group for group in groups if len(group) > 1)


def _guess(scene: Scene, order: Order, groups: Sequence[Sequence[int]]) -> list[Pair]:
    """Each group in the order of the commits of a schedule that the known edges allow under snapshot isolation, or,
    where there is none, of the dependencies."""
    walk = automaton(Family.SNAPSHOT, order)

    def events(state: int) -> list[int]:
        node, allowed = state >> 1, walk[state & 1]
        after = [target << 1 | allowed[kind] for target, kind in scene.part.edges[node] if kind in allowed]
        return [*after, node << 1 | COMMIT] if state & 1 == SNAPSHOT else after

    states = [node << 1 | state for node in scene.part.nodes for state in (COMMIT, SNAPSHOT)]
    schedule, rest = topological(states, events)
    if rest:
        kinds = automaton(Family.DEPENDENCIES, order)[COMMIT]
        nodes, _ = topological(
            scene.part.nodes, lambda node: [each for each, kind in scene.part.edges[node] if kind in kinds]
        )
        schedule = [node << 1 | COMMIT for node in nodes]
    place = {state >> 1: position for position, state in enumerate(schedule) if state & 1 == COMMIT}
    chosen: list[Pair] = []
    for group in groups:
        ordered = sorted(group, key=lambda number: place.get(number, 0))
        chosen += pairwise(ordered)
    return chosen


def _violation(scene: Scene, family: Family, order: Order, chosen: Sequence[Pair]) -> Violation | None:
    """What the family forbids if the first of each pair took effect first."""
    part = scene.part
    edges = dict(part.edges)
    for first, second in chosen:
        edges[first] = [*edges[first], (second, WW)]
    return violation(Scene(scene.inference, Part(part.nodes, edges, part.transactions, part.deadline)), family, order)


@dataclass(slots=True)
class _Search:
    scene: Scene
    family: Family
    order: Order
    trials: int = 0

    def try_(self, chosen: Sequence[Pair]) -> Violation | None:
        self.trials += 1
        if self.trials > TRIALS_MAX:
            raise Undecided(f"no order of the appends that nobody read was found in {TRIALS_MAX} trials")
        return _violation(self.scene, self.family, self.order, chosen)

    def solve(self, chosen: list[Pair], undecided: list[Pair]) -> Dilemma | list[Pair]:
        """The orders once every pair has one; else the dilemma that this choice ends in."""
        forced: list[tuple[Pair, Violation]] = []
        changed = True
        while changed:
            changed = False
            for pair in list(undecided):
                other = (pair[1], pair[0])
                one, two = self.try_([*chosen, pair]), self.try_([*chosen, other])
                if one and two:
                    return Dilemma(pair, (one, two), tuple(forced))
                if one or two:
                    allowed, why = (other, one) if one else (pair, two)
                    assert why is not None, "one of the two"
                    chosen = [*chosen, allowed]
                    forced.append((allowed, why))
                    undecided = [each for each in undecided if each != pair]
                    changed = True
        if not undecided:
            return chosen
        pair, rest = undecided[0], undecided[1:]
        first = self.solve([*chosen, pair], rest)
        if not isinstance(first, Dilemma):
            return first
        second = self.solve([*chosen, (pair[1], pair[0])], rest)
        return replace(second, complete=False) if isinstance(second, Dilemma) else second
