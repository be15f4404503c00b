"""Registers as transitions: what ``problem`` makes of one key's operations, of the keys that are left, as arrays.

A read of v expects v and leaves v, a write expects ANY, a compare-and-set [a, b] expects a and leaves b. Operations
that took effect stand in order of their completions (*ranks*), key by key; those that perhaps did, by *classes* of the
same transition. Values are numbered for each key by itself.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from checkers.linearizable.columnar.calls import CAS, WRITE, Calls
from checkers.linearizable.columnar.clusters import clusters

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Ints = NDArray[np.int64]
    Bytes = NDArray[np.uint8]
    Flags = NDArray[np.bool_]

ANY: Final = -1


EXPECTS, LEAVES, INVOKES, COMPLETES, ARRIVALS = range(5)
"""Rows of an array of operations that took effect: value expected or ANY, value left; lines of invocation and of
completion. ``ARRIVALS`` are the ranks of each key by invocation, in the same places."""

START, SIZE, COUNTED, BASE, INVOKED = range(2, 7)
"""After EXPECTS and LEAVES, rows of an array of classes of operations that perhaps took effect: where their
invocations, ascending, begin, and how many these are; whether it is counted how many are used, in bits from BASE on, or
they are taken to be inexhaustible once the first was invoked; how many were invoked by now."""


@dataclass(frozen=True, slots=True, eq=False)
class Transitions:
    """Of each of the ``keys`` (their numbers) the first of its ranks and of its classes, and after the last key's how
    many there are of all; and the value that it holds at first. ``values``: how many there are of all keys.
    ``invokes``: of the operations of all classes."""

    keys: Ints
    rank_starts: Ints
    class_starts: Ints
    initial: Ints
    values: int
    ranks: Ints
    classes: Ints
    invokes: Ints


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
    observing = ranks[EXPECTS] != ANY
    np.maximum.at(latest, ranks[EXPECTS, observing], ranks[COMPLETES, observing])
    kept = ~happened & (expects != leaves)
    class_keys, classes, optional = _classes(of_key[kept], expects[kept], leaves[kept], invokes[kept], latest)
    return Transitions(
        keys=keys,
        rank_starts=_starts(of_key[happened], len(keys)),
        class_starts=_starts(class_keys, len(keys)),
        initial=value[len(chosen) + len(swaps) :],
        values=count,
        ranks=ranks,
        classes=classes,
        invokes=optional,
    )


def _starts(of_key: Ints, keys: int) -> Ints:
    return np.concatenate((np.zeros(1, np.int64), np.cumsum(np.bincount(of_key, minlength=keys), dtype=np.int64)))


def _ranks(of_key: Ints, expects: Ints, leaves: Ints, invokes: Ints, completes: Ints) -> Ints:
    order = np.lexsort((completes, of_key))
    rank_of = np.empty(len(order), np.int64)
    rank_of[order] = np.arange(len(order))
    arrivals = rank_of[np.argsort(of_key, kind="stable")]  # they were by invocation
    return np.stack((expects[order], leaves[order], invokes[order], completes[order], arrivals))


def _classes(of_key: Ints, expects: Ints, leaves: Ints, invokes: Ints, latest: Ints) -> tuple[Ints, Ints, Ints]:
    """The key of each class, the classes, and the invocations of their operations; without operations that nobody could
    observe, directly or through others of these, as they were invoked after all those had completed (``latest``: when
    the last observer of a value did)."""
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
    sizes = np.diff(np.append(firsts, len(order)))
    zeros = np.zeros(len(firsts), np.int64)
    classes = np.stack((expects[order][firsts], leaves[order][firsts], firsts, sizes, zeros, zeros, zeros))
    return of_key[order][firsts], classes, invokes[order]
