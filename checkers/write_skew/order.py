"""Whether a shift's transactions have a serial order in which each read what was there.

States are few (who is on call), and so are the kinds of transactions: those that read and write the same count as one
kind with a number. A search over (state, how many of each kind are left) remembers what it has refuted. What only reads
is put in as soon as it fits: it can only help to be done with it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from time import monotonic
from typing import Final, NamedTuple

from checkers.guard import OutOfTimeError
from checkers.write_skew.shift import Shift, Transaction

STATES_MAX: Final = 100_000
_TICK: Final = 1024


class Undecided(Exception):
    """There were more states than STATES_MAX."""


class _Kind(NamedTuple):
    """Bit masks of doctors: read on, read off, written on, written off."""

    saw_on: int
    saw_off: int
    on: int
    off: int

    @property
    def writes(self) -> int:
        return self.on | self.off

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
    optional = (each for each in shift.transactions if each.call.invoke not in inside and each.wrote)
    counts = Counter((_kind(each, places, reads=True), True) for each in needed)
    counts.update((_kind(each, places, reads=False), False) for each in optional)
    kinds = list(counts)
    start = sum(places[doctor] for doctor, on in shift.initial.items() if on)
    return _search([kind for kind, _ in kinds], [must for _, must in kinds], start, tuple(counts.values()), deadline)


def _kind(each: Transaction, places: dict[int, int], *, reads: bool) -> _Kind:
    masks = [0, 0, 0, 0]
    for doctor, on in each.saw if reads else ():
        masks[0 if on else 1] |= places[doctor]
    for doctor, on in each.wrote:
        masks[2 if on else 3] |= places[doctor]
    return _Kind(*masks)


_Counts = tuple[int, ...]
_Position = tuple[int, _Counts]


def _search(kinds: Sequence[_Kind], must: Sequence[bool], start: int, counts: _Counts, deadline: float | None) -> bool:
    first = _settled(kinds, must, start, counts)
    refuted = {first}
    stack = [(first, _moves(kinds, must, *first))]
    while stack:
        (_, left), moves = stack[-1]
        if not any(count for count, needed in zip(left, must, strict=True) if needed):
            return True
        for state, counts_after in moves:
            following = _settled(kinds, must, state, counts_after)
            if following not in refuted:
                refuted.add(following)
                stack.append((following, _moves(kinds, must, *following)))
                break
        else:
            stack.pop()
        if len(refuted) > STATES_MAX:
            raise Undecided
        if len(refuted) % _TICK == 0 and deadline is not None and monotonic() > deadline:
            raise OutOfTimeError(f"a serial order of a shift was being searched, {len(refuted)} states far")
    return False


def _settled(kinds: Sequence[_Kind], must: Sequence[bool], state: int, counts: _Counts) -> _Position:
    """With all that is required put in that fits here and writes nothing."""
    left = tuple(
        0 if count and needed and not kind.writes and kind.fits(state) else count
        for kind, needed, count in zip(kinds, must, counts, strict=True)
    )
    return state, left


def _moves(kinds: Sequence[_Kind], must: Sequence[bool], state: int, counts: _Counts) -> Iterator[_Position]:
    """One transaction more; what changes nothing here only where it is required."""
    for place, count in enumerate(counts):
        if count and kinds[place].fits(state):
            after = kinds[place].after(state)
            if after != state or must[place]:
                yield after, (*counts[:place], count - 1, *counts[place + 1 :])
