"""Why a few transactions satisfy a level in no order of their writes: what is forced, and what then is forbidden.

An order of two writers is forced if the other one is forbidden; what is forced may force more. In the end a cycle
remains, or a pair of which either order is forbidden; where neither is reached, a pair is tried both ways, and each way
refuted by itself. For a few transactions this decides, too.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from checkers.transactional.lattice import Family
from checkers.transactional.register.excerpt import Case, Excerpt, Pair, excerpt, forbidden

TRIALS_MAX: Final = 20_000
SHORTENED_MAX: Final = 60


class Undecided(Exception):
    """The bound was reached."""


@dataclass(frozen=True, slots=True)
class Forced:
    """The order of a pair, and what the other order would be."""

    pair: Pair
    otherwise: Case


@dataclass(frozen=True, slots=True)
class Refutation:
    """After what is ``forced``, in this order: ``cycle`` is forbidden; or else ``pair`` is forbidden one way and the
    other, as ``cases`` say."""

    forced: tuple[Forced, ...]
    cycle: Case | None
    pair: Pair | None = None
    cases: tuple[Refutation, Refutation] | None = None

    def all_cases(self) -> Iterator[Case]:
        """All of them: what is forbidden in the end, and why what is forced is forced."""
        if self.cycle is not None:
            yield self.cycle
        for case in self.cases or ():
            yield from case.all_cases()
        for each in self.forced:
            yield each.otherwise


def refute(scene: Excerpt, family: Family) -> Refutation | None:
    """Why no order of the members' writes is allowed; None if one is. Raises :class:`Undecided`."""
    return _Search(scene, family).solve([], scene.pairs())


def shortened(scene: Excerpt, family: Family) -> Excerpt:
    """As few of the members as still refute the family: without any one of them nothing does. The bound may stop it."""
    kept = scene
    for number in scene.members if len(scene.members) <= SHORTENED_MAX else ():
        fewer = excerpt(scene.history, [each for each in kept.members if each != number], scene.order)
        try:
            if refute(fewer, family) is not None:
                kept = fewer
        except Undecided:
            continue
    return kept


@dataclass(slots=True)
class _Search:
    scene: Excerpt
    family: Family
    trials: int = 0

    def try_(self, chosen: Sequence[Pair]) -> Case | None:
        self.trials += 1
        if self.trials > TRIALS_MAX:
            raise Undecided(f"no order of the writes was found in {TRIALS_MAX} trials")
        return forbidden(self.scene, self.family, chosen)

    def solve(self, chosen: list[Pair], open_: list[Pair]) -> Refutation | None:
        """None once every pair has an order."""
        cycle = self.try_(chosen)
        if cycle is not None:
            return Refutation((), cycle)
        forced: list[Forced] = []
        changed = True
        while changed:
            changed = False
            for pair in list(open_):
                other = (pair[1], pair[0])
                one, two = self.try_([*chosen, pair]), self.try_([*chosen, other])
                if one and two:
                    return self.used(forced, _ended(pair, one, two))
                if one or two:
                    allowed, why = (other, one) if one else (pair, two)
                    assert why is not None, "one of the two"
                    chosen = [*chosen, allowed]
                    forced.append(Forced(allowed, why))
                    open_ = [each for each in open_ if each != pair]
                    changed = True
        if not open_:
            return None
        pair, rest = open_[0], open_[1:]
        first = self.solve([*chosen, pair], rest)
        second = None if first is None else self.solve([*chosen, (pair[1], pair[0])], rest)
        return (
            None if first is None or second is None else self.used(forced, Refutation((), None, pair, (first, second)))
        )

    def used(self, forced: Sequence[Forced], end: Refutation) -> Refutation:
        """With only what is needed of what was forced."""
        ends = [end.cycle] if end.cycle is not None else [each for case in end.cases or () for each in case.all_cases()]
        needed = {pair for each in ends for pair in each.pairs}
        kept: list[Forced] = []
        for each in reversed([*forced, *end.forced]):
            if each.pair in needed:
                needed |= each.otherwise.pairs
                kept.append(each)
        return Refutation(tuple(reversed(kept)), end.cycle, end.pair, end.cases)


def _ended(pair: Pair, one: Case, two: Case) -> Refutation:
    """Either order is forbidden; where one is because of reads and the like alone, the other order is what happened."""
    other = (pair[1], pair[0])
    if _certain(two):
        return Refutation((Forced(pair, two),), one)
    if _certain(one):
        return Refutation((Forced(other, one),), two)
    return Refutation((), None, pair, (Refutation((), one), Refutation((), two)))


def _certain(found: Case) -> bool:
    return found.type.split("-")[0] in ("G0", "G1c")
