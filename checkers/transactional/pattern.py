"""Which walks along the edges a family of models forbids, as an automaton of two states.

The state is how the walk arrived at a transaction: in ``SNAPSHOT`` (1) it may leave by an antidependency (rw), in
``COMMIT`` (0) it may not. For snapshot isolation these are the two events of a transaction: what it depends on had
committed before its snapshot; what its snapshot misses commits later (Cerone and Gotsman 2016). Prefix consistency
differs in one edge: a write needs only to commit after the version before it, and may not have seen it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from checkers.transactional.graph import NEXT, PROCESS, REALTIME, RW, WR, WW
from checkers.transactional.lattice import Family, Order

COMMIT, SNAPSHOT = 0, 1
Automaton = tuple[Mapping[int, int], Mapping[int, int]]
"""For each of the two states: kind of edge -> state in which it arrives; other kinds are not walked."""

ORDER_KINDS: Final[Mapping[Order, tuple[int, ...]]] = {
    Order.NONE: (),
    Order.SESSION: (PROCESS,),
    Order.REALTIME: (PROCESS, REALTIME),
}


def _same(*kinds: int) -> Automaton:
    edges = dict.fromkeys(kinds, COMMIT)
    return edges, edges


_WALKS: Final[Mapping[Family, Automaton]] = {
    Family.WRITES: _same(WW),
    Family.DEPENDENCIES: _same(WW, WR),
    Family.PREFIX: ({WW: COMMIT, WR: SNAPSHOT, NEXT: COMMIT}, {WW: COMMIT, WR: SNAPSHOT, RW: COMMIT}),
    Family.SNAPSHOT: ({WW: SNAPSHOT, WR: SNAPSHOT, NEXT: COMMIT}, {WW: SNAPSHOT, WR: SNAPSHOT, RW: COMMIT}),
    Family.ANY: _same(WW, WR, RW, NEXT),
}
SINGLE: Final[Mapping[Family, tuple[int, ...]]] = {Family.ONE_RW: (WW, WR), Family.CAUSAL: (WR,)}
"""Beside their dependencies these families forbid one rw with any number of these kinds."""


def automaton(family: Family, order: Order) -> Automaton:
    """The walks whose cycles the family forbids; for most of the families not in ``_WALKS`` those of dependencies."""
    first, second = _WALKS.get(family, _WALKS[Family.DEPENDENCIES])
    arrival = SNAPSHOT if family in (Family.PREFIX, Family.SNAPSHOT) else COMMIT
    order_edges = dict.fromkeys(ORDER_KINDS[order], arrival)
    return {**first, **order_edges}, {**second, **order_edges}


def accepts(walk: Automaton, kinds: Sequence[int]) -> bool:
    """Whether a cycle with edges of these kinds, in this order, is such a walk."""
    return any(_returns(walk, kinds, start) for start in (COMMIT, SNAPSHOT))


def _returns(walk: Automaton, kinds: Sequence[int], start: int) -> bool:
    state = start
    for kind in kinds:
        following = walk[state].get(kind)
        if following is None:
            return False
        state = following
    return state == start


def forbids(family: Family, order: Order, kinds: Sequence[int]) -> bool:
    """Whether a cycle with edges of these kinds, whatever its transactions, is forbidden. (Some families forbid more
    than kinds can tell: that a read misses part of what it depends on.)"""
    if accepts(automaton(family, order), kinds):
        return True
    beside = SINGLE.get(Family.ONE_RW if family is Family.UPDATE else family)
    if beside is None or kinds.count(RW) != 1:
        return False
    return set(kinds) - {RW} <= {*beside, *ORDER_KINDS[order]}


def name(kinds: Sequence[int]) -> str:
    """The anomaly's name (Adya 1999; Elle): G0, G1c, G-single, G-nonadjacent or G2-item, -process or -realtime."""
    suffix = "-realtime" if REALTIME in kinds else "-process" if PROCESS in kinds else ""
    antidependencies = kinds.count(RW)
    if not antidependencies:
        return ("G1c" if WR in kinds else "G0") + suffix
    if antidependencies == 1:
        return "G-single" + suffix
    adjacent = any(kinds[i] == kinds[i - 1] == RW for i in range(len(kinds)))
    return ("G2-item" if adjacent else "G-nonadjacent") + suffix
