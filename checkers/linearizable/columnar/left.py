"""Registers that the polynomial method leaves, for values are not distinct, or compared and set: searched by key."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

import numpy as np

from checkers.linearizable.columnar.calls import Calls
from checkers.linearizable.columnar.narrow import narrowed
from checkers.linearizable.columnar.objects import LEFT, VALID, Blame, Objects
from checkers.linearizable.columnar.search import Search
from checkers.linearizable.columnar.transitions import transitions
from checkers.linearizable.limit import Limit

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Ints = NDArray[np.int64]
    Flags = NDArray[np.bool_]

_CONFIGURATIONS: Final = 5_000_000  # of one key, and for each of its operations:
_CONFIGURATIONS_EACH: Final = 100
_NARROW_S: Final = 1.0  # for all keys together, to tell of fewer operations: to tell of all takes as long


def searched(calls: Calls, objects: Objects, left: Flags, initial: tuple[int, int], limit: Limit) -> Objects:
    """The objects, one per key, with those decided that were ``left``, and are not foreign, as far as can be."""
    keys = np.flatnonzero(left)
    search = Search(transitions(calls, keys, initial), limit)
    verdicts = objects.verdicts.copy()
    orders: dict[int, Ints] = {}
    refuted: dict[int, Ints] = {}
    sizes = np.diff(search.transitions.rank_starts)
    for done, number in enumerate(np.argsort(sizes, kind="stable").tolist()):
        key = int(keys[number])
        search.limit = limit.share(len(keys) - done)
        most = _CONFIGURATIONS + _CONFIGURATIONS_EACH * int(sizes[number])
        verdicts[key], operations = search.decide(number, most)
        (orders if verdicts[key] == VALID else refuted)[key] = operations
    lengths = np.diff(objects.starts)
    lengths[list(orders)] = [len(order) for order in orders.values()]
    narrow = limit.at_most(seconds=_NARROW_S)
    return replace(
        objects,
        verdicts=verdicts,
        orders=np.concatenate([orders[i] if i in orders else objects.order(i) for i in range(len(objects))]),
        starts=np.concatenate((np.zeros(1, np.int64), np.cumsum(lengths))),
        blame=lambda i: _blame(calls, i, refuted[i], initial, narrow) if i in refuted else objects.blame(i),
        left=calls.lines[(verdicts == LEFT)[calls.line_keys]],
        searched=left & (verdicts != LEFT),
        configurations=search.configurations,
    )


def _blame(calls: Calls, key: int, refuted: Ints, initial: tuple[int, int], limit: Limit) -> Blame:
    """What took effect up to the completion that no order explains, or the part of it that is to blame."""
    chosen, involved = narrowed(calls, key, refuted, initial, limit)
    return Blame(tuple(sorted(chosen.tolist())), tuple(involved.tolist()), len(refuted) - 1, len(chosen) < len(refuted))
