"""Registers as transitions: what ``problem`` makes of one key's operations, of the keys that are left, as arrays.

A read of v expects v and leaves v, a write expects ANY, a compare-and-set [a, b] expects a and leaves b. Operations that
took effect stand in order of their completions (*ranks*), key by key; those that perhaps did, by *classes* of the same
transition. Values are numbered for each key by itself.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

from checkers.linearizable.columnar.calls import CAS, WRITE, Calls
from checkers.linearizable.columnar.clusters import clusters

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Ints = NDArray[np.int64]
    Bytes = NDArray[np.uint8]
    Flags = NDArray[np.bool_]

ANY: Final = -1


class Ranks(NamedTuple):
    """Operations that took effect: value expected or ANY, value left; lines of invocation and completion. ``arrivals``
    are the ranks of each key by invocation, in the same places."""

    expects: Ints
    leaves: Ints
    invokes: Ints
    completes: Ints
    arrivals: Ints


class Classes(NamedTuple):
    """Operations that perhaps took effect, of each key by itself. Those of class i were invoked at ``invokes`` from
    ``starts[i]`` up to ``starts[i + 1]``, ascending. How many are used is ``counted`` in bits from ``bases`` on, or not
    at all: they are taken to be inexhaustible once the first was invoked."""

    expects: Ints
    leaves: Ints
    starts: Ints
    invokes: Ints
    counted: Bytes
    bases: Ints


@dataclass(frozen=True, slots=True, eq=False)
class Transitions:
    """Of each of the ``keys`` (their numbers) the first of its ranks and of its classes, and after the last key's how
    many there are of all; and the value that it holds at first. ``values``: how many there are of all keys."""

    keys: Ints
    rank_starts: Ints
    class_starts: Ints
    initial: Ints
    values: int
    ranks: Ranks
    classes: Classes


def transitions(calls: Calls, keys: Ints, initial: tuple[int, int]) -> Transitions:
    """The transitions of these keys (ascending), none of which is foreign."""
    numbers = np.full(len(calls.key_codes), -1, np.int64)
    numbers[keys] = np.arange(len(keys))
    chosen = np.flatnonzero(numbers[calls.keys] >= 0)
    of_key, acts = numbers[calls.keys[chosen]], calls.acts[chosen]
    swaps = chosen[acts == CAS]
    value, count = clusters(
        np.concatenate((of_key, numbers[calls.keys[swaps]], np.arange(len(keys)))),
        np.concatenate((calls.kinds[chosen], calls.old_kinds[swaps], np.full(len(keys), initial[0], np.uint8))),
        np.concatenate((calls.numbers[chosen], calls.old_numbers[swaps], np.full(len(keys), initial[1], np.int64))),
    )
    leaves = value[: len(chosen)]
    expects = np.where(acts == WRITE, ANY, leaves)
    expects[acts == CAS] = value[len(chosen) : len(chosen) + len(swaps)]
    happened = calls.happened[chosen]
    invokes, completes = calls.invokes[chosen], calls.completes[chosen]
    ranks = _ranks(of_key[happened], expects[happened], leaves[happened], invokes[happened], completes[happened])
    latest = np.full(count, -1, np.int64)
    observing = ranks.expects != ANY
    np.maximum.at(latest, ranks.expects[observing], ranks.completes[observing])
    kept = ~happened & (expects != leaves)
    class_keys, classes = _classes(of_key[kept], expects[kept], leaves[kept], invokes[kept], latest)
    return Transitions(
        keys=keys,
        rank_starts=_starts(of_key[happened], len(keys)),
        class_starts=_starts(class_keys, len(keys)),
        initial=value[len(chosen) + len(swaps) :],
        values=count,
        ranks=ranks,
        classes=classes,
    )


def _starts(of_key: Ints, keys: int) -> Ints:
    return np.concatenate((np.zeros(1, np.int64), np.cumsum(np.bincount(of_key, minlength=keys), dtype=np.int64)))


def _ranks(of_key: Ints, expects: Ints, leaves: Ints, invokes: Ints, completes: Ints) -> Ranks:
    order = np.lexsort((completes, of_key))
    rank_of = np.empty(len(order), np.int64)
    rank_of[order] = np.arange(len(order))
    arrivals = rank_of[np.argsort(of_key, kind="stable")]  # they were by invocation
    return Ranks(expects[order], leaves[order], invokes[order], completes[order], arrivals)


def _classes(of_key: Ints, expects: Ints, leaves: Ints, invokes: Ints, latest: Ints) -> tuple[Ints, Classes]:
    """The key of each class, and the classes; without operations that nobody could observe, directly or through others
    of these, as they were invoked after all those had completed (``latest``: when the last observer of a value did)."""
    swaps = expects != ANY
    while True:
        before = latest.copy()
        np.maximum.at(latest, expects[swaps], before[leaves[swaps]])
        if (latest == before).all():
            break
    useful = np.flatnonzero(invokes < latest[leaves])
    order = useful[np.lexsort((invokes[useful], leaves[useful], expects[useful], of_key[useful]))]
    new = np.ones(len(order), np.bool_)
    new[1:] = (np.diff(of_key[order]) != 0) | (np.diff(expects[order]) != 0) | (np.diff(leaves[order]) != 0)
    firsts = np.flatnonzero(new)
    classes = Classes(
        expects=expects[order][firsts],
        leaves=leaves[order][firsts],
        starts=np.append(firsts, len(order)),
        invokes=invokes[order],
        counted=np.zeros(len(firsts), np.uint8),
        bases=np.zeros(len(firsts), np.int64),
    )
    return of_key[order][firsts], classes
