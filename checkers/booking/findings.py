"""What is wrong in a room: slots that two hold, bookings that are gone, answers that show what never was.

Bookings in force share no slot as long as nothing is wrong. So one sweep over the positions of the history finds the
first that does: those in force lie side by side in a sorted list, and a new one is compared with its two neighbours. It
is not put in if it overlaps one; what it would have met besides is one finding less, and the verdict is the same.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import pairwise
from math import inf
from operator import attrgetter
from time import monotonic
from typing import Final, NamedTuple

from checkers.booking.room import Booking, Read, Room, Shown, end_of
from checkers.guard import OutOfTimeError

GARBAGE_READ, ABORTED_READ, FUTURE_READ = "garbage-read", "G1a", "future-read"
DUPLICATE_ELEMENTS: Final = "duplicate-elements"
_TICK: Final = 1024


class Pair(NamedTuple):
    """Two bookings that share a slot, the one that was known first; ``read`` is the answer that shows both, if that is
    why they cannot be, and None if both were in force."""

    one: Booking
    other: Booking
    read: Read | None


class Strange(NamedTuple):
    """What an answer shows and should not, and why (an anomaly's type)."""

    type: str
    read: Read
    shown: Shown
    asked: Booking | None


@dataclass(slots=True)
class Findings:
    """``missing`` is set where there are bookings that only a final read could show, and none was made."""

    pairs: list[Pair] = field(default_factory=list)
    lost: list[Booking] = field(default_factory=list)
    uncancelled: list[Booking] = field(default_factory=list)
    strange: list[Strange] = field(default_factory=list)
    missing: bool = False


def look(room: Room, deadline: float | None) -> Findings:
    """Everything wrong in one room, each pair once. Raises :class:`checkers.guard.OutOfTimeError`."""
    found = Findings()
    pairs = {_ids(pair): pair for pair in _in_force_at_once(room, deadline)}
    for done, read in enumerate(room.reads):
        if done % _TICK == 0:
            _within(deadline, f"{done} of {len(room.reads)} reads of a room were looked at")
        found.strange += _strange(room, read)
        for pair in _shown_at_once(room, read):
            pairs.setdefault(_ids(pair), pair)
    found.pairs += pairs.values()
    _look_at_the_end(room, found)
    return found


def _ids(pair: Pair) -> frozenset[int]:
    return frozenset((pair.one.id, pair.other.id))


def _within(deadline: float | None, so_far: str) -> None:
    if deadline is not None and monotonic() > deadline:
        raise OutOfTimeError(f"{so_far} within the time allowed")


def _in_force_at_once(room: Room, deadline: float | None) -> Iterator[Pair]:
    bookings = [each for each in room.bookings.values() if each.known < each.over]
    events = [(each.known, True, each) for each in bookings]
    events += [(each.over, False, each) for each in bookings if each.over < inf]
    held: list[Booking] = []
    for done, (_, begins, booking) in enumerate(sorted(events, key=lambda event: event[:2])):
        if done % _TICK == 0:
            _within(deadline, f"{done} of {len(events)} changes of a room were looked at")
        place = bisect_left(held, booking.slots.first, key=_first)
        if not begins:
            if place < len(held) and held[place] is booking:
                del held[place]
            continue
        beside = [each for each in held[max(0, place - 1) : place + 1] if each.slots.overlaps(booking.slots)]
        if beside:
            yield Pair(beside[0], booking, None)
        else:
            insort(held, booking, key=_first)


_first = attrgetter("slots.first")


def _shown_at_once(room: Room, read: Read) -> Iterator[Pair]:
    """Neighbours that overlap, of what one answer shows; each booking once."""
    made = {shown.id: room.bookings[shown.id] for shown in read.shown if shown.id in room.bookings}
    reach: Booking | None = None
    for booking in sorted((each for each in made.values() if each.call.outcome != "fail"), key=_first):
        if reach is not None and reach.slots.overlaps(booking.slots):
            one, other = sorted((reach, booking), key=lambda each: each.known)
            yield Pair(one, other, read)
        if reach is None or booking.slots.last > reach.slots.last:
            reach = booking


def _strange(room: Room, read: Read) -> Iterator[Strange]:
    ids = sorted(shown.id for shown in read.shown)
    twice = {one for one, other in pairwise(ids) if one == other}
    for shown in {each.id: each for each in read.shown}.values():
        asked = room.bookings.get(shown.id)
        if shown.id in twice:
            yield Strange(DUPLICATE_ELEMENTS, read, shown, asked)
        if asked is None or (shown.slots is not None and shown.slots != asked.slots):
            yield Strange(GARBAGE_READ, read, shown, asked)
        elif asked.call.outcome == "fail":
            yield Strange(ABORTED_READ, read, shown, asked)
        elif asked.call.invoke > end_of(read.call):
            yield Strange(FUTURE_READ, read, shown, asked)


def _look_at_the_end(room: Room, found: Findings) -> None:
    final = room.final
    if final is None:
        found.missing = any(each.known < inf for each in room.bookings.values())
        return
    shown = {each.id for each in final.shown}
    began, ended = final.call.invoke, end_of(final.call)
    for booking in room.bookings.values():
        if booking.id in shown:
            if booking.cancelled is not None:
                found.uncancelled.append(booking)
        elif booking.known < began and booking.over > ended:
            found.lost.append(booking)


def contested(room: Room) -> int:
    """How many bookings were asked for, whatever came of it, that share a slot with one before them."""
    count, reach = 0, -inf
    for booking in sorted(room.bookings.values(), key=_first):
        count += booking.slots.first <= reach
        reach = max(reach, booking.slots.last)
    return count
