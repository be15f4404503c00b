"""Stacks whose values are distinct: values taken away, one after the other, that may lie at the bottom of the others.

The argument is that of ``distinct.lifo``: of values whose critical slots connect, one that may be pushed before these
and popped after them can lie below all others. That is: one of its pushing slots, and one of its popping slots, is
*uncovered*, critical to none of the values that are left. Once true this stays true, as values only ever go; so each
slot need be looked at once, when it is uncovered, and each value taken away when both are found: O(n log n) in all,
with trees over slots. In the linearization it is pushed in the last uncovered slot before its critical ones, and popped
in the first one after them.

Slots between which nothing becomes critical or ceases to be are one *run*, and what is said of slots is done with runs.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from checkers.linearizable.columnar.calls import Calls
from checkers.linearizable.columnar.container import NOBODY, Pairing, calls_of_pairs, chain, pair
from checkers.linearizable.columnar.objects import VALID, Objects
from harness.compiled import compiled

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Ints = NDArray[np.int64]
    Small = NDArray[np.int32]

ALGORITHM: Final = "decomposition"
MANY: Final = 1 << 30  # as many values as never cover a slot
_POP, _ALONE, _PUSH, _PHASES = range(4)


def decide(calls: Calls, odd: NDArray[np.bool_]) -> Objects:
    """The verdict on every key; those with ``odd`` calls are left."""
    pairing = pair(calls, odd)
    pairs = pairing.pairs
    within = np.flatnonzero(pairs.begins <= pairs.ends)
    begins, ends = pairs.begins[within], pairs.ends[within]
    slots = int(pairing.bounds[-1]) + 1
    change = np.bincount(begins, minlength=slots) - np.bincount(ends + 1, minlength=slots)
    breaks = np.zeros(len(change), np.bool_)
    breaks[0] = breaks[begins] = breaks[ends + 1] = True
    runs = np.cumsum(breaks, dtype=np.int64) - 1
    first_slots = np.flatnonzero(breaks)
    covered = np.cumsum(change, dtype=np.int32)[first_slots]
    puts = runs[pairs.put_firsts[within]], runs[pairs.put_lasts[within]]
    takes = runs[pairs.take_firsts[within]], runs[pairs.take_lasts[within]]
    turns, below, above = _take_away(runs[begins], runs[ends], covered, *puts, np.argsort(puts[0], kind="stable"),
                                     *takes, np.argsort(takes[0], kind="stable"))  # fmt: skip
    _refute(pairing, within[turns == NOBODY])
    pushed, popped = np.append(first_slots[1:], len(change))[below] - 1, first_slots[above]
    return pairing.objects(_placed(pairing, within, turns, pushed, popped), ALGORITHM)


@compiled
def _take_away(
    begins: Ints, ends: Ints, covered: Small, put_firsts: Ints, put_lasts: Ints, by_put: Ints,
    take_firsts: Ints, take_lasts: Ints, by_take: Ints,
) -> tuple[Ints, Ints, Ints]:  # fmt: skip
    """Of each value when it was taken away (0, 1, ...; NOBODY if it could not be), and the uncovered runs before and
    after its critical ones."""
    count, runs = len(begins), len(covered)
    turns = np.full(count, NOBODY, np.int64)
    below, above = np.zeros(count, np.int64), np.zeros(count, np.int64)
    width = _width(runs)
    least, added = _least_tree(covered, width)
    bare = np.zeros(2 * width, np.bool_)
    puttable, put_width = _greatest_tree(put_lasts, by_put), _width(count)
    takable = _greatest_tree(take_lasts, by_take)
    put_counts, take_counts = _counts(put_firsts, runs), _counts(take_firsts, runs)
    found = np.zeros(count, np.int8)
    waiting, ready, turn = np.empty(count, np.int64), 0, 0
    while True:
        while least[1] == 0:
            run = _uncover(least, added, bare, width)
            while True:
                place = _reaching(puttable, put_width, put_counts[run], run)
                if place < 0:
                    break
                found[by_put[place]] += 1
                if found[by_put[place]] == 2:
                    waiting[ready] = by_put[place]
                    ready += 1
            while True:
                place = _reaching(takable, put_width, take_counts[run], run)
                if place < 0:
                    break
                found[by_take[place]] += 1
                if found[by_take[place]] == 2:
                    waiting[ready] = by_take[place]
                    ready += 1
        if ready == 0:
            return turns, below, above
        ready -= 1
        value = waiting[ready]
        below[value], above[value] = _last_bare(bare, width, begins[value]), _first_bare(bare, width, ends[value])
        turns[value] = turn
        turn += 1
        _give_up(least, added, width, begins[value], ends[value])


@compiled
def _width(count: int) -> int:
    """The leaves of a tree: the nodes from this number on; node i has the children 2i and 2i + 1."""
    width = 1
    while width < count:
        width *= 2
    return width


@compiled
def _counts(firsts: Ints, runs: int) -> Ints:
    """Of each run how many of ``firsts`` are not after it."""
    counts = np.zeros(runs, np.int64)
    for first in firsts:
        counts[first] += 1
    return np.cumsum(counts)


@compiled
def _least_tree(covered: Small, width: int) -> tuple[Small, Small]:
    """Of each node the least number of values that cover one of its runs, without what was added to those above it;
    and what was added to all of its runs."""
    least = np.full(2 * width, MANY, np.int32)
    least[width : width + len(covered)] = covered
    for node in range(width - 1, 0, -1):
        least[node] = min(least[2 * node], least[2 * node + 1])
    return least, np.zeros(2 * width, np.int32)


@compiled
def _uncover(least: Small, added: Small, bare: NDArray[np.bool_], width: int) -> int:
    """A run that no value covers any more, and that was not found before: from now on it is bare."""
    node, above = 1, np.int32(0)
    while node < width:
        above += added[node]
        node *= 2
        if least[node] + above != 0:
            node += 1
    least[node] = MANY
    run = node - width
    bare[node] = True
    node //= 2
    while node > 0:
        bare[node] = True
        least[node] = min(least[2 * node], least[2 * node + 1]) + added[node]
        node //= 2
    return run


@compiled
def _give_up(least: Small, added: Small, width: int, first: int, last: int) -> None:
    """One value less covers the runs from ``first`` to ``last``."""
    left, right = first + width, last + width + 1
    while left < right:
        if left & 1:
            least[left] -= 1
            added[left] -= 1
            left += 1
        if right & 1:
            right -= 1
            least[right] -= 1
            added[right] -= 1
        left //= 2
        right //= 2
    for leaf in (first + width, last + width):
        node = leaf // 2
        while node > 0:
            least[node] = min(least[2 * node], least[2 * node + 1]) + added[node]
            node //= 2


@compiled
def _greatest_tree(lasts: Ints, order: Ints) -> Ints:
    """Of each node the greatest of the ``lasts``, taken in that order, below it."""
    width = _width(len(order))
    greatest = np.full(2 * width, NOBODY, np.int64)
    for place in range(len(order)):
        greatest[width + place] = lasts[order[place]]
    for node in range(width - 1, 0, -1):
        greatest[node] = max(greatest[2 * node], greatest[2 * node + 1])
    return greatest


@compiled
def _reaching(greatest: Ints, width: int, count: int, run: int) -> int:
    """One of the first ``count`` places whose last run is not before ``run``; from now on it is no more in the tree.
    -1 if there is none."""
    node = width + count
    if count == width:  # all of them
        node = 1 if greatest[1] >= run else 0
    else:
        while node > 1 and not (node & 1 and greatest[node - 1] >= run):
            node //= 2
        node = node - 1 if node > 1 else 0
    if node == 0:
        return -1
    while node < width:
        node *= 2
        if greatest[node] < run:
            node += 1
    greatest[node] = NOBODY
    place = node - width
    node //= 2
    while node > 0:
        greatest[node] = max(greatest[2 * node], greatest[2 * node + 1])
        node //= 2
    return place


@compiled
def _last_bare(bare: NDArray[np.bool_], width: int, run: int) -> int:
    """The last bare run before this one: there is one, after each key's first line."""
    node = run + width
    while node > 1 and not (node & 1 and bare[node - 1]):
        node //= 2
    assert node > 1
    node -= 1
    while node < width:
        node = 2 * node + 1 if bare[2 * node + 1] else 2 * node
    return node - width


@compiled
def _first_bare(bare: NDArray[np.bool_], width: int, run: int) -> int:
    """The first bare run after this one: there is one, after each key's last line."""
    node = run + width
    while node > 1 and (node & 1 or not bare[node + 1]):
        node //= 2
    assert node > 1
    node += 1
    while node < width:
        node = 2 * node if bare[2 * node] else 2 * node + 1
    return node - width


def _refute(pairing: Pairing, stuck: Ints) -> None:
    """The keys of which values are left: the first of those that connect, and of these what covers them."""
    pairs = pairing.pairs
    among = np.zeros(len(pairs), np.bool_)
    among[stuck] = True
    stuck = stuck[np.argsort(pairs.begins[stuck], kind="stable")]
    keys, firsts = np.unique(pairs.keys[stuck], return_index=True)
    for key, at in zip(keys.tolist(), firsts.tolist(), strict=True):
        if pairing.verdicts[key] != VALID:
            continue
        last = int(pairs.ends[stuck[at]])
        for value in stuck[at:].tolist():
            if pairs.begins[value] > last + 1 or pairs.keys[value] != key:
                break
            last = max(last, int(pairs.ends[value]))
        covering = chain(pairs, among, int(pairs.begins[stuck[at]]), last)
        pairing.refute(key, calls_of_pairs(pairs, covering))


def _placed(pairing: Pairing, within: Ints, turns: Ints, pushed: Ints, popped: Ints) -> Ints:
    """The calls in order: in each slot first pops, then what stands alone, then pushes; of the last taken away first
    the pop and last the push. Alone stand operations that found nothing, and a push with its pop where they overlap."""
    pairs, empties = pairing.pairs, pairing.empties
    alone = np.flatnonzero(pairs.begins > pairs.ends)
    both = alone[pairs.takes[alone] != NOBODY]
    away = np.flatnonzero(turns != NOBODY)
    values, turn = within[away], turns[away]
    gone = np.flatnonzero(pairs.takes[values] != NOBODY)
    many = len(pairs) + len(empties.calls) + 1
    slots = np.maximum(pairs.put_firsts, pairs.take_firsts)
    moments = np.concatenate(
        (
            ((pushed[away] * _PHASES + _PUSH) * many + turn) * 2,
            ((popped[away[gone]] * _PHASES + _POP) * many + (many - 1 - turn[gone])) * 2,
            ((slots[alone] * _PHASES + _ALONE) * many + alone) * 2,
            ((slots[both] * _PHASES + _ALONE) * many + both) * 2 + 1,
            ((empties.slots * _PHASES + _ALONE) * many + len(pairs)) * 2,
        )
    )
    calls = np.concatenate((pairs.puts[values], pairs.takes[values[gone]], pairs.puts[alone], pairs.takes[both],
                            empties.calls))  # fmt: skip
    return calls[np.argsort(moments, kind="stable")]
