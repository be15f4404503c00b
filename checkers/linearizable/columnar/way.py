"""How the configurations of a sweep were reached: changes of the value, each after another one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from checkers.linearizable.columnar.board import (
    BY,
    FLOOR,
    LEVEL,
    NOBODY,
    PARENT,
    RESULTS,
    UNCHANGED,
    VALUE,
    WAY,
    WAY_BEFORE,
    WAY_BY,
    WAY_RANK,
    WAY_VALUE,
    WAYS,
    A,
    B,
    Board,
    C,
)
from harness.compiled import allocation_free

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Small = NDArray[np.int32]


@allocation_free
def changes(board: Board) -> int:
    """How many changes lead to the configurations that were reached; -1 if there are none of these."""
    counts, nodes, results = board.counts, board.nodes, board.results
    found, alive = 0, False
    for at in range(counts[RESULTS]):
        if results[FLOOR, at]:
            continue
        alive = True
        if results[BY, at] != UNCHANGED:
            found += 1
            here = results[PARENT, at]
            while nodes[PARENT, here] != NOBODY:
                found += 1
                here = nodes[PARENT, here]
    return found if alive else -1


@allocation_free
def keep(rank: int, board: Board, ways: Small) -> None:
    """What was reached is where the next rank begins."""
    counts, results, level = board.counts, board.results, board.level
    kept = 0
    for at in range(counts[RESULTS]):
        if results[FLOOR, at]:
            continue
        way = results[WAY, at]
        if results[BY, at] != UNCHANGED:
            way = _record(rank, results[VALUE, at], results[BY, at], results[PARENT, at], board, ways)
        level[VALUE, kept], level[WAY, kept] = results[VALUE, at], way
        level[A, kept], level[B, kept], level[C, kept] = results[A, at], results[B, at], results[C, at]
        kept += 1
    counts[LEVEL] = kept


@allocation_free
def _record(rank: int, value: int, by: int, parent: int, board: Board, ways: Small) -> int:
    """The last change of a chain, after those before it; they are written from the last to the first."""
    nodes, depth, here = board.nodes, 1, parent
    while nodes[PARENT, here] != NOBODY:
        depth, here = depth + 1, nodes[PARENT, here]
    origin, last = nodes[WAY, here], board.counts[WAYS] + depth - 1
    board.counts[WAYS] += depth
    at, here = last, parent
    for place in range(depth):
        ways[WAY_RANK, at], ways[WAY_VALUE, at], ways[WAY_BY, at] = rank, value, by
        ways[WAY_BEFORE, at] = origin if place == depth - 1 else at - 1
        value, by, at = nodes[VALUE, here], nodes[BY, here], at - 1
        here = nodes[PARENT, here] if nodes[PARENT, here] != NOBODY else here
    return int(last)


@allocation_free
def collect(board: Board, ways: Small, marks: Small) -> None:
    """Forget the changes that lead to no configuration of now. ``marks`` has room for one number per change."""
    counts, level = board.counts, board.level
    for at in range(counts[WAYS]):
        marks[at] = NOBODY
    for i in range(counts[LEVEL]):
        here = level[WAY, i]
        while here != NOBODY and marks[here] == NOBODY:
            marks[here] = 0
            here = ways[WAY_BEFORE, here]
    kept = 0
    for at in range(counts[WAYS]):
        if marks[at] == NOBODY:
            continue
        parent = ways[WAY_BEFORE, at]
        ways[WAY_BEFORE, kept] = marks[parent] if parent != NOBODY else NOBODY
        ways[WAY_RANK, kept], ways[WAY_VALUE, kept], ways[WAY_BY, kept] = (
            ways[WAY_RANK, at],
            ways[WAY_VALUE, at],
            ways[WAY_BY, at],
        )
        marks[at] = kept
        kept += 1
    for i in range(counts[LEVEL]):
        if level[WAY, i] != NOBODY:
            level[WAY, i] = marks[level[WAY, i]]
    counts[WAYS] = kept
