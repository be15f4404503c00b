"""A few transactions decided exactly, by themselves: an order of their moments, or none; and how few of them refute."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from heapq import heapify, heappop, heappush
from itertools import pairwise
from math import inf
from time import monotonic
from typing import Final, Literal

from checkers.guard import OutOfTimeError
from checkers.transactional.lattice import Family, Order
from checkers.transactional.register.polygraph.facts import Facts
from checkers.transactional.register.polygraph.polygraph import Contradiction, polygraph
from checkers.transactional.register.polygraph.residue import Residue, residue, solved
from checkers.transactional.register.polygraph.sat import SatSolver, installed
from checkers.transactional.register.polygraph.smt import SmtSolver, numbered

SolverName = Literal["sat", "z3", "z3-lazy", "z3-propagator"]
SOLVERS: Final[tuple[SolverName, ...]] = ("sat", "z3", "z3-lazy", "z3-propagator")
MEMBERS_MAX: Final = 40_000
"""The sets of what leads to each moment, and to which it leads, are then up to 1.6 GB."""
SHORTENING_SHARE: Final = 0.2
SHORTENING_S_MAX: Final = 10.0
"""How much of the time that is left may go into leaving transactions out of a refutation."""


@dataclass(slots=True)
class Question:
    """What is decided, and how. ``groups[t]``: those of the order. ``pairs``: how many a solver was asked for."""

    facts: Facts
    family: Family
    order: Order
    groups: Sequence[int]
    solver: SolverName = "sat"
    deadline: float | None = None
    pairs: int = 0
    windows: int = 0


@dataclass(frozen=True, slots=True)
class Explained:
    """The moments of the members in an order that contradicts nothing: (transaction, whether it is a commit)."""

    moments: tuple[tuple[int, bool], ...]

    def version_pairs(self, facts: Facts) -> list[tuple[int, int]]:
        """(earlier, next) writers of a register among the members."""
        by_register: dict[int, list[int]] = {}
        for number, commit in self.moments:
            if commit:
                for version in facts.writes[number]:
                    by_register.setdefault(facts.registers[version], []).append(number)
        return list(dict.fromkeys(pair for listed in by_register.values() for pair in pairwise(listed)))


def explain(question: Question, members: Sequence[int], position: Sequence[int]) -> Explained | None:
    """An order of the members, None if there is none. ``position[t]``: where the guess has the transaction's commit.

    Raises :class:`checkers.guard.OutOfTimeError`, and :class:`MemoryError` where there are too many.
    """
    listed = tuple(sorted(members))
    if len(listed) > MEMBERS_MAX:
        raise MemoryError(f"the order of the writes of {len(listed)} transactions at once takes too much memory")
    graph = polygraph(question.facts, question.family, question.order, listed, question.groups, question.deadline)
    question.windows += 1
    try:
        open_ = residue(graph)
    except Contradiction:
        return None
    question.pairs += len(open_.pairs)
    first = [position[listed[one]] < position[listed[other]] for one, other in open_.pairs]
    values = chosen_values(question, open_, first)
    return None if values is None else Explained(_moments(open_, values, position))


def chosen_values(question: Question, open_: Residue, first: Sequence[bool]) -> list[bool] | None:
    """An order of each open pair, by the solver that is asked for; None if there is none. ``first`` is tried first."""
    if question.solver == "z3":
        return numbered(open_, first) if open_.pairs else []
    if question.solver == "z3-propagator":
        from checkers.transactional.register.polygraph.propagator import propagated

        return propagated(open_, first) if open_.pairs else []
    return solved(open_, SatSolver if question.solver == "sat" and installed() else SmtSolver, first)


def _moments(open_: Residue, values: Sequence[bool], position: Sequence[int]) -> tuple[tuple[int, bool], ...]:
    graph = open_.graph
    before = [list(sources) for sources in graph.before]
    for _, side in open_.chosen(values):
        for source, target in side.edges:
            before[target].append(source)
    after: list[list[int]] = [[] for _ in before]
    for node, sources in enumerate(before):
        for source in sources:
            after[source].append(node)
    waiting = [len(sources) for sources in before]
    size, shift = graph.size, graph.shift
    heap = [(position[graph.members[node % size]], node) for node, count in enumerate(waiting) if not count]
    heapify(heap)
    order: list[tuple[int, bool]] = []
    while heap:
        _, node = heappop(heap)
        number = graph.members[node % size]
        order.append((number, not shift or node >= size))
        for target in after[node]:
            waiting[target] -= 1
            if not waiting[target]:
                heappush(heap, (position[graph.members[target % size]], target))
    assert len(order) == len(before), "the chosen orders close no cycle"
    return tuple(order)


def shortened(question: Question, members: Sequence[int], position: Sequence[int]) -> tuple[int, ...]:
    """As few of the members as have no order by themselves: leaving out any one of them, the rest has one. (Time may
    stop it early.) The members must have none."""
    now = monotonic()
    left = inf if question.deadline is None else max(0.0, question.deadline - now)
    until = now + min(SHORTENING_S_MAX, left * SHORTENING_SHARE)
    asked = replace(question, deadline=until)
    kept = sorted(members)
    try:
        if contradictory(asked, kept):
            kept = _fewer(kept, lambda fewer: contradictory(asked, fewer))
        return tuple(_fewer(kept, lambda fewer: explain(asked, fewer, position) is None))
    except OutOfTimeError:
        return tuple(kept)


def contradictory(question: Question, members: Sequence[int]) -> bool:
    """Whether known order alone refutes the members: no solver is asked, and so this is fast."""
    listed = tuple(members)
    try:
        graph = polygraph(question.facts, question.family, question.order, listed, question.groups, question.deadline)
        graph.saturate()
    except Contradiction:
        return True
    return False


def _fewer(kept: list[int], still: Callable[[list[int]], bool]) -> list[int]:
    """Half of them left out, then quarters and so on, wherever the rest is ``still`` enough."""
    size = max(1, len(kept) // 2)
    while True:
        removed = False
        for start in range(len(kept) - size, -size, -size):
            fewer = kept[: max(0, start)] + kept[max(0, start + size) :]
            if len(fewer) < len(kept) and still(fewer):
                kept, removed = fewer, True
        if size == 1 and not removed:
            return kept
        size = max(1, size // 2)
