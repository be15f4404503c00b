"""The configurations that a sweep has met before one completion; none that is no better than another one is kept."""

from __future__ import annotations

from typing import Final

from checkers.linearizable.columnar.board import (
    BY,
    COMPARED,
    FLOOR,
    HEADS,
    NEXT,
    NOBODY,
    NODE_HEAD,
    NODE_STAMP,
    NODE_TIME,
    NODES,
    PARENT,
    RESULT_HEAD,
    RESULT_STAMP,
    RESULT_TIME,
    RESULTS,
    SWAPS,
    VALUE,
    WAY,
    A,
    B,
    Board,
    C,
)
from harness.compiled import allocation_free

_MIX: Final = 0x1E3779B97F4A7C15
_MIX_MORE: Final = 0x2545F4914F6CDD1D
_COMPARED: Final = 1 << 25  # at one completion: a second at the very most


@allocation_free
def _slot(value: int, swapped: int, floor: int) -> int:
    mixed = (value * 3 + floor) * _MIX ^ swapped * _MIX_MORE
    return (mixed ^ (mixed >> 31)) & (HEADS - 1)


@allocation_free
def push(
    value: int, a: int, b: int, c: int, floor: int, must: bool, parent: int, way: int, by: int, board: Board
) -> bool:
    """A place in a chain, unless one at least as good was met before the same completion, wherever that chain began;
    False if there are too many."""
    counts, nodes = board.counts, board.nodes
    swaps, tag = counts[SWAPS], floor * 2 + must
    slot = _slot(value, a & swaps, tag)
    if board.heads[NODE_TIME, slot] != counts[NODE_STAMP]:
        board.heads[NODE_TIME, slot], board.heads[NODE_HEAD, slot] = counts[NODE_STAMP], NOBODY
    other = board.heads[NODE_HEAD, slot]
    while other != NOBODY:
        if (
            nodes[VALUE, other] == value
            and nodes[FLOOR, other] == tag
            and (nodes[A, other] ^ a) & swaps == 0
            and nodes[A, other] & ~a == 0
            and nodes[B, other] & ~b == 0
            and nodes[C, other] & ~c == 0
        ):
            return True
        other = nodes[NEXT, other]
        counts[COMPARED] += 1
    at = counts[NODES]
    if at == nodes.shape[1] or counts[COMPARED] > _COMPARED:
        return False
    nodes[VALUE, at], nodes[A, at], nodes[B, at], nodes[C, at], nodes[FLOOR, at] = value, a, b, c, tag
    nodes[PARENT, at], nodes[BY, at], nodes[WAY, at] = parent, by, way
    nodes[NEXT, at], board.heads[NODE_HEAD, slot] = board.heads[NODE_HEAD, slot], at
    counts[NODES] += 1
    return True


@allocation_free
def reach(value: int, a: int, b: int, c: int, parent: int, way: int, by: int, board: Board) -> bool:
    """A configuration after the rank, unless one at least as good was reached; those that are no better are forgotten
    (their ``floors`` say so). False if there are too many."""
    counts, results = board.counts, board.results
    swaps = counts[SWAPS]
    slot = _slot(value, a & swaps, 0)
    if board.heads[RESULT_TIME, slot] != counts[RESULT_STAMP]:
        board.heads[RESULT_TIME, slot], board.heads[RESULT_HEAD, slot] = counts[RESULT_STAMP], NOBODY
    other = board.heads[RESULT_HEAD, slot]
    while other != NOBODY:
        if results[VALUE, other] == value and (results[A, other] ^ a) & swaps == 0 and results[FLOOR, other] == 0:
            if results[A, other] & ~a == 0 and results[B, other] & ~b == 0 and results[C, other] & ~c == 0:
                return True
            if a & ~results[A, other] == 0 and b & ~results[B, other] == 0 and c & ~results[C, other] == 0:
                results[FLOOR, other] = 1
        other = results[NEXT, other]
        counts[COMPARED] += 1
    at = counts[RESULTS]
    if at == results.shape[1] or counts[COMPARED] > _COMPARED:
        return False
    results[VALUE, at], results[A, at], results[B, at], results[C, at], results[FLOOR, at] = value, a, b, c, 0
    results[PARENT, at], results[BY, at], results[WAY, at] = parent, by, way
    results[NEXT, at], board.heads[RESULT_HEAD, slot] = board.heads[RESULT_HEAD, slot], at
    counts[RESULTS] += 1
    return True
