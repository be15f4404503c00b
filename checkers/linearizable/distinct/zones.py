"""Registers whose written values are distinct: zones (Gibbons & Korach, Testing Shared Memories, 1997, section 4).

A value's *cluster* is its write and all reads of it, and takes effect as one block. It stretches from its first
completion to its last invocation. Where the first lies before the last, the block must cover that *forward* zone; else
it may stand at any one moment of its *backward* zone. The history is linearizable if and only if no read precedes its
write, no two forward zones overlap, and no backward zone lies within a forward one.

A write that perhaps took effect did if it was read, and then has no completion; if not, it is left out. The initial
value is written before all else.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from math import inf

from checkers.linearizable.distinct.verdict import Verdict
from checkers.linearizable.operation import KeyHistory, Operation

ALGORITHM = "zones"


@dataclass(slots=True)
class _Cluster:
    write: Operation | None = None
    initial: bool = False
    optional: bool = False
    reads: list[Operation] = field(default_factory=list)

    def first_completion(self) -> tuple[float, Operation | None]:
        """The zone's one end, and whose it is (None: the initial value's)."""
        if self.initial:
            return -inf, None
        least: tuple[float, Operation | None] = (inf, None)
        if self.write is not None and not self.optional:
            least = (_complete(self.write), self.write)
        for read in self.reads:
            if _complete(read) < least[0]:
                least = (_complete(read), read)
        return least

    def last_invocation(self) -> tuple[float, Operation | None]:
        """The zone's other end, and whose it is."""
        most: tuple[float, Operation | None] = (-inf, None) if self.write is None else (self.write.invoke, self.write)
        for read in self.reads:
            if read.invoke > most[0]:
                most = (read.invoke, read)
        return most


@dataclass(frozen=True, slots=True)
class _Zone:
    first: float
    last: float
    cluster: _Cluster
    ends: tuple[Operation | None, Operation | None]


def _complete(operation: Operation) -> float:
    return inf if operation.complete is None else operation.complete


def decide(key: KeyHistory) -> Verdict | None:
    """The verdict; None where this method does not apply: a value is written twice, or anything else is done."""
    clusters = _clusters(key)
    if clusters is None:
        return None
    zones = []
    for cluster in clusters.values():
        for read in cluster.reads:
            if not cluster.initial and (cluster.write is None or cluster.write.invoke > _complete(read)):
                return Verdict(ALGORITHM, refuted=(read,))
        if cluster.reads or not (cluster.optional or cluster.initial):
            zones.append(_zone(cluster))
    forward = sorted((zone for zone in zones if zone.first < zone.last), key=lambda zone: zone.first)
    backward = [zone for zone in zones if zone.first > zone.last]
    for one, other in pairwise(forward):
        if other.first < one.last:
            return _refuted(one, other)
    return _placed(forward, backward)


def _clusters(key: KeyHistory) -> dict[int, _Cluster] | None:
    clusters: dict[int, _Cluster] = {key.initial: _Cluster(initial=True)}
    for operations, optional in ((key.required, False), (key.optional, True)):
        for operation in operations:
            step = operation.step
            if step.f == "read":
                clusters.setdefault(step.returned, _Cluster()).reads.append(operation)
            elif step.f != "write":
                return None
            else:
                cluster = clusters.setdefault(step.given[0], _Cluster())
                if cluster.write is not None or cluster.initial:
                    return None
                cluster.write, cluster.optional = operation, optional
    return clusters


def _zone(cluster: _Cluster) -> _Zone:
    (first, one), (last, other) = cluster.first_completion(), cluster.last_invocation()
    return _Zone(first, last, cluster, (one, other))


def _refuted(one: _Zone, other: _Zone) -> Verdict:
    found = {operation.invoke: operation for operation in (*one.ends, *other.ends)
             if operation is not None and operation.complete is not None}  # fmt: skip
    return Verdict(ALGORITHM, refuted=tuple(sorted(found.values(), key=_complete)))


def _placed(forward: Sequence[_Zone], backward: Iterable[_Zone]) -> Verdict:
    """A moment for each block: a forward zone's beginning; of a backward zone one that no forward zone covers."""
    begins = [zone.first for zone in forward]
    moments: list[tuple[float, int, int, _Cluster]] = [
        (zone.first, 0, i, zone.cluster) for i, zone in enumerate(forward)
    ]
    for i, zone in enumerate(backward):
        at = bisect_right(begins, zone.last) - 1
        moment = zone.last
        if at >= 0 and forward[at].last > zone.last:
            if forward[at].last > zone.first:
                return _refuted(forward[at], zone)
            moment = forward[at].last
        moments.append((moment, 1, i, zone.cluster))
    moments.sort(key=lambda each: each[:3])
    order: list[Operation] = []
    for *_, cluster in moments:
        if cluster.write is not None:
            order.append(cluster.write)
        order.extend(sorted(cluster.reads, key=lambda read: read.invoke))
    return Verdict(ALGORITHM, order=tuple(order))
