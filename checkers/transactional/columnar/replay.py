"""A serial order executed once more, compiled: as :func:`checkers.transactional.certificate.refute_serial` does it.

It shares the reading of the history with those who decide, and nothing that they inferred.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from harness.columns import APPEND
from harness.compiled import allocation_free, compiled
from harness.history import FAIL, OK

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Bytes = NDArray[np.uint8]
    Ints = NDArray[np.int64]
    Shorts = NDArray[np.int32]

HOLDS, NOT_ONCE, NOT_COMMITTED, ANOTHER_LIST, TOO_LATE = range(5)
WORDS = (
    "",
    "is there twice, or is none of the history's",
    "is ok and not in the order, or failed and in it",
    "read another list than the one that was there",
    "had completed before one that is executed before it began",
)


class Script(NamedTuple):
    """What transactions did (``firsts`` to ``lengths``, as harness.columns.Micros has it), how they ended, and when.
    A read of key k returned the first elements of ``shown[shown_firsts[k]:]``. ``groups``: what the form orders by
    completion, -1 for nothing."""

    firsts: Ints
    acts: Bytes
    keys: Shorts
    numbers: Ints
    lengths: Shorts
    shown_firsts: Ints
    shown: Ints
    outcomes: Bytes
    invokes: Ints
    completes: Ints
    groups: Shorts


@allocation_free
def execute(script: Script, number: int, sizes: Shorts) -> bool:
    """Whether one transaction read what is there. ``sizes``: how long each list is."""
    for micro in range(script.firsts[number], script.firsts[number + 1]):
        key = script.keys[micro]
        if script.acts[micro] == APPEND:
            place = script.shown_firsts[key] + sizes[key]
            if place < script.shown_firsts[key + 1] and script.shown[place] != script.numbers[micro]:
                return False  # the longest read will be of another list
            sizes[key] += 1
        elif script.outcomes[number] == OK and script.lengths[micro] != sizes[key]:
            return False
    return True


@compiled
def refuted(script: Script, order: Shorts, keys: int, groups: int) -> tuple[int, int]:
    """Why executing the transactions one after the other in that order does not explain the history, and the
    transaction at which it does not; HOLDS if it does."""
    count = len(script.outcomes)
    executed, sizes = np.zeros(count, np.uint8), np.zeros(keys, np.int32)
    latest = np.full(groups + 1, -1, np.int64)
    for number in order:
        if not 0 <= number < count or executed[number]:
            return NOT_ONCE, number
        executed[number] = 1
        if not execute(script, number, sizes):
            return ANOTHER_LIST, number
        group = script.groups[number]
        if group >= 0:
            if 0 <= script.completes[number] < latest[group]:
                return TOO_LATE, number
            latest[group] = max(latest[group], script.invokes[number])
    for number in range(count):
        if script.outcomes[number] == (FAIL if executed[number] else OK):
            return NOT_COMMITTED, number
    return HOLDS, -1
