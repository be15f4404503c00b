"""Registers whose written values are not distinct, or that know compare-and-set: swept key by key, compiled.

What is decided here is what ``checkers.linearizable.supply`` decides of one key, and in the same way: how many optional
operations there are of a class is counted only where an order was found that needs more. What takes too long, or has
too much open at once, is left.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import numpy as np

from checkers.linearizable.columnar.calls import Calls
from checkers.linearizable.columnar.objects import LEFT, REFUTED, VALID
from checkers.linearizable.columnar.sweep import FOUND, FULL, MORE, SLOTS, VISITED, Ways, begin, collect, end, go
from checkers.linearizable.columnar.sweep import LEVEL as _LEVEL
from checkers.linearizable.columnar.sweep import RANK as _RANK
from checkers.linearizable.columnar.sweep import REFUTED as _REFUTED
from checkers.linearizable.columnar.sweep import WAYS as _WAYS
from checkers.linearizable.columnar.sweep import sweep_of, ways_of
from checkers.linearizable.columnar.trail import OVERDRAWN, placed
from checkers.linearizable.columnar.transitions import ANY, Transitions, transitions
from checkers.linearizable.limit import Limit

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Ints = NDArray[np.int64]
    Small = NDArray[np.int32]
    Bytes = NDArray[np.uint8]

_CLASSES_MAX: Final = 64  # of one key
_TURN: Final = 1_000_000  # configurations between two looks at the clock
_CONFIGURATIONS: Final = 5_000_000  # of one key, and for each of its operations:
_CONFIGURATIONS_EACH: Final = 200
_WAYS: Final = 1 << 16
_WAYS_MAX: Final = 1 << 25


@dataclass(frozen=True, slots=True)
class Searched:
    """Of each key that was asked for VALID, REFUTED or LEFT; of the valid ones a linearization, as invocations; of
    refuted ones the invocations of the operations that took effect, up to the first completion that no order explains.
    ``configurations`` of all."""

    verdicts: Bytes
    orders: Sequence[Ints]
    refuted: Sequence[Ints]
    configurations: int


@dataclass
class _Search:
    """Sweeps key by key, in the same room."""

    transitions: Transitions
    limit: Limit
    configurations: int = 0
    ways: Ways = field(default_factory=lambda: ways_of(_WAYS))

    def __post_init__(self) -> None:
        self._sweep = sweep_of(self.transitions.values, len(self.transitions.classes.leaves))
        self._bits = 0

    def decide(self, number: int) -> tuple[int, Ints]:
        """The verdict on a key, with its linearization, or the ranks that refute it."""
        found = self.transitions
        first_class, last_class = int(found.class_starts[number]), int(found.class_starts[number + 1])
        first, last = int(found.rank_starts[number]), int(found.rank_starts[number + 1])
        nothing = found.ranks.invokes[:0]
        if last_class - first_class > _CLASSES_MAX:
            return LEFT, nothing
        self._bits = 0
        self._count(first_class, np.flatnonzero(found.classes.expects[first_class:last_class] == ANY))
        while True:
            initial = int(found.initial[number])
            begin(initial, first, first_class, last_class, found.classes, self._sweep)
            outcome = self._go(first, last, first_class, last_class)
            counts, pools = self._sweep.now.counts, self._sweep.now.pool
            self.configurations += int(counts[VISITED])
            if outcome == FOUND:
                way = int(self._sweep.level.ways[0])
                count, order = placed(first, last, initial, way, pools, found.ranks, found.classes, self.ways)
            end(first_class, last_class, found.ranks, found.classes, self._sweep)
            if outcome == _REFUTED:
                return REFUTED, found.ranks.invokes[first : int(counts[_RANK]) + 1]
            if outcome != FOUND:
                return LEFT, nothing
            if count >= 0:
                return VALID, order
            if not self._count(first_class, np.array([OVERDRAWN - count - first_class])):
                return LEFT, nothing

    def _count(self, first_class: int, numbers: Ints) -> bool:
        """From now on count these classes of the key; False if not all of them fit into one word."""
        classes, bits = self.transitions.classes, self._bits
        for number in numbers.tolist():
            size = int(classes.starts[first_class + number + 1] - classes.starts[first_class + number])
            if bits + size > SLOTS:
                return False
            classes.counted[first_class + number], classes.bases[first_class + number] = 1, bits
            bits += size
            self._bits = bits
        return True

    def _go(self, first: int, last: int, first_class: int, last_class: int) -> int:
        """Sweep the key that was begun to the end of its ranks, of time, or of memory."""
        found, counts = self.transitions, self._sweep.now.counts
        most = _CONFIGURATIONS + _CONFIGURATIONS_EACH * (last - first)
        outcome = MORE
        while outcome in (MORE, FULL):
            if outcome == FULL and not self._make_room():
                break
            if self.limit.expired() or counts[VISITED] >= most:
                break
            stop = min(most, int(counts[VISITED]) + _TURN)
            outcome = go(last, first_class, last_class, found.ranks, found.classes, self._sweep, self.ways, stop)
        return outcome

    def _make_room(self) -> bool:
        room = len(self.ways.parents)
        collect(self._sweep, self.ways, np.empty(room, np.int32))
        if self._sweep.now.counts[_WAYS] > room // 2:
            if room >= _WAYS_MAX:
                return False
            more = ways_of(2 * room)
            for old, new in zip(self.ways, more, strict=True):
                new[:room] = old
            self.ways = more
        return True


def search(calls: Calls, keys: Ints, initial: tuple[int, int], limit: Limit) -> Searched:
    """Decide these keys (ascending; none of them foreign), the shortest ones first."""
    found = _Search(transitions(calls, keys, initial), limit)
    verdicts = np.full(len(keys), LEFT, np.uint8)
    orders = [found.transitions.ranks.invokes[:0]] * len(keys)
    refuted = list(orders)
    for number in np.argsort(np.diff(found.transitions.rank_starts), kind="stable").tolist():
        verdict, operations = found.decide(number)
        verdicts[number] = verdict
        if verdict != LEFT:
            (orders if verdict == VALID else refuted)[number] = operations
    return Searched(verdicts, orders, refuted, found.configurations)
