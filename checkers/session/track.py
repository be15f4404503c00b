"""Orders of all writes along which sessions may move, each at its own pace: the quick way to see that PRAM holds.

If every read of a session shows what all writes up to some place in one order leave, and the session never goes back,
that order is its view. Most histories of real stores have one such order for all sessions, near that of time; where a
session cannot follow it, nothing is known yet (:mod:`checkers.session.pram`).
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate

from checkers.session.operation import Atom, Operation, place_of
from checkers.session.ranked import Ranking
from checkers.session.scene import Scene


@dataclass(frozen=True, slots=True)
class Track:
    """``place``: each write's place by its number, from 1. Of each key ``places`` and ``writes`` in order, and where
    values are versions the rank of the ``newest`` up to each; ``ranks``: those of each write."""

    place: Mapping[int, int]
    places: Mapping[Atom, Sequence[int]]
    writes: Mapping[Atom, Sequence[Operation]]
    newest: Mapping[Atom, Sequence[int]]
    ranks: Mapping[int, int]

    def is_followed(self, scene: Scene, operations: Sequence[Operation]) -> bool:
        """Whether a session, its operations in order of invocation, can move along it."""
        come = 0
        for operation in operations:
            if operation.is_write:
                if self.place[operation.number] <= come:
                    return False  # it had come past it before
                if operation.complete is not None:
                    come = self.place[operation.number]
            elif operation.clear:
                come = max([come, *(self.place[source.number] for source in operation.sources)])
                if not self._shows(scene, operation, come):
                    return False
        return True

    def _shows(self, scene: Scene, read: Operation, come: int) -> bool:
        """Whether the read shows what the writes of its key up to there leave."""
        count = bisect_right(self.places.get(read.key, ()), come)
        kind = scene.objects[read.key].kind
        if kind == "set":
            return count == len(read.sources)
        if kind == "list":
            return tuple(self.writes.get(read.key, ())[:count]) == read.sources
        if not count or not read.sources:
            return not count and not read.sources
        last = self.writes[read.key][count - 1]
        return last is read.sources[0] and self.is_newest(read.key, last, count)

    def is_newest(self, key: Atom, write: Operation, count: int) -> bool:
        """Whether, if versions have ranks, none of the first writes of its key is newer."""
        return key not in self.newest or self.newest[key][count - 1] == self.ranks[write.number]


def tracks(scene: Scene, ranks: Mapping[Atom, Ranking]) -> Iterator[Track]:
    """By invocation, and by when each was there for certain: when it completed, or a read that showed it did. Both keep
    the sessions' order; the writes of one transaction stay together."""
    writes = [write for each in scene.objects.values() for write in each.happened]
    yield _track(scene, ranks, sorted(writes, key=place_of))
    certain = {write.invoke: len(scene.history) if write.complete is None else write.complete for write in writes}
    for each in scene.objects.values():
        for read in each.reads:
            for source in read.sources:
                if read.complete is not None and read.complete < certain[source.invoke]:
                    certain[source.invoke] = read.complete
    yield _track(scene, ranks, sorted(writes, key=lambda write: (certain[write.invoke], *place_of(write))))


def _track(scene: Scene, ranks: Mapping[Atom, Ranking], order: Sequence[Operation]) -> Track:
    places: dict[Atom, list[int]] = {}
    writes: dict[Atom, list[Operation]] = {}
    for place, write in enumerate(order, start=1):
        places.setdefault(write.key, []).append(place)
        writes.setdefault(write.key, []).append(write)
    number_of = {write.number: place for place, write in enumerate(order, start=1)}
    known = {key: ranks[key].ranks for key in writes if scene.versions and key in ranks}
    newest = {key: list(accumulate((rank[write.number] for write in writes[key]), max)) for key, rank in known.items()}
    every = {number: rank for ranks_of_key in known.values() for number, rank in ranks_of_key.items()}
    return Track(number_of, places, writes, newest, every)
