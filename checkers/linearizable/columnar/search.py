"""A register decided by sweeps: what ``checkers.linearizable.supply`` decides of one key, the same way, compiled.

How many optional operations there are of a class is counted only where an order was found that needs more. What takes
too long, or has too much open at once, is left.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from checkers.linearizable.columnar.board import RANK, SLOTS, VISITED, WAY, WAYS, board_of, ways_of
from checkers.linearizable.columnar.objects import LEFT, REFUTED, VALID
from checkers.linearizable.columnar.sweep import FOUND, FULL, MORE, begin, end, go
from checkers.linearizable.columnar.sweep import REFUTED as NO_WAY
from checkers.linearizable.columnar.trail import BROKEN, OVERDRAWN, placed
from checkers.linearizable.columnar.transitions import (
    ANY,
    BASE,
    COUNTED,
    EXPECTS,
    INVOKES,
    SIZE,
    Transitions,
)
from checkers.linearizable.columnar.way import collect
from checkers.linearizable.limit import Limit

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Ints = NDArray[np.int64]

_CLASSES_MAX: Final = 64  # of one key
_TURN: Final = 100_000  # configurations between two looks at the clock
_WAYS: Final = 1 << 16
_WAYS_MAX: Final = 1 << 23


class Search:
    """Sweeps key by key, in the same room, each within the limit."""

    def __init__(self, found: Transitions, limit: Limit) -> None:
        self.transitions, self.limit = found, limit
        self.configurations = 0
        self._board, self._ways = board_of(found), ways_of(_WAYS)

    def decide(self, number: int, most: int) -> tuple[int, Ints]:
        """The verdict on a key, after at most so many configurations, with its linearization, or what refutes it: the
        invocations of what took effect, by completion, up to the first completion that no order explains."""
        found = self.transitions
        first_class, last_class = found.class_starts[number : number + 2].tolist()
        nothing = found.invokes[:0]
        if last_class - first_class > _CLASSES_MAX:
            return LEFT, nothing
        bits = self._count(0, first_class + np.flatnonzero(found.classes[EXPECTS, first_class:last_class] == ANY))
        while True:
            before = self.configurations
            outcome, count, order = self._attempt(number, most)
            most -= self.configurations - before
            if outcome == NO_WAY:
                refuted = slice(found.rank_starts[number], self._board.counts[RANK] + 1)
                return REFUTED, found.ranks[INVOKES, refuted]
            if outcome == FOUND and count >= 0:
                return VALID, order[:count]
            if outcome != FOUND or count == BROKEN:
                return LEFT, nothing
            overdrawn = OVERDRAWN - count
            bits = self._count(bits, np.array([overdrawn]))
            if not found.classes[COUNTED, overdrawn]:
                return LEFT, nothing

    def _count(self, bits: int, numbers: Ints) -> int:
        """Count these classes from now on, as far as one word can; how many of its bits are used then."""
        classes = self.transitions.classes
        for number in numbers.tolist():
            if bits + classes[SIZE, number] <= SLOTS:
                classes[COUNTED, number], classes[BASE, number] = 1, bits
                bits += int(classes[SIZE, number])
        return bits

    def _attempt(self, number: int, most: int) -> tuple[int, int, Ints]:
        """How a sweep over the key ended; where a way was found, as ``placed`` says it."""
        found, board = self.transitions, self._board
        first, last = found.rank_starts[number : number + 2].tolist()
        first_class, last_class = found.class_starts[number : number + 2].tolist()
        initial = int(found.initial[number])
        begin(initial, first, last, first_class, last_class, board)
        outcome = self._go(most)
        self.configurations += int(board.counts[VISITED])
        count, order = 0, found.invokes[:0]
        if outcome == FOUND:
            count, order = placed(first, initial, int(board.level[WAY, 0]), board, self._ways)
        end(board)
        return outcome, count, order

    def _go(self, most: int) -> int:
        """Sweep the key that was begun to the end of its ranks, of time, or of memory."""
        counts, outcome = self._board.counts, MORE
        while outcome == MORE or (outcome == FULL and self._make_room()):
            if self.limit.expired() or counts[VISITED] >= most:
                break
            outcome = go(self._board, self._ways, min(most, int(counts[VISITED]) + _TURN))
        return outcome

    def _make_room(self) -> bool:
        """Room for more ways, if there may be."""
        room = self._ways.shape[1]
        collect(self._board, self._ways, np.empty(room, np.int32))
        if self._board.counts[WAYS] > room // 2:
            if room >= _WAYS_MAX:
                return False
            more = ways_of(2 * room)
            more[:, :room] = self._ways
            self._ways = more
        return True
