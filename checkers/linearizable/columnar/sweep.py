"""The register's sweep (``checkers.linearizable.sweep``, which says why), compiled, for keys of a large history.

Completion by completion, all configurations that matter: the value, and three words of bits. ``a``: of what is open,
each in a slot of its own, the reads that have not seen their value, the writes that were used, the compare-and-sets
that took effect. ``b``: the writes that have found no place where nobody sees them. ``c``: operations that perhaps took
effect and were used, in unary. Of two configurations with the same value and the same compare-and-sets, one whose bits
are all among the other's makes that one superfluous.

What does not fit (SLOTS operations open at once, so many configurations at one completion) is given up: the ordinary
search decides it. How a configuration was reached is kept as *ways*: changes of the value, each after another one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from checkers.linearizable.columnar.board import (
    ARRIVED,
    BIT,
    CLASS,
    CLASS_LAST,
    COMPARED,
    FREE,
    LAST,
    LEVEL,
    NEW_READS,
    NEW_WRITES,
    NO_FLOOR,
    NOBODY,
    NODE_STAMP,
    NODES,
    OPEN,
    POOL,
    RANK,
    READS,
    RESULT_STAMP,
    RESULTS,
    SLOTS,
    SWAPS,
    UNCHANGED,
    VALUE,
    VISITED,
    WAY,
    WAYS,
    WHO,
    WRITES,
    A,
    B,
    Board,
    C,
)
from checkers.linearizable.columnar.chain import chains, lead, visits
from checkers.linearizable.columnar.chain_memory import push, reach
from checkers.linearizable.columnar.transitions import (
    ANY,
    ARRIVALS,
    COMPLETES,
    EXPECTS,
    INVOKED,
    INVOKES,
    LEAVES,
    SIZE,
    START,
)
from checkers.linearizable.columnar.way import changes, keep
from harness.compiled import allocation_free

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Small = NDArray[np.int32]

FOUND, REFUTED, MORE, FULL, GIVEN_UP = range(5)
"""How it ended: at the end of the ranks; at a completion that no configuration survives; at as many configurations as
were allowed; where there is no room for ways; or that it cannot go on."""
_COMPARED_PER_VISIT: Final = 32  # what that costs counts as a configuration


@allocation_free
def begin(initial: int, first: int, last: int, class_first: int, class_last: int, board: Board) -> None:
    """Before the first rank of a key, whose ranks and classes these are."""
    counts, level = board.counts, board.level
    counts[RANK] = counts[ARRIVED] = first
    counts[LAST], counts[CLASS], counts[CLASS_LAST] = last, class_first, class_last
    for each in range(OPEN, NODES):
        counts[each] = 0
    counts[LEVEL], counts[FREE] = 1, (1 << SLOTS) - 1
    level[VALUE, 0], level[WAY, 0] = initial, NOBODY
    level[A, 0] = level[B, 0] = level[C, 0] = 0
    for each in range(board.counts[CLASS], board.counts[CLASS_LAST]):
        board.classes[INVOKED, each] = 0
        if board.classes[EXPECTS, each] == ANY:
            board.values[POOL, board.classes[LEAVES, each]] = each


@allocation_free
def end(board: Board) -> None:
    """After a key: nothing is open any more."""
    for at in range(board.counts[OPEN]):
        value = board.ranks[LEAVES, board.open[WHO, at]]
        board.values[READS, value] = board.values[WRITES, value] = 0
    for each in range(board.counts[CLASS], board.counts[CLASS_LAST]):
        board.values[POOL, board.classes[LEAVES, each]] = NOBODY


@allocation_free
def go(board: Board, ways: Small, stop: int) -> int:
    """Visit configurations of the key that was begun until about ``stop`` were visited; how it ended. After MORE it may
    be called again, after FULL with more room for ways."""
    counts, level = board.counts, board.level
    while counts[RANK] < counts[LAST]:
        rank = counts[RANK]
        if counts[VISITED] >= stop:
            return MORE
        if not _arrive(rank, board):
            return GIVEN_UP
        _invoke(board.ranks[COMPLETES, rank], board)
        counts[NODES] = counts[RESULTS] = counts[COMPARED] = 0
        counts[NODE_STAMP] += 1
        counts[RESULT_STAMP] += 1
        counts[VISITED] += counts[LEVEL]
        for i in range(counts[LEVEL]):
            value = level[VALUE, i]
            a = level[A, i] | (counts[NEW_READS] & ~board.values[READS, value])
            b = level[B, i] | (counts[NEW_WRITES] & ~board.values[WRITES, value])
            if not _through(rank, value, a, b, level[C, i], level[WAY, i], board):
                return GIVEN_UP
        counts[VISITED] += counts[NODES] + counts[COMPARED] // _COMPARED_PER_VISIT
        room = changes(board)
        if room < 0:
            return REFUTED
        if counts[WAYS] + room > ways.shape[1]:
            return FULL
        keep(rank, board, ways)
        _leave(rank, board)
        counts[RANK] += 1
    return FOUND


@allocation_free
def _arrive(rank: int, board: Board) -> bool:
    """What was invoked before the rank completed is open; False if there is no slot for it."""
    counts = board.counts
    while counts[ARRIVED] < counts[LAST]:
        each = board.ranks[ARRIVALS, counts[ARRIVED]]
        if board.ranks[INVOKES, each] > board.ranks[COMPLETES, rank]:
            break
        if counts[FREE] == 0:
            return False
        bit = counts[FREE] & -counts[FREE]
        counts[FREE] ^= bit
        counts[ARRIVED] += 1
        at = counts[OPEN]
        while at > 0 and board.open[WHO, at - 1] > each:
            board.open[WHO, at], board.open[BIT, at] = board.open[WHO, at - 1], board.open[BIT, at - 1]
            at -= 1
        board.open[WHO, at], board.open[BIT, at] = each, bit
        counts[OPEN] += 1
        expected, left = board.ranks[EXPECTS, each], board.ranks[LEAVES, each]
        if expected == ANY:
            board.values[WRITES, left] |= bit
            counts[NEW_WRITES] |= bit
        elif expected == left:
            board.values[READS, left] |= bit
            counts[NEW_READS] |= bit
        else:
            counts[SWAPS] |= bit
    return True


@allocation_free
def _invoke(moment: int, board: Board) -> None:
    for each in range(board.counts[CLASS], board.counts[CLASS_LAST]):
        invoked, start = board.classes[INVOKED, each], board.classes[START, each]
        while invoked < board.classes[SIZE, each] and board.invokes[start + invoked] < moment:
            invoked += 1
        board.classes[INVOKED, each] = invoked


@allocation_free
def _leave(rank: int, board: Board) -> None:
    """The rank, the first of those open, has completed."""
    counts, bit = board.counts, board.open[BIT, 0]
    for at in range(1, counts[OPEN]):
        board.open[WHO, at - 1], board.open[BIT, at - 1] = board.open[WHO, at], board.open[BIT, at]
    counts[OPEN] -= 1
    counts[FREE] |= bit
    counts[SWAPS] &= ~bit
    board.values[READS, board.ranks[LEAVES, rank]] &= ~bit
    board.values[WRITES, board.ranks[LEAVES, rank]] &= ~bit
    counts[NEW_READS] = counts[NEW_WRITES] = 0


@allocation_free
def _through(rank: int, value: int, a: int, b: int, c: int, way: int, board: Board) -> bool:
    """The configurations after the rank completed; False if they are too many."""
    bit, expected, left = board.open[BIT, 0], board.ranks[EXPECTS, rank], board.ranks[LEAVES, rank]
    if expected == ANY:
        if a & bit or (value != left and not b & bit):
            if not reach(value, a & ~bit, b, c, NOBODY, way, UNCHANGED, board):
                return False
            if a & bit:
                return True
    elif expected == left:
        if not a & bit:
            return reach(value, a, b, c, NOBODY, way, UNCHANGED, board)
    elif a & bit:
        return reach(value, a & ~bit, b, c, NOBODY, way, UNCHANGED, board)
    start = board.counts[NODES]
    if not push(value, a, b, c, NO_FLOOR, False, NOBODY, way, UNCHANGED, board):
        return False
    if start == board.counts[NODES]:  # a chain has come by here already, at no higher cost
        return True
    if lead(a, board):
        return chains(rank, start, board)
    return visits(rank, start, board)
