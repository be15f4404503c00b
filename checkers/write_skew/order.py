"""Whether a shift's transactions have a serial order in which each read what was there.

States are few (who is on call), and so are the kinds of transactions: those that read and write the same count as one
kind with a number. A search over (state, how many of each kind are left) remembers what it has refuted. What only reads
is put in as soon as it fits: it can only help to be done with it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from operator import mul
from time import monotonic
from typing import Final, NamedTuple

from checkers.guard import OutOfTimeError
from checkers.write_skew.shift import Shift, Transaction

STATES_MAX: Final = 50_000
_TICK: Final = 1024


class Undecided(Exception):
    """There were more states than STATES_MAX."""


class _Kind(NamedTuple):
    """Bit masks of doctors: read on, read off, written on, written off."""

    saw_on: int
    saw_off: int
    on: int
    off: int

    def fits(self, state: int) -> bool:
        return state & self.saw_on == self.saw_on and not state & self.saw_off

    def after(self, state: int) -> int:
        return (state & ~self.off) | self.on


def is_serializable(shift: Shift, required: Iterable[Transaction], deadline: float | None) -> bool:
    """Whether the ``required`` ones have a serial order, each with what it read; the others of the shift happen or
    not, whatever they read. Raises :class:`Undecided` and :class:`checkers.guard.OutOfTimeError`."""
    places = {doctor: 1 << place for place, doctor in enumerate(shift.initial)}
    needed = list(required)
    if not all(each.agrees_with_itself for each in needed):
        return False
    inside = {each.call.invoke for each in needed}
    readers = dict.fromkeys(_kind(each, places, reads=True) for each in needed if not each.wrote)
    movers = Counter((_kind(each, places, reads=True), True) for each in needed if each.wrote)
    others = (each for each in shift.transactions if each.call.invoke not in inside and each.wrote)
    movers.update((_kind(each, places, reads=False), False) for each in others)
    start = sum(places[doctor] for doctor, on in shift.initial.items() if on)
    search = _Search(tuple(readers), [kind for kind, _ in movers], [must for _, must in movers])
    return search.run(start, tuple(movers.values()), deadline)


def _kind(each: Transaction, places: dict[int, int], *, reads: bool) -> _Kind:
    masks = [0, 0, 0, 0]
    for doctor, on in each.saw if reads else ():
        masks[0 if on else 1] |= places[doctor]
    for doctor, on in each.wrote:
        masks[2 if on else 3] |= places[doctor]
    return _Kind(*masks)


class _Position(NamedTuple):
    """Who is on call, how many of each kind of mover are left, and (bits) which readers are."""

    state: int
    left: tuple[int, ...]
    unread: int


class _Search:
    """Depth first. What a state allows is found once for each."""

    def __init__(self, readers: Sequence[_Kind], movers: Sequence[_Kind], must: Sequence[bool]) -> None:
        self.readers, self.movers, self.must = readers, movers, must
        self._read: dict[int, int] = {}
        self._steps: dict[int, list[tuple[int, int]]] = {}

    def run(self, start: int, counts: tuple[int, ...], deadline: float | None) -> bool:
        first = self.at(start, counts, (1 << len(self.readers)) - 1)
        refuted = {first}
        stack = [(first, self.moves(first))]
        while stack:
            position, moves = stack[-1]
            if not position.unread and not any(map(mul, position.left, self.must)):
                return True
            following = next((each for each in moves if each not in refuted), None)
            if following is None:
                stack.pop()
                continue
            refuted.add(following)
            stack.append((following, self.moves(following)))
            if len(refuted) > STATES_MAX:
                raise Undecided
            if len(refuted) % _TICK == 0 and deadline is not None and monotonic() > deadline:
                raise OutOfTimeError(f"a serial order of a shift was being searched, {len(refuted)} states far")
        return False

    def at(self, state: int, left: tuple[int, ...], unread: int) -> _Position:
        """The position, with all readers put in that this state fits."""
        fitting = self._read.get(state)
        if fitting is None:
            fitting = sum(1 << place for place, kind in enumerate(self.readers) if kind.fits(state))
            self._read[state] = fitting
        return _Position(state, left, unread & ~fitting)

    def moves(self, position: _Position) -> Iterator[_Position]:
        """One mover more; one that changes nothing here only where it is required."""
        state, left, unread = position
        steps = self._steps.get(state)
        if steps is None:
            afters = ((place, kind.after(state)) for place, kind in enumerate(self.movers) if kind.fits(state))
            steps = self._steps[state] = [step for step in afters if step[1] != state or self.must[step[0]]]
        for place, after in steps:
            if left[place]:
                yield self.at(after, (*left[:place], left[place] - 1, *left[place + 1 :]), unread)
