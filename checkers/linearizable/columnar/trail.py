"""Every single operation on a way that a sweep found, in order: what is seen, what sees it, and what nobody sees.

The same as ``checkers.linearizable.sweep.trail``: operations are placed piece by piece, and a write that nobody sees
gets a place of its own earlier, in a piece that was kept for it, when it completes without having been placed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from checkers.linearizable.columnar.board import (
    BY_WRITE,
    CLASS,
    CLASS_LAST,
    LAST,
    POOL,
    WAY_BEFORE,
    WAY_BY,
    WAY_RANK,
    WAY_VALUE,
    Board,
)
from checkers.linearizable.columnar.transitions import (
    ANY,
    ARRIVALS,
    COMPLETES,
    EXPECTS,
    INVOKES,
    LEAVES,
    SIZE,
    START,
)
from harness.compiled import compiled

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Ints = NDArray[np.int64]
    Small = NDArray[np.int32]
    Flags = NDArray[np.bool_]

OVERDRAWN: Final = -2  # less the number of the class: see ``placed``
BROKEN: Final = -1
_NOBODY: Final = -1


@compiled
def placed(first: int, initial: int, way: int, board: Board, ways: Small) -> tuple[int, Ints]:
    """The invocations of the ranks of the key that was swept last, from ``first`` on, and of the optional operations
    used on the way, in the order of the linearization that the way is; and how many these are. The number is OVERDRAWN
    less a class's number if more operations of it are needed than were invoked by then: so this is no linearization.
    It is BROKEN where the way is none."""
    ranks, classes, last, first_class = board.ranks, board.classes, board.counts[LAST], board.counts[CLASS]
    changes = _changes(way, ways)
    spots = np.full(last - first, _NOBODY, np.int64)
    done = np.zeros(last - first, np.bool_)
    steps = np.empty(last - first + len(changes), np.int64)
    pieces = np.empty(last - first + len(changes), np.int64)
    open_, used = np.empty(last - first, np.int64), np.zeros(board.counts[CLASS_LAST] - first_class, np.int64)
    value, count, piece, running, arrival, change = initial, 0, 0, 0, first, len(changes) - 1
    for rank in range(first, last):
        arrived = running
        while arrival < last and ranks[INVOKES, ranks[ARRIVALS, arrival]] < ranks[COMPLETES, rank]:
            open_[running] = ranks[ARRIVALS, arrival]
            running, arrival = running + 1, arrival + 1
        count, piece = _see(open_[arrived:running], value, first, count, piece, ranks, done, spots, steps, pieces)
        open_[:running].sort()
        while change >= 0 and ways[WAY_RANK, changes[change]] == rank:
            left, by = int(ways[WAY_VALUE, changes[change]]), int(ways[WAY_BY, changes[change]])
            change -= 1
            if by == BY_WRITE:
                by = _writer(open_[:running], left, first, piece, ranks, done, spots)
                piece += 1
                if by == _NOBODY:
                    if board.values[POOL, left] == _NOBODY:
                        return BROKEN, steps
                    by = -2 - int(board.values[POOL, left])
            if by < 0:
                number = -2 - by
                at = classes[START, number] + used[number - first_class]
                if used[number - first_class] == classes[SIZE, number] or board.invokes[at] > ranks[COMPLETES, rank]:
                    return int(OVERDRAWN - number), steps
                used[number - first_class] += 1
                steps[count] = board.invokes[at]
            else:
                done[by - first] = True
                steps[count] = ranks[INVOKES, by]
            pieces[count] = piece
            count, piece, value = count + 1, piece + 1, left
            count, piece = _see(open_[:running], value, first, count, piece, ranks, done, spots, steps, pieces)
        if not done[rank - first]:
            done[rank - first] = True
            steps[count], pieces[count] = ranks[INVOKES, rank], spots[rank - first]
            count += 1
        running -= 1
        open_[:running] = open_[1 : running + 1].copy()  # the first one open is the rank
    return count, steps[:count][np.argsort(pieces[:count], kind="mergesort")]


@compiled
def _changes(way: int, ways: Small) -> Ints:
    """The changes on the way, the last one first."""
    count, here = 0, way
    while here != _NOBODY:
        count, here = count + 1, int(ways[WAY_BEFORE, here])
    found = np.empty(count, np.int64)
    here = way
    for i in range(count):
        found[i] = here
        here = int(ways[WAY_BEFORE, here])
    return found


@compiled
def _see(
    open_: Ints, value: int, first: int, count: int, piece: int, ranks: Ints, done: Flags, spots: Ints, steps: Ints,
    pieces: Ints,
) -> tuple[int, int]:  # fmt: skip
    """Those that read the present value do so; nobody would see it written once more. The next place, and piece."""
    for each in open_:
        if not done[each - first] and ranks[LEAVES, each] == value and ranks[EXPECTS, each] == value:
            done[each - first] = True
            steps[count], pieces[count] = ranks[INVOKES, each], piece
            count += 1
    piece += 1
    for each in open_:
        unseen = not done[each - first] and ranks[LEAVES, each] == value and ranks[EXPECTS, each] == ANY
        if unseen and spots[each - first] == _NOBODY:
            spots[each - first] = piece
    return count, piece + 1


@compiled
def _writer(open_: Ints, left: int, first: int, piece: int, ranks: Ints, done: Flags, spots: Ints) -> int:
    """The open write of that value that completes first; just before it nobody would see any other one."""
    found = _NOBODY
    for each in open_:
        if not done[each - first] and ranks[EXPECTS, each] == ANY:
            if spots[each - first] == _NOBODY:
                spots[each - first] = piece
            if found == _NOBODY and ranks[LEAVES, each] == left:
                found = int(each)
    return found
