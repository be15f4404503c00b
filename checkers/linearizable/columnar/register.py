"""Registers whose written values are distinct, all keys in one pass: zones (Gibbons & Korach 1997, section 4).

The same as ``distinct.zones``, which says why; here a zone's two ends are lines of the history. From the first line to
the last, each forward zone begins and each backward one ends: whether it may do so there, only the zone that began last
on that key can say. So nothing need be sorted.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from checkers.linearizable.columnar.calls import CAS, READ, WRITE, Calls
from checkers.linearizable.columnar.clusters import clusters
from checkers.linearizable.columnar.objects import LEFT, REFUTED, VALID, Blame, Objects
from harness.compiled import compiled

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Ints = NDArray[np.int64]
    Small = NDArray[np.int32]
    Bytes = NDArray[np.uint8]
    Flags = NDArray[np.bool_]

ALGORITHM: Final = "zones"
NOBODY: Final = -1
INITIAL: Final = -2  # in place of a write: the value was there before all lines


@dataclass(frozen=True, slots=True, eq=False)
class Zones:
    """Of each cluster its write (a call's number, NOBODY or INITIAL); its key; its calls; the first of their lines of
    completion and the last of invocation, and whose these are. ``first_reads``: by whom it was first seen."""

    writes: Ints
    keys: Ints
    sizes: Ints
    firsts: Ints
    first_calls: Ints
    lasts: Ints
    last_calls: Ints
    first_reads: Ints


def decide(calls: Calls, initial_kind: int, initial_number: int) -> Objects:
    """The verdict on every key; those are left on which a value is written twice, or anything else is done."""
    cluster, count = clusters(calls.keys, calls.kinds, calls.numbers)
    initial = (calls.kinds == initial_kind) & (calls.numbers == initial_number)
    zones = _empty(count)
    verdicts = np.where(calls.foreign, LEFT, VALID).astype(np.uint8)
    verdicts[calls.keys[calls.acts == CAS]] = LEFT
    _gather(calls.invokes, calls.completes, calls.never, calls.acts, calls.keys, cluster, initial, verdicts,
            zones.writes, zones.keys, zones.sizes, zones.firsts, zones.first_calls, zones.lasts, zones.last_calls,
            zones.first_reads)  # fmt: skip
    blames = np.full((len(verdicts), 2), NOBODY, np.int64)
    following = np.empty(count, np.int64)
    heads = _sweep(calls.never, calls.invokes, calls.completes, verdicts, blames, following,
                   zones.writes, zones.keys, zones.sizes, zones.firsts, zones.lasts, zones.first_reads)  # fmt: skip
    starts = np.zeros(len(verdicts) + 1, np.int64)
    orders = _orders(calls.invokes, calls.acts, cluster, heads, following, verdicts, zones.keys, zones.sizes, starts)
    return Objects(
        keys=calls.key_codes,
        verdicts=verdicts,
        orders=orders,
        starts=starts,
        blame=lambda key: _blame(calls, cluster, zones, blames[key].tolist()),
        left=calls.lines[(verdicts == LEFT)[calls.line_keys]],
        algorithm=ALGORITHM,
    )


def _empty(count: int) -> Zones:
    def filled(number: int) -> Ints:
        return np.full(count, number, np.int64)

    return Zones(filled(NOBODY), filled(0), filled(0), filled(np.iinfo(np.int64).max), filled(NOBODY), filled(NOBODY),
                 filled(NOBODY), filled(NOBODY))  # fmt: skip


@compiled
def _gather(
    invokes: Ints, completes: Ints, never: int, acts: Bytes, keys: Ints, cluster: Ints, initial: Flags, verdicts: Bytes,
    writes: Ints, cluster_keys: Ints, sizes: Ints, firsts: Ints, first_calls: Ints, lasts: Ints, last_calls: Ints,
    first_reads: Ints,
) -> None:  # fmt: skip
    """The clusters, of calls by invocation. A write that nobody answered has no completion."""
    for i in range(len(invokes)):
        c = cluster[i]
        cluster_keys[c] = keys[i]
        if initial[i]:
            if writes[c] == NOBODY:
                writes[c] = INITIAL
            firsts[c] = -1
        if acts[i] == WRITE:
            if writes[c] != NOBODY:
                verdicts[keys[i]] = LEFT
            writes[c] = i
        elif first_reads[c] == NOBODY or completes[i] < completes[first_reads[c]]:
            first_reads[c] = i
        sizes[c] += 1
        if completes[i] < never and completes[i] < firsts[c]:
            firsts[c], first_calls[c] = completes[i], i
        lasts[c], last_calls[c] = invokes[i], i


@compiled
def _sweep(
    never: int, invokes: Ints, completes: Ints, verdicts: Bytes, blames: Ints, following: Ints,
    writes: Ints, cluster_keys: Ints, sizes: Ints, firsts: Ints, lasts: Ints, first_reads: Ints,
) -> Small:  # fmt: skip
    """The first cluster whose moment comes at each line; the next one there ``follows``. Sets verdicts and blames: two
    clusters, or one whose first read came before its write."""
    events = np.full(never, NOBODY, np.int32)
    heads = np.full(never + 1, NOBODY, np.int32)  # whatever comes before all lines is at the place ``never``
    open_until = np.full(len(verdicts), NOBODY, np.int64)
    open_cluster = np.full(len(verdicts), NOBODY, np.int64)
    for c in range(len(writes)):
        key, write = cluster_keys[c], writes[c]
        if verdicts[key] == LEFT:
            continue
        if first_reads[c] == NOBODY:
            if write == INITIAL or completes[write] == never:
                sizes[c] = 0
                continue
        elif write != INITIAL and (write == NOBODY or invokes[write] > completes[first_reads[c]]):
            verdicts[key], blames[key, 0], blames[key, 1] = REFUTED, c, NOBODY
            continue
        if write == INITIAL:
            open_until[key], open_cluster[key] = lasts[c], c
            following[c], heads[never] = heads[never], c
        else:
            events[min(firsts[c], lasts[c])] = c
    for line in range(never):
        c = events[line]
        if c == NOBODY or verdicts[cluster_keys[c]] != VALID:
            continue
        key, moment = cluster_keys[c], np.int64(line)
        forward = firsts[c] < lasts[c]
        if open_until[key] > (line if forward else firsts[c]):
            verdicts[key], blames[key, 0], blames[key, 1] = REFUTED, open_cluster[key], c
        elif forward:
            open_until[key], open_cluster[key] = lasts[c], c
        elif open_until[key] > line:
            moment = open_until[key]
        following[c], heads[moment] = heads[moment], c
    return heads


@compiled
def _orders(
    invokes: Ints, acts: Bytes, cluster: Ints, heads: Small, following: Ints, verdicts: Bytes,
    cluster_keys: Ints, sizes: Ints, starts: Ints,
) -> Ints:  # fmt: skip
    """The clusters key by key, each key's by their moments; in a cluster its write, and its reads by invocation."""
    for c in range(len(sizes)):
        if verdicts[cluster_keys[c]] == VALID:
            starts[cluster_keys[c] + 1] += sizes[c]
    for key in range(len(verdicts)):
        starts[key + 1] += starts[key]
    free = starts[:-1].copy()
    places = np.full(len(sizes), NOBODY, np.int64)
    for moment in range(-1, len(heads) - 1):
        c = int(heads[moment])  # -1 is the last place: whatever comes before all lines
        while c != NOBODY:
            key = cluster_keys[c]
            if verdicts[key] == VALID:
                places[c] = free[key]
                free[key] += sizes[c]
            c = following[c]
    orders = np.empty(starts[-1], np.int64)
    written = np.zeros(len(sizes), np.bool_)
    for i in range(len(invokes)):
        if acts[i] == WRITE and places[cluster[i]] != NOBODY:
            orders[places[cluster[i]]] = invokes[i]
            places[cluster[i]] += 1
            written[cluster[i]] = True
    for i in range(len(invokes)):
        if acts[i] == READ and places[cluster[i]] != NOBODY:
            orders[places[cluster[i]]] = invokes[i]
            places[cluster[i]] += 1
    return orders


def _blame(calls: Calls, cluster: Ints, zones: Zones, blamed: list[int]) -> Blame:
    """The ends of the two zones, or the read that came too early; with the writes, and what each was overtaken by."""
    one, other = blamed
    if other == NOBODY:
        chosen = [int(zones.first_reads[one])]
    else:
        ends = [ends[c] for c in blamed for ends in (zones.first_calls, zones.last_calls)]
        chosen = [int(i) for i in ends if i != NOBODY and calls.completes[i] < calls.never]
    makers = [int(zones.writes[c]) for c in blamed if c != NOBODY and zones.writes[c] >= 0]
    overtaking = [other for i in chosen if (other := _overtaking(calls, cluster, i)) != NOBODY]
    involved = {int(calls.invokes[i]) for i in (*chosen, *makers, *overtaking)}
    return Blame(tuple(sorted({int(calls.invokes[i]) for i in chosen})), tuple(sorted(involved)))


def _overtaking(calls: Calls, cluster: Ints, call: int) -> int:
    """Of the calls about another value that had completed when this one began, the one that began last: for the
    story, which tells best what had been overwritten for certain."""
    before = calls.completes < calls.invokes[call]
    before &= (calls.keys == calls.keys[call]) & (cluster != cluster[call])
    return int(np.flatnonzero(before)[-1]) if before.any() else NOBODY
