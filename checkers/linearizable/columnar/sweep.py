"""The register's sweep (``checkers.linearizable.sweep``, which says why), compiled, for keys of a large history.

Completion by completion, all configurations that matter: the value, and three words of bits. ``a``: of what is open,
each in a slot of its own, the reads that have not seen their value, the writes that were used, the compare-and-sets that
took effect. ``b``: the writes that have found no place where nobody sees them. ``c``: operations that perhaps took
effect and were used, in unary. Of two configurations with the same value and the same compare-and-sets, one whose bits
are all among the other's makes that one superfluous.

What does not fit (SLOTS operations open at once, so many configurations at one completion) is given up: the ordinary
search decides it. How a configuration was reached is kept as *ways*: changes of the value, each after another one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

from checkers.linearizable.columnar.transitions import ANY, Classes, Ranks
from harness.compiled import allocation_free

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Ints = NDArray[np.int64]
    Small = NDArray[np.int32]

SLOTS: Final = 62
FOUND, REFUTED, MORE, FULL, GIVEN_UP = range(5)
"""How it ended: at the end of the ranks; at a completion that no configuration survives; at as many configurations as
were allowed; where there is no room for ways; or that it cannot go on."""
BY_WRITE: Final = -1  # a change by any write of the value; what is less is the complement of a class, less one
_UNCHANGED: Final = -(2**31)
_NO_FLOOR: Final = -2  # below every value
_NOBODY: Final = -1
_MIX: Final = 0x1E3779B97F4A7C15
_MIX_MORE: Final = 0x2545F4914F6CDD1D
_CONFIGURATIONS: Final = 1 << 15  # at one completion
_NODES: Final = 1 << 17
_HEADS: Final = 1 << 16

# Where the sweep is: the next rank; the next arrival; how many operations are open, configurations there are, ways,
# configurations were visited; the free slots; the bits of compare-and-sets, and of reads and writes that have arrived
# since the last completion; nodes and results at this completion, and the stamps of their tables.
(RANK, ARRIVED, OPEN, LEVEL, WAYS, VISITED, FREE, SWAPS, NEW_READS, NEW_WRITES, NODES, RESULTS, NODE_STAMP,
 RESULT_STAMP, LEAD_STAMP) = range(15)  # fmt: skip


class Now(NamedTuple):
    """What is open. ``counts``: see above. ``ranks``, ``bits``: the open ones in order of completion. ``reads``,
    ``writes``: of each value the bits of those open. ``pool``: of each value the class of writes that perhaps took
    effect; ``invoked``: of each class how many were invoked; ``leading``: of each value the stamp with which it is
    known to lead to one that somebody waits for; ``awaited``: values."""

    counts: Ints
    ranks: Ints
    bits: Ints
    reads: Ints
    writes: Ints
    pool: Ints
    invoked: Ints
    leading: Ints
    awaited: Ints


class Nodes(NamedTuple):
    """Configurations within a completion, each after its ``parents``; ``heads``, ``stamps`` and ``nexts`` find those of
    the same value and compare-and-sets."""

    values: Ints
    a: Ints
    b: Ints
    c: Ints
    floors: Ints
    parents: Small
    by: Small
    ways: Small
    nexts: Small
    heads: Small
    stamps: Ints


class Ways(NamedTuple):
    """Changes: the one before, the rank before whose completion, the value left, and by what."""

    parents: Small
    ranks: Small
    leaves: Small
    by: Small


class Sweep(NamedTuple):
    """Everything that a sweep writes to; used for one key after the other."""

    now: Now
    level: Nodes
    nodes: Nodes
    results: Nodes


def sweep_of(values: int, classes: int) -> Sweep:
    """Room for a sweep over keys of so many values and classes."""
    zeros = np.zeros(values, np.int64)
    now = Now(np.zeros(15, np.int64), np.zeros(SLOTS, np.int64), np.zeros(SLOTS, np.int64), zeros, zeros.copy(),
              np.full(values, _NOBODY, np.int64), np.zeros(classes, np.int64), zeros.copy(),
              np.zeros(SLOTS, np.int64))  # fmt: skip
    return Sweep(now, _nodes(_CONFIGURATIONS), _nodes(_NODES), _nodes(_CONFIGURATIONS))


def _nodes(count: int) -> Nodes:
    wide = [np.empty(count, np.int64) for _ in range(5)]
    small = [np.empty(count, np.int32) for _ in range(4)]
    return Nodes(*wide, *small, np.empty(_HEADS, np.int32), np.zeros(_HEADS, np.int64))


def ways_of(count: int) -> Ways:
    """Room for so many changes."""
    return Ways(*(np.empty(count, np.int32) for _ in range(4)))


@allocation_free
def begin(initial: int, first: int, class_first: int, class_last: int, classes: Classes, sweep: Sweep) -> None:
    """Before the first rank of a key, whose classes these are."""
    now, level = sweep.now, sweep.level
    for each in range(LEVEL, NODES):
        now.counts[each] = 0
    now.counts[RANK] = now.counts[ARRIVED] = first
    now.counts[OPEN], now.counts[LEVEL] = 0, 1
    now.counts[FREE] = (1 << SLOTS) - 1
    level.values[0], level.ways[0] = initial, _NOBODY
    level.a[0] = level.b[0] = level.c[0] = 0
    for each in range(class_first, class_last):
        now.invoked[each] = 0
        if classes.expects[each] == ANY:
            now.pool[classes.leaves[each]] = each


@allocation_free
def end(class_first: int, class_last: int, ranks: Ranks, classes: Classes, sweep: Sweep) -> None:
    """After a key: nothing is open any more."""
    now = sweep.now
    for at in range(now.counts[OPEN]):
        each = now.ranks[at]
        now.reads[ranks.leaves[each]] = 0
        now.writes[ranks.leaves[each]] = 0
    for each in range(class_first, class_last):
        now.pool[classes.leaves[each]] = _NOBODY


@allocation_free
def go(
    last: int, class_first: int, class_last: int, ranks: Ranks, classes: Classes, sweep: Sweep, ways: Ways, stop: int
) -> int:
    """Visit configurations of the key that was begun, and whose ranks end before ``last``, until about ``stop`` were
    visited; how it ended. After MORE it may be called again, after FULL with more room for ways."""
    now, level, counts = sweep.now, sweep.level, sweep.now.counts
    while counts[RANK] < last:
        rank = counts[RANK]
        if counts[VISITED] >= stop:
            return MORE
        if not _arrive(rank, last, ranks, now):
            return GIVEN_UP
        _invoke(ranks.completes[rank], class_first, class_last, classes, now)
        counts[NODES] = counts[RESULTS] = 0
        counts[RESULT_STAMP] += 1
        counts[VISITED] += counts[LEVEL]
        for i in range(counts[LEVEL]):
            value = level.values[i]
            a = level.a[i] | (counts[NEW_READS] & ~now.reads[value])
            b = level.b[i] | (counts[NEW_WRITES] & ~now.writes[value])
            if not _through(rank, value, a, b, level.c[i], level.ways[i], class_first, class_last, ranks, classes,
                            sweep):  # fmt: skip
                return GIVEN_UP
        counts[VISITED] += counts[NODES]
        room = _changes(sweep)
        if room < 0:
            return REFUTED
        if counts[WAYS] + room > len(ways.parents):
            return FULL
        _keep(rank, sweep, ways)
        _leave(rank, ranks, now)
        counts[RANK] += 1
    return FOUND


@allocation_free
def _arrive(rank: int, last: int, ranks: Ranks, now: Now) -> bool:
    """What was invoked before the rank completed is open; False if there is no slot for it."""
    counts = now.counts
    while counts[ARRIVED] < last and ranks.invokes[ranks.arrivals[counts[ARRIVED]]] < ranks.completes[rank]:
        each = ranks.arrivals[counts[ARRIVED]]
        if counts[FREE] == 0:
            return False
        bit = counts[FREE] & -counts[FREE]
        counts[FREE] ^= bit
        counts[ARRIVED] += 1
        at = counts[OPEN]
        while at > 0 and now.ranks[at - 1] > each:
            now.ranks[at], now.bits[at] = now.ranks[at - 1], now.bits[at - 1]
            at -= 1
        now.ranks[at], now.bits[at] = each, bit
        counts[OPEN] += 1
        expected, left = ranks.expects[each], ranks.leaves[each]
        if expected == ANY:
            now.writes[left] |= bit
            counts[NEW_WRITES] |= bit
        elif expected == left:
            now.reads[left] |= bit
            counts[NEW_READS] |= bit
        else:
            counts[SWAPS] |= bit
    return True


@allocation_free
def _invoke(moment: int, class_first: int, class_last: int, classes: Classes, now: Now) -> None:
    for each in range(class_first, class_last):
        while (
            now.invoked[each] < classes.starts[each + 1] - classes.starts[each]
            and classes.invokes[classes.starts[each] + now.invoked[each]] < moment
        ):
            now.invoked[each] += 1


@allocation_free
def _leave(rank: int, ranks: Ranks, now: Now) -> None:
    """The rank, the first of those open, has completed."""
    counts, bit = now.counts, now.bits[0]
    for at in range(1, counts[OPEN]):
        now.ranks[at - 1], now.bits[at - 1] = now.ranks[at], now.bits[at]
    counts[OPEN] -= 1
    counts[FREE] |= bit
    counts[SWAPS] &= ~bit
    now.reads[ranks.leaves[rank]] &= ~bit
    now.writes[ranks.leaves[rank]] &= ~bit
    counts[NEW_READS] = counts[NEW_WRITES] = 0


@allocation_free
def _through(
    rank: int, value: int, a: int, b: int, c: int, way: int, class_first: int, class_last: int, ranks: Ranks,
    classes: Classes, sweep: Sweep,
) -> bool:  # fmt: skip
    """The configurations after the rank completed; False if they are too many."""
    now = sweep.now
    bit, expected, left = now.bits[0], ranks.expects[rank], ranks.leaves[rank]
    if expected == ANY:
        if a & bit or (value != left and not b & bit):
            if not _reach(value, a & ~bit, b, c, _NOBODY, way, _UNCHANGED, sweep):
                return False
            if a & bit:
                return True
    elif expected == left:
        if not a & bit:
            return _reach(value, a, b, c, _NOBODY, way, _UNCHANGED, sweep)
    elif a & bit:
        return _reach(value, a & ~bit, b, c, _NOBODY, way, _UNCHANGED, sweep)
    now.counts[NODE_STAMP] += 1
    start = now.counts[NODES]
    if not _push(value, a, b, c, _NO_FLOOR, False, _NOBODY, way, _UNCHANGED, sweep):
        return False
    if _lead(a, class_first, class_last, ranks, classes, now):
        return _chains(rank, start, class_first, class_last, ranks, classes, sweep)
    return _visits(rank, start, ranks, classes, sweep)


@allocation_free
def _slot(value: int, swapped: int, floor: int) -> int:
    mixed = (value * 3 + floor) * _MIX ^ swapped * _MIX_MORE
    return (mixed ^ (mixed >> 31)) & (_HEADS - 1)


@allocation_free
def _push(
    value: int, a: int, b: int, c: int, floor: int, must: bool, parent: int, way: int, by: int, sweep: Sweep
) -> bool:
    """A place in a chain, unless one at least as good was met in this search; False if there are too many."""
    counts, nodes = sweep.now.counts, sweep.nodes
    swaps, tag = counts[SWAPS], floor * 2 + must
    slot = _slot(value, a & swaps, tag)
    if nodes.stamps[slot] != counts[NODE_STAMP]:
        nodes.stamps[slot], nodes.heads[slot] = counts[NODE_STAMP], _NOBODY
    other = nodes.heads[slot]
    while other != _NOBODY:
        if (
            nodes.values[other] == value
            and nodes.floors[other] == tag
            and (nodes.a[other] ^ a) & swaps == 0
            and nodes.a[other] & ~a == 0
            and nodes.b[other] & ~b == 0
            and nodes.c[other] & ~c == 0
        ):
            return True
        other = nodes.nexts[other]
    at = counts[NODES]
    if at == len(nodes.values):
        return False
    nodes.values[at], nodes.a[at], nodes.b[at], nodes.c[at], nodes.floors[at] = value, a, b, c, tag
    nodes.parents[at], nodes.by[at], nodes.ways[at] = parent, by, way
    nodes.nexts[at], nodes.heads[slot] = nodes.heads[slot], at
    counts[NODES] += 1
    return True


@allocation_free
def _reach(value: int, a: int, b: int, c: int, parent: int, way: int, by: int, sweep: Sweep) -> bool:
    """A configuration after the rank, unless one at least as good was reached; those that are no better are forgotten
    (their ``floors`` say so). False if there are too many."""
    counts, results = sweep.now.counts, sweep.results
    swaps = counts[SWAPS]
    slot = _slot(value, a & swaps, 0)
    if results.stamps[slot] != counts[RESULT_STAMP]:
        results.stamps[slot], results.heads[slot] = counts[RESULT_STAMP], _NOBODY
    other = results.heads[slot]
    while other != _NOBODY:
        if results.values[other] == value and (results.a[other] ^ a) & swaps == 0 and results.floors[other] == 0:
            if results.a[other] & ~a == 0 and results.b[other] & ~b == 0 and results.c[other] & ~c == 0:
                return True
            if a & ~results.a[other] == 0 and b & ~results.b[other] == 0 and c & ~results.c[other] == 0:
                results.floors[other] = 1
        other = results.nexts[other]
    at = counts[RESULTS]
    if at == len(results.values):
        return False
    results.values[at], results.a[at], results.b[at], results.c[at], results.floors[at] = value, a, b, c, 0
    results.parents[at], results.by[at], results.ways[at] = parent, by, way
    results.nexts[at], results.heads[slot] = results.heads[slot], at
    counts[RESULTS] += 1
    return True


@allocation_free
def _draw(number: int, c: int, classes: Classes, now: Now) -> int:
    """The word ``c`` once one more of the class is used; -1 if there is none."""
    if now.invoked[number] == 0:
        return -1
    if not classes.counted[number]:
        return c
    every = (1 << now.invoked[number]) - 1
    used = (c >> classes.bases[number]) & every
    return -1 if used == every else c | (used + 1) << classes.bases[number]


@allocation_free
def _write(value: int, a: int, c: int, classes: Classes, now: Now) -> tuple[int, int]:
    """The words ``a`` and ``c`` once the value was written and seen (and all duties are done); ``c`` is -1 if there is
    no write left."""
    free = now.writes[value] & ~a
    if free == 0:
        if now.pool[value] == _NOBODY:
            return a, -1
        return a & ~now.reads[value], _draw(now.pool[value], c, classes, now)
    bit = free
    if free & (free - 1):
        at = 0
        while not now.bits[at] & free:
            at += 1
        bit = now.bits[at]
    return (a | bit) & ~now.reads[value], c


@allocation_free
def _await(a: int, ranks: Ranks, now: Now) -> int:
    """How many values open reads wait for that can be written, which are in ``awaited`` then, ascending."""
    found = 0
    for at in range(now.counts[OPEN]):
        each = now.ranks[at]
        value = ranks.leaves[each]
        if ranks.expects[each] != value or not a & now.bits[at]:
            continue
        if now.writes[value] == 0 and now.pool[value] == _NOBODY:
            continue
        place = found
        while place > 0 and now.awaited[place - 1] > value:
            place -= 1
        if place > 0 and now.awaited[place - 1] == value:
            continue
        for after in range(found, place, -1):
            now.awaited[after] = now.awaited[after - 1]
        now.awaited[place] = value
        found += 1
    return found


@allocation_free
def _visits(rank: int, start: int, ranks: Ranks, classes: Classes, sweep: Sweep) -> bool:
    """Writes alone: of any of the values that somebody waits for, and at last of the one that the rank needs."""
    now, nodes = sweep.now, sweep.nodes
    counts, target, value = now.counts, ranks.leaves[rank], nodes.values[start]
    if now.writes[target] & ~nodes.a[start] == 0 and now.pool[target] == _NOBODY:
        return True
    for place in range(_await(nodes.a[start], ranks, now)):
        each = now.awaited[place]
        if each == value or each == target or nodes.a[start] & now.reads[each] == 0:
            continue
        for before in range(start, counts[NODES]):
            a, c = _write(each, nodes.a[before], nodes.c[before], classes, now)
            if c >= 0 and not _push(each, a, 0, c, _NO_FLOOR, False, before, nodes.ways[start], BY_WRITE, sweep):
                return False
    for before in range(start, counts[NODES]):
        a, c = _write(target, nodes.a[before], nodes.c[before], classes, now)
        if c >= 0 and not _reach(target, a & ~now.bits[0], 0, c, before, nodes.ways[start], BY_WRITE, sweep):
            return False
    return True


@allocation_free
def _lead(a: int, class_first: int, class_last: int, ranks: Ranks, classes: Classes, now: Now) -> bool:
    """Mark the values that somebody waits for, or from which optional operations lead to such a value; False if no
    compare-and-set matters: there is none, or nobody waits."""
    counts = now.counts
    counts[LEAD_STAMP] += 1
    stamp, waits, swaps = counts[LEAD_STAMP], False, False
    for at in range(counts[OPEN]):
        each = now.ranks[at]
        expected = ranks.expects[each]
        if expected == ANY:
            continue
        swapping = expected != ranks.leaves[each]
        swaps |= swapping
        if bool(a & now.bits[at]) != swapping:
            now.leading[expected] = stamp
            waits = True
    grows = waits
    for each in range(class_first, class_last):
        swaps |= classes.expects[each] != ANY and now.invoked[each] > 0
    while grows and swaps:
        grows = False
        for each in range(class_first, class_last):
            expected = classes.expects[each]
            if expected != ANY and now.invoked[each] > 0 and now.leading[expected] != stamp:
                if now.leading[classes.leaves[each]] == stamp:
                    now.leading[expected] = stamp
                    grows = True
    return waits and swaps


@allocation_free
def _chains(
    rank: int, start: int, class_first: int, class_last: int, ranks: Ranks, classes: Classes, sweep: Sweep
) -> bool:  # fmt: skip
    """Writes and compare-and-sets in any order, up to the first change with which the rank can complete."""
    now, nodes = sweep.now, sweep.nodes
    here = start
    while here < now.counts[NODES]:
        if not _swap(rank, here, class_first, class_last, ranks, classes, sweep):
            return False
        if nodes.floors[here] % 2 == 0 and not _writes(rank, here, class_first, class_last, ranks, classes, sweep):
            return False
        here += 1
    return True


@allocation_free
def _swap(
    rank: int, here: int, class_first: int, class_last: int, ranks: Ranks, classes: Classes, sweep: Sweep
) -> bool:  # fmt: skip
    """Each compare-and-set that may come next: of open ones with the same effect the one that completes first."""
    now, nodes = sweep.now, sweep.nodes
    value, a, b, c, way = nodes.values[here], nodes.a[here], nodes.b[here], nodes.c[here], nodes.ways[here]
    for at in range(now.counts[OPEN]):
        each = now.ranks[at]
        left, bit = ranks.leaves[each], now.bits[at]
        if ranks.expects[each] != value or left == value or a & bit or _twin(at, a, value, left, ranks, now):
            continue
        after, duties = (a | bit) & ~now.reads[left], b & ~now.writes[left]
        if not _follow(rank, left, after, duties, c, False, here, way, each, ranks, sweep):
            return False
    for number in range(class_first, class_last):
        left = classes.leaves[number]
        if classes.expects[number] != value or now.leading[left] != now.counts[LEAD_STAMP]:
            continue
        if _twin(now.counts[OPEN], a, value, left, ranks, now):
            continue
        used = _draw(number, c, classes, now)
        if used < 0:
            continue
        must = a & now.reads[left] == 0
        after, duties = a & ~now.reads[left], b & ~now.writes[left]
        if not _follow(rank, left, after, duties, used, must, here, way, -2 - number, ranks, sweep):
            return False
    return True


@allocation_free
def _twin(before: int, a: int, value: int, left: int, ranks: Ranks, now: Now) -> bool:
    """Whether one of the open ones before that place does the same and is free."""
    for at in range(before):
        each = now.ranks[at]
        if ranks.expects[each] == value and ranks.leaves[each] == left and not a & now.bits[at]:
            return True
    return False


@allocation_free
def _follow(
    rank: int, value: int, a: int, b: int, c: int, must: bool, here: int, way: int, by: int, ranks: Ranks, sweep: Sweep
) -> bool:
    """After a compare-and-set: the rank can complete, or the chain goes on."""
    bit, expected = sweep.now.bits[0], ranks.expects[rank]
    if expected != ANY and (a & bit == 0) == (expected == ranks.leaves[rank]):
        return _reach(value, a & ~bit, b, c, here, way, by, sweep)
    return _push(value, a, b, c, _NO_FLOOR, must, here, way, by, sweep)


@allocation_free
def _writes(
    rank: int, here: int, class_first: int, class_last: int, ranks: Ranks, classes: Classes, sweep: Sweep
) -> bool:  # fmt: skip
    """Writes that may come next: the one with which the rank can complete; of values that open reads wait for, above
    the floor; of those that a compare-and-set expects."""
    now, nodes = sweep.now, sweep.nodes
    value, a, b, c, way = nodes.values[here], nodes.a[here], nodes.b[here], nodes.c[here], nodes.ways[here]
    floor, final = nodes.floors[here] // 2, _NO_FLOOR
    if ranks.expects[rank] == ANY or ranks.expects[rank] == ranks.leaves[rank]:
        final = ranks.leaves[rank]
        after, used = _write(final, a, c, classes, now)
        if used >= 0 and not _reach(final, after & ~now.bits[0], 0, used, here, way, BY_WRITE, sweep):
            return False
    for place in range(_await(a, ranks, now)):
        each = now.awaited[place]
        if floor < each and each != value and each != final:
            after, used = _write(each, a, c, classes, now)
            if used >= 0 and not _push(each, after, 0, used, each, False, here, way, BY_WRITE, sweep):
                return False
    stamp = now.counts[LEAD_STAMP]
    for at in range(now.counts[OPEN] + class_last - class_first):
        if at < now.counts[OPEN]:
            each = now.ranks[at]
            expected = ranks.expects[each]
            if expected == ranks.leaves[each] or a & now.bits[at]:
                continue
        else:
            expected = classes.expects[class_first + at - now.counts[OPEN]]
            if now.invoked[class_first + at - now.counts[OPEN]] == 0:
                continue
        if expected == ANY or expected == final or now.leading[expected] != stamp or (expected == value and b == 0):
            continue
        if floor < expected and expected != value and a & now.reads[expected]:
            continue
        after, used = _write(expected, a, c, classes, now)
        if used < 0:
            continue
        seen = floor < expected and a & now.reads[expected] != 0
        if not _push(expected, after, 0, used, expected if seen else _NO_FLOOR, not seen, here, way, BY_WRITE, sweep):
            return False
    return True


@allocation_free
def _changes(sweep: Sweep) -> int:
    """How many changes lead to the configurations that were reached; -1 if there are none of these."""
    counts, nodes, results = sweep.now.counts, sweep.nodes, sweep.results
    found, alive = 0, False
    for at in range(counts[RESULTS]):
        if results.floors[at]:
            continue
        alive = True
        if results.by[at] != _UNCHANGED:
            found += 1
            here = results.parents[at]
            while nodes.parents[here] != _NOBODY:
                found += 1
                here = nodes.parents[here]
    return found if alive else -1


@allocation_free
def _keep(rank: int, sweep: Sweep, ways: Ways) -> None:
    """What was reached is where the next rank begins."""
    counts, nodes, results, level = sweep.now.counts, sweep.nodes, sweep.results, sweep.level
    kept = 0
    for at in range(counts[RESULTS]):
        if results.floors[at]:
            continue
        way = results.ways[at]
        if results.by[at] != _UNCHANGED:
            way = _record(rank, results.values[at], results.by[at], results.parents[at], counts, nodes, ways)
        level.values[kept], level.ways[kept] = results.values[at], way
        level.a[kept], level.b[kept], level.c[kept] = results.a[at], results.b[at], results.c[at]
        kept += 1
    counts[LEVEL] = kept


@allocation_free
def _record(rank: int, value: int, by: int, parent: int, counts: Ints, nodes: Nodes, ways: Ways) -> int:
    """The last change of a chain, after those before it; they are written from the last to the first."""
    depth, here = 1, parent
    while nodes.parents[here] != _NOBODY:
        depth, here = depth + 1, nodes.parents[here]
    origin, at = nodes.ways[here], counts[WAYS] + depth - 1
    counts[WAYS] += depth
    last, here = at, parent
    for place in range(depth):
        ways.ranks[at], ways.leaves[at], ways.by[at] = rank, value, by
        ways.parents[at] = origin if place == depth - 1 else at - 1
        value, by, at = nodes.values[here], nodes.by[here], at - 1
        here = nodes.parents[here] if nodes.parents[here] != _NOBODY else here
    return last


@allocation_free
def collect(sweep: Sweep, ways: Ways, marks: Small) -> None:
    """Forget the changes that lead to no configuration of now. ``marks`` has room for one number per change."""
    counts, level = sweep.now.counts, sweep.level
    for at in range(counts[WAYS]):
        marks[at] = _NOBODY
    for i in range(counts[LEVEL]):
        here = level.ways[i]
        while here != _NOBODY and marks[here] == _NOBODY:
            marks[here] = 0
            here = ways.parents[here]
    kept = 0
    for at in range(counts[WAYS]):
        if marks[at] == _NOBODY:
            continue
        parent = ways.parents[at]
        ways.parents[kept] = marks[parent] if parent != _NOBODY else _NOBODY
        ways.ranks[kept], ways.leaves[kept], ways.by[kept] = ways.ranks[at], ways.leaves[at], ways.by[at]
        marks[at] = kept
        kept += 1
    for i in range(counts[LEVEL]):
        if level.ways[i] != _NOBODY:
            level.ways[i] = marks[level.ways[i]]
    counts[WAYS] = kept
