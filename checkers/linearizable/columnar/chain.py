"""Chains of changes, up to the first with which an operation can complete: writes, compare-and-sets, optional ones.

Which of them are tried, and why no others need be, is told in ``checkers.linearizable.sweep``.
"""

from __future__ import annotations

from checkers.linearizable.columnar.board import (
    AWAITED,
    BIT,
    BY_WRITE,
    CLASS,
    CLASS_LAST,
    FLOOR,
    LEAD_STAMP,
    LEADING,
    NO_FLOOR,
    NOBODY,
    NODES,
    OPEN,
    POOL,
    READS,
    VALUE,
    WAY,
    WHO,
    WRITES,
    A,
    B,
    Board,
    C,
)
from checkers.linearizable.columnar.chain_memory import push, reach
from checkers.linearizable.columnar.transitions import ANY, BASE, COUNTED, EXPECTS, INVOKED, LEAVES
from harness.compiled import allocation_free


@allocation_free
def _draw(number: int, c: int, board: Board) -> int:
    """The word ``c`` once one more of the class is used; -1 if there is none."""
    if board.classes[INVOKED, number] == 0:
        return -1
    if not board.classes[COUNTED, number]:
        return c
    every = (1 << board.classes[INVOKED, number]) - 1
    used = (c >> board.classes[BASE, number]) & every
    return -1 if used == every else c | (used + 1) << board.classes[BASE, number]


@allocation_free
def _write(value: int, a: int, c: int, board: Board) -> tuple[int, int]:
    """The words ``a`` and ``c`` once the value was written and seen (and all duties are done); ``c`` is -1 if there is
    no write left."""
    free = board.values[WRITES, value] & ~a
    if free == 0:
        if board.values[POOL, value] == NOBODY:
            return a, -1
        return a & ~board.values[READS, value], _draw(board.values[POOL, value], c, board)
    bit = free
    if free & (free - 1):
        at = 0
        while not board.open[BIT, at] & free:
            at += 1
        bit = board.open[BIT, at]
    return (a | bit) & ~board.values[READS, value], c


@allocation_free
def _await(a: int, board: Board) -> int:
    """How many values open reads wait for that can be written, which are in ``awaited`` then, ascending."""
    found = 0
    for at in range(board.counts[OPEN]):
        each = board.open[WHO, at]
        value = board.ranks[LEAVES, each]
        if board.ranks[EXPECTS, each] != value or not a & board.open[BIT, at]:
            continue
        if board.values[WRITES, value] == 0 and board.values[POOL, value] == NOBODY:
            continue
        place = found
        while place > 0 and board.open[AWAITED, place - 1] > value:
            place -= 1
        if place > 0 and board.open[AWAITED, place - 1] == value:
            continue
        for after in range(found, place, -1):
            board.open[AWAITED, after] = board.open[AWAITED, after - 1]
        board.open[AWAITED, place] = value
        found += 1
    return found


@allocation_free
def visits(rank: int, start: int, board: Board) -> bool:
    """Writes alone: of any of the values that somebody waits for, and at last of the one that the rank needs."""
    nodes = board.nodes
    counts, target = board.counts, board.ranks[LEAVES, rank]
    if board.values[WRITES, target] & ~nodes[A, start] == 0 and board.values[POOL, target] == NOBODY:
        return True
    for place in range(_await(nodes[A, start], board)):
        each = board.open[AWAITED, place]
        if each == target or nodes[A, start] & board.values[READS, each] == 0:
            continue  # reads of the present value have seen it
        for before in range(start, counts[NODES]):
            a, c = _write(each, nodes[A, before], nodes[C, before], board)
            if c >= 0 and not push(each, a, 0, c, NO_FLOOR, False, before, nodes[WAY, start], BY_WRITE, board):
                return False
    for before in range(start, counts[NODES]):
        a, c = _write(target, nodes[A, before], nodes[C, before], board)
        if c >= 0 and not reach(target, a & ~board.open[BIT, 0], 0, c, before, nodes[WAY, start], BY_WRITE, board):
            return False
    return True


@allocation_free
def lead(a: int, board: Board) -> bool:
    """Mark the values that somebody waits for, or from which optional operations lead to such a value; False if no
    compare-and-set matters: there is none, or nobody waits."""
    counts = board.counts
    counts[LEAD_STAMP] += 1
    stamp, waits, swaps = counts[LEAD_STAMP], False, False
    for at in range(counts[OPEN]):
        each = board.open[WHO, at]
        expected = board.ranks[EXPECTS, each]
        if expected == ANY:
            continue
        swapping = expected != board.ranks[LEAVES, each]
        swaps |= swapping
        if bool(a & board.open[BIT, at]) != swapping:
            board.values[LEADING, expected] = stamp
            waits = True
    grows = waits
    for each in range(board.counts[CLASS], board.counts[CLASS_LAST]):
        swaps |= board.classes[EXPECTS, each] != ANY and board.classes[INVOKED, each] > 0
    while grows and swaps:
        grows = False
        for each in range(board.counts[CLASS], board.counts[CLASS_LAST]):
            expected = board.classes[EXPECTS, each]
            if expected == ANY or board.classes[INVOKED, each] == 0 or board.values[LEADING, expected] == stamp:
                continue
            if board.values[LEADING, board.classes[LEAVES, each]] == stamp:
                board.values[LEADING, expected] = stamp
                grows = True
    return waits and swaps


@allocation_free
def chains(rank: int, start: int, board: Board) -> bool:
    """Writes and compare-and-sets in any order, up to the first change with which the rank can complete."""
    nodes = board.nodes
    here = start
    while here < board.counts[NODES]:
        if not _swap(rank, here, board):
            return False
        if nodes[FLOOR, here] % 2 == 0 and not _writes(rank, here, board):
            return False
        here += 1
    return True


@allocation_free
def _swap(rank: int, here: int, board: Board) -> bool:
    """Each compare-and-set that may come next: of open ones with the same effect the one that completes first."""
    nodes = board.nodes
    value, a, b, c, way = nodes[VALUE, here], nodes[A, here], nodes[B, here], nodes[C, here], nodes[WAY, here]
    for at in range(board.counts[OPEN]):
        each = board.open[WHO, at]
        left, bit = board.ranks[LEAVES, each], board.open[BIT, at]
        if board.ranks[EXPECTS, each] != value or left == value or a & bit or _twin(at, a, value, left, board):
            continue
        after, duties = (a | bit) & ~board.values[READS, left], b & ~board.values[WRITES, left]
        if not _follow(rank, left, after, duties, c, False, here, way, each, board):
            return False
    for number in range(board.counts[CLASS], board.counts[CLASS_LAST]):
        left = board.classes[LEAVES, number]
        if board.classes[EXPECTS, number] != value or board.values[LEADING, left] != board.counts[LEAD_STAMP]:
            continue
        if _twin(board.counts[OPEN], a, value, left, board):
            continue
        used = _draw(number, c, board)
        if used < 0:
            continue
        must = a & board.values[READS, left] == 0
        after, duties = a & ~board.values[READS, left], b & ~board.values[WRITES, left]
        if not _follow(rank, left, after, duties, used, must, here, way, -2 - number, board):
            return False
    return True


@allocation_free
def _twin(before: int, a: int, value: int, left: int, board: Board) -> bool:
    """Whether one of the open ones before that place does the same and is free."""
    for at in range(before):
        each = board.open[WHO, at]
        if board.ranks[EXPECTS, each] == value and board.ranks[LEAVES, each] == left and not a & board.open[BIT, at]:
            return True
    return False


@allocation_free
def _follow(
    rank: int, value: int, a: int, b: int, c: int, must: bool, here: int, way: int, by: int, board: Board
) -> bool:
    """After a compare-and-set: the rank can complete, or the chain goes on."""
    bit, expected = board.open[BIT, 0], board.ranks[EXPECTS, rank]
    if expected != ANY and (a & bit == 0) == (expected == board.ranks[LEAVES, rank]):
        return reach(value, a & ~bit, b, c, here, way, by, board)
    return push(value, a, b, c, NO_FLOOR, must, here, way, by, board)


@allocation_free
def _writes(rank: int, here: int, board: Board) -> bool:
    """Writes that may come next: the one with which the rank can complete; of values that open reads wait for, above
    the floor; of those that a compare-and-set expects."""
    nodes = board.nodes
    value, a, b, c, way = nodes[VALUE, here], nodes[A, here], nodes[B, here], nodes[C, here], nodes[WAY, here]
    floor, final = nodes[FLOOR, here] // 2, NO_FLOOR
    if board.ranks[EXPECTS, rank] == ANY or board.ranks[EXPECTS, rank] == board.ranks[LEAVES, rank]:
        final = board.ranks[LEAVES, rank]
        after, used = _write(final, a, c, board)
        if used >= 0 and not reach(final, after & ~board.open[BIT, 0], 0, used, here, way, BY_WRITE, board):
            return False
    for place in range(_await(a, board)):
        each = board.open[AWAITED, place]
        if floor < each and each != value and each != final:
            after, used = _write(each, a, c, board)
            if used >= 0 and not push(each, after, 0, used, each, False, here, way, BY_WRITE, board):
                return False
    stamp = board.counts[LEAD_STAMP]
    running, classes = board.counts[OPEN], board.counts[CLASS_LAST] - board.counts[CLASS]
    for at in range(running + classes):
        if at < running:
            each = board.open[WHO, at]
            expected = board.ranks[EXPECTS, each]
            if expected == board.ranks[LEAVES, each] or a & board.open[BIT, at]:
                continue
        else:
            number = board.counts[CLASS] + at - running
            expected = board.classes[EXPECTS, number]
            if board.classes[INVOKED, number] == 0:
                continue
        if expected == ANY or board.values[LEADING, expected] != stamp:
            continue
        if expected == final or (expected == value and b == 0):
            continue
        if floor < expected and expected != value and a & board.values[READS, expected]:
            continue
        after, used = _write(expected, a, c, board)
        if used < 0:
            continue
        seen = floor < expected and a & board.values[READS, expected] != 0
        if not push(expected, after, 0, used, expected if seen else NO_FLOOR, not seen, here, way, BY_WRITE, board):
            return False
    return True
