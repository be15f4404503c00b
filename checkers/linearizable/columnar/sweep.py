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

from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

from checkers.linearizable.columnar.transitions import (
    ANY,
    ARRIVALS,
    BASE,
    COMPLETES,
    COUNTED,
    EXPECTS,
    INVOKED,
    INVOKES,
    LEAVES,
    SIZE,
    START,
    Transitions,
)
from harness.compiled import allocation_free

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Ints = NDArray[np.int64]
    Table = NDArray[np.int64]
    Small = NDArray[np.int32]

SLOTS: Final = 62
FOUND, REFUTED, MORE, FULL, GIVEN_UP = range(5)
"""How it ended: at the end of the ranks; at a completion that no configuration survives; at as many configurations as
were allowed; where there is no room for ways; or that it cannot go on."""
BY_WRITE: Final = -1  # a change by any write of the value; what is less is a class: -2 less its number
_UNCHANGED: Final = -(2**31)
_NO_FLOOR: Final = -2  # below every value
_NOBODY: Final = -1
_MIX: Final = 0x1E3779B97F4A7C15
_MIX_MORE: Final = 0x2545F4914F6CDD1D
_CONFIGURATIONS: Final = 1 << 15  # at one completion
_NODES: Final = 1 << 17
_HEADS: Final = 1 << 16
_COMPARED: Final = 1 << 25  # at one completion: a second at the very most
_COMPARED_PER_VISIT: Final = 32  # what that costs counts as a configuration

(RANK, LAST, CLASS, CLASS_LAST, ARRIVED, OPEN, LEVEL, WAYS, VISITED, FREE, SWAPS, NEW_READS, NEW_WRITES, NODES, RESULTS,
 COMPARED, NODE_STAMP, RESULT_STAMP, LEAD_STAMP) = range(19)  # fmt: skip
"""Where a sweep is: the next rank, and where the key's end; its first class, and where these end; the next arrival; how
many operations are open, configurations there are, ways were taken, configurations were visited; the free slots; the
bits of compare-and-sets, and of the reads and writes that have arrived since the last completion; how many nodes and
results there are at this completion, and how many of them were compared; the stamps of their tables."""
_COUNTS: Final = 19
WHO, BIT, AWAITED = range(3)
READS, WRITES, POOL, LEADING = range(4)
VALUE, A, B, C, FLOOR, PARENT, BY, WAY, NEXT = range(9)
_CONFIGURATION: Final = 9
NODE_HEAD, NODE_TIME, RESULT_HEAD, RESULT_TIME = range(4)
WAY_BEFORE, WAY_RANK, WAY_VALUE, WAY_BY = range(4)


class Board(NamedTuple):
    """What a sweep reads and writes: arrays of which each row is named above. (Every array more makes every function
    slower to compile.)

    ``counts``   where the sweep is.
    ``open``     ranks that are open, in order of completion, with their bits (WHO, BIT); values (AWAITED).
    ``values``   of each value the bits of open reads and writes of it; the class of writes of it that perhaps took
                 effect; the stamp with which it is known to lead to one that somebody waits for.
    ``level``, ``nodes``, ``results``
                 configurations before a completion, within chains up to it, and after it. FLOOR: of a node, twice the
                 value above which writes may follow, plus 1 if a compare-and-set must; of a result, whether another one
                 made it superfluous. PARENT: the node before; BY: by what it was left; WAY: the last change before the
                 completion; NEXT: another one in the same place of the table ``heads``.
    ``ranks``, ``classes``, ``invokes``
                 the operations (``transitions``).
    """

    counts: Ints
    open: Table
    values: Table
    level: Table
    nodes: Table
    results: Table
    heads: Table
    ranks: Table
    classes: Table
    invokes: Ints


def board_of(found: Transitions) -> Board:
    """Room for sweeps over these keys."""
    values = np.zeros((4, found.values), np.int64)
    values[POOL] = _NOBODY
    return Board(
        counts=np.zeros(_COUNTS, np.int64),
        open=np.zeros((3, SLOTS), np.int64),
        values=values,
        level=np.empty((_CONFIGURATION, _CONFIGURATIONS), np.int64),
        nodes=np.empty((_CONFIGURATION, _NODES), np.int64),
        results=np.empty((_CONFIGURATION, _CONFIGURATIONS), np.int64),
        heads=np.zeros((4, _HEADS), np.int64),
        ranks=found.ranks,
        classes=found.classes,
        invokes=found.invokes,
    )


def ways_of(count: int) -> Small:
    """Room for so many changes: the one before, the rank before whose completion, the value left, and by what."""
    return np.empty((4, count), np.int32)


@allocation_free
def begin(initial: int, first: int, last: int, class_first: int, class_last: int, board: Board) -> None:
    """Before the first rank of a key, whose ranks and classes these are."""
    counts, level = board.counts, board.level
    counts[RANK] = counts[ARRIVED] = first
    counts[LAST], counts[CLASS], counts[CLASS_LAST] = last, class_first, class_last
    for each in range(OPEN, NODES):
        counts[each] = 0
    counts[LEVEL], counts[FREE] = 1, (1 << SLOTS) - 1
    level[VALUE, 0], level[WAY, 0] = initial, _NOBODY
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
        board.values[POOL, board.classes[LEAVES, each]] = _NOBODY


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
        room = _changes(board)
        if room < 0:
            return REFUTED
        if counts[WAYS] + room > ways.shape[1]:
            return FULL
        _keep(rank, board, ways)
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
            if not _reach(value, a & ~bit, b, c, _NOBODY, way, _UNCHANGED, board):
                return False
            if a & bit:
                return True
    elif expected == left:
        if not a & bit:
            return _reach(value, a, b, c, _NOBODY, way, _UNCHANGED, board)
    elif a & bit:
        return _reach(value, a & ~bit, b, c, _NOBODY, way, _UNCHANGED, board)
    start = board.counts[NODES]
    if not _push(value, a, b, c, _NO_FLOOR, False, _NOBODY, way, _UNCHANGED, board):
        return False
    if start == board.counts[NODES]:  # a chain has come by here already, at no higher cost
        return True
    if _lead(a, board):
        return _chains(rank, start, board)
    return _visits(rank, start, board)


@allocation_free
def _slot(value: int, swapped: int, floor: int) -> int:
    mixed = (value * 3 + floor) * _MIX ^ swapped * _MIX_MORE
    return (mixed ^ (mixed >> 31)) & (_HEADS - 1)


@allocation_free
def _push(
    value: int, a: int, b: int, c: int, floor: int, must: bool, parent: int, way: int, by: int, board: Board
) -> bool:
    """A place in a chain, unless one at least as good was met before the same completion, wherever that chain began;
    False if there are too many."""
    counts, nodes = board.counts, board.nodes
    swaps, tag = counts[SWAPS], floor * 2 + must
    slot = _slot(value, a & swaps, tag)
    if board.heads[NODE_TIME, slot] != counts[NODE_STAMP]:
        board.heads[NODE_TIME, slot], board.heads[NODE_HEAD, slot] = counts[NODE_STAMP], _NOBODY
    other = board.heads[NODE_HEAD, slot]
    while other != _NOBODY:
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
def _reach(value: int, a: int, b: int, c: int, parent: int, way: int, by: int, board: Board) -> bool:
    """A configuration after the rank, unless one at least as good was reached; those that are no better are forgotten
    (their ``floors`` say so). False if there are too many."""
    counts, results = board.counts, board.results
    swaps = counts[SWAPS]
    slot = _slot(value, a & swaps, 0)
    if board.heads[RESULT_TIME, slot] != counts[RESULT_STAMP]:
        board.heads[RESULT_TIME, slot], board.heads[RESULT_HEAD, slot] = counts[RESULT_STAMP], _NOBODY
    other = board.heads[RESULT_HEAD, slot]
    while other != _NOBODY:
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
        if board.values[POOL, value] == _NOBODY:
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
        if board.values[WRITES, value] == 0 and board.values[POOL, value] == _NOBODY:
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
def _visits(rank: int, start: int, board: Board) -> bool:
    """Writes alone: of any of the values that somebody waits for, and at last of the one that the rank needs."""
    nodes = board.nodes
    counts, target = board.counts, board.ranks[LEAVES, rank]
    if board.values[WRITES, target] & ~nodes[A, start] == 0 and board.values[POOL, target] == _NOBODY:
        return True
    for place in range(_await(nodes[A, start], board)):
        each = board.open[AWAITED, place]
        if each == target or nodes[A, start] & board.values[READS, each] == 0:
            continue  # reads of the present value have seen it
        for before in range(start, counts[NODES]):
            a, c = _write(each, nodes[A, before], nodes[C, before], board)
            if c >= 0 and not _push(each, a, 0, c, _NO_FLOOR, False, before, nodes[WAY, start], BY_WRITE, board):
                return False
    for before in range(start, counts[NODES]):
        a, c = _write(target, nodes[A, before], nodes[C, before], board)
        if c >= 0 and not _reach(target, a & ~board.open[BIT, 0], 0, c, before, nodes[WAY, start], BY_WRITE, board):
            return False
    return True


@allocation_free
def _lead(a: int, board: Board) -> bool:
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
def _chains(rank: int, start: int, board: Board) -> bool:
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
        return _reach(value, a & ~bit, b, c, here, way, by, board)
    return _push(value, a, b, c, _NO_FLOOR, must, here, way, by, board)


@allocation_free
def _writes(rank: int, here: int, board: Board) -> bool:
    """Writes that may come next: the one with which the rank can complete; of values that open reads wait for, above
    the floor; of those that a compare-and-set expects."""
    nodes = board.nodes
    value, a, b, c, way = nodes[VALUE, here], nodes[A, here], nodes[B, here], nodes[C, here], nodes[WAY, here]
    floor, final = nodes[FLOOR, here] // 2, _NO_FLOOR
    if board.ranks[EXPECTS, rank] == ANY or board.ranks[EXPECTS, rank] == board.ranks[LEAVES, rank]:
        final = board.ranks[LEAVES, rank]
        after, used = _write(final, a, c, board)
        if used >= 0 and not _reach(final, after & ~board.open[BIT, 0], 0, used, here, way, BY_WRITE, board):
            return False
    for place in range(_await(a, board)):
        each = board.open[AWAITED, place]
        if floor < each and each != value and each != final:
            after, used = _write(each, a, c, board)
            if used >= 0 and not _push(each, after, 0, used, each, False, here, way, BY_WRITE, board):
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
        if not _push(expected, after, 0, used, expected if seen else _NO_FLOOR, not seen, here, way, BY_WRITE, board):
            return False
    return True


@allocation_free
def _changes(board: Board) -> int:
    """How many changes lead to the configurations that were reached; -1 if there are none of these."""
    counts, nodes, results = board.counts, board.nodes, board.results
    found, alive = 0, False
    for at in range(counts[RESULTS]):
        if results[FLOOR, at]:
            continue
        alive = True
        if results[BY, at] != _UNCHANGED:
            found += 1
            here = results[PARENT, at]
            while nodes[PARENT, here] != _NOBODY:
                found += 1
                here = nodes[PARENT, here]
    return found if alive else -1


@allocation_free
def _keep(rank: int, board: Board, ways: Small) -> None:
    """What was reached is where the next rank begins."""
    counts, results, level = board.counts, board.results, board.level
    kept = 0
    for at in range(counts[RESULTS]):
        if results[FLOOR, at]:
            continue
        way = results[WAY, at]
        if results[BY, at] != _UNCHANGED:
            way = _record(rank, results[VALUE, at], results[BY, at], results[PARENT, at], board, ways)
        level[VALUE, kept], level[WAY, kept] = results[VALUE, at], way
        level[A, kept], level[B, kept], level[C, kept] = results[A, at], results[B, at], results[C, at]
        kept += 1
    counts[LEVEL] = kept


@allocation_free
def _record(rank: int, value: int, by: int, parent: int, board: Board, ways: Small) -> int:
    """The last change of a chain, after those before it; they are written from the last to the first."""
    nodes, depth, here = board.nodes, 1, parent
    while nodes[PARENT, here] != _NOBODY:
        depth, here = depth + 1, nodes[PARENT, here]
    origin, last = nodes[WAY, here], board.counts[WAYS] + depth - 1
    board.counts[WAYS] += depth
    at, here = last, parent
    for place in range(depth):
        ways[WAY_RANK, at], ways[WAY_VALUE, at], ways[WAY_BY, at] = rank, value, by
        ways[WAY_BEFORE, at] = origin if place == depth - 1 else at - 1
        value, by, at = nodes[VALUE, here], nodes[BY, here], at - 1
        here = nodes[PARENT, here] if nodes[PARENT, here] != _NOBODY else here
    return int(last)


@allocation_free
def collect(board: Board, ways: Small, marks: Small) -> None:
    """Forget the changes that lead to no configuration of now. ``marks`` has room for one number per change."""
    counts, level = board.counts, board.level
    for at in range(counts[WAYS]):
        marks[at] = _NOBODY
    for i in range(counts[LEVEL]):
        here = level[WAY, i]
        while here != _NOBODY and marks[here] == _NOBODY:
            marks[here] = 0
            here = ways[WAY_BEFORE, here]
    kept = 0
    for at in range(counts[WAYS]):
        if marks[at] == _NOBODY:
            continue
        parent = ways[WAY_BEFORE, at]
        ways[WAY_BEFORE, kept] = marks[parent] if parent != _NOBODY else _NOBODY
        ways[WAY_RANK, kept], ways[WAY_VALUE, kept], ways[WAY_BY, kept] = (
            ways[WAY_RANK, at],
            ways[WAY_VALUE, at],
            ways[WAY_BY, at],
        )
        marks[at] = kept
        kept += 1
    for i in range(counts[LEVEL]):
        if level[WAY, i] != _NOBODY:
            level[WAY, i] = marks[level[WAY, i]]
    counts[WAYS] = kept
