"""Rooms as a history tells of them: who asked for which slots, who cancelled, who saw what."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from math import inf
from typing import Any, Final, TypeGuard

from checkers.guard import Unsupported
from checkers.value import Codes, show
from harness.history import DUMP, Call, History

BOOK, CANCEL, BOOKINGS = "book", "cancel", "bookings"
_BITS_MAX: Final = 64


@dataclass(frozen=True, slots=True)
class Slots:
    """From ``first`` to ``last``, inclusive."""

    first: int
    last: int

    def overlaps(self, other: Slots) -> bool:
        return self.first <= other.last and other.first <= self.last

    def __str__(self) -> str:
        return f"slot {self.first}" if self.first == self.last else f"slots {self.first} to {self.last}"


@dataclass(slots=True)
class Booking:
    """One that was asked for. ``known`` is the position from which it is known to be made, ``witness`` the call whose
    end that is (itself, or a read); ``over`` where the first cancel began that did not fail (inf: never);
    ``cancelled``, the first cancel that was acknowledged."""

    call: Call
    id: int
    slots: Slots
    known: float = inf
    witness: Call | None = None
    over: float = inf
    cancelled: Call | None = None

    def seen(self, call: Call) -> None:
        """``call``, an ok one, shows that it was made."""
        if end_of(call) < self.known:
            self.known, self.witness = end_of(call), call


@dataclass(frozen=True, slots=True)
class Shown:
    """A booking as an answer shows it; ``slots`` is None where it does not tell them."""

    id: int
    slots: Slots | None


@dataclass(slots=True)
class Read:
    """An ok read, or an acknowledged cancel, which has seen the booking that it ended."""

    call: Call
    shown: list[Shown]

    @property
    def is_cancel(self) -> bool:
        return self.call.f == CANCEL

    @property
    def is_of_all(self) -> bool:
        return self.call.f == BOOKINGS and self.call.argument is None


@dataclass(slots=True)
class Room:
    """One key: its bookings by id, the answers in order of completion, and where the last book or cancel ended."""

    key: Any
    bookings: dict[int, Booking] = field(default_factory=dict)
    reads: list[Read] = field(default_factory=list)
    last_change: int = -1

    @property
    def final(self) -> Read | None:
        """The last ok read of everything that began after all changes had ended."""
        after = (read for read in reversed(self.reads) if read.is_of_all and read.call.invoke > self.last_change)
        return next(after, None)


def end_of(call: Call) -> int:
    """Where an ok operation completed."""
    assert call.complete is not None, "an ok operation has completed"
    return call.complete


def rooms_of(history: History, codes: Codes) -> list[Room]:
    """The rooms in order of their first operations. Raises :class:`checkers.guard.Unsupported` for other operations
    than these three, and :class:`harness.history.HistoryError`."""
    found: dict[int, Room] = {}
    cancels: list[tuple[Room, Call]] = []
    for call in history.calls():
        if call.f == DUMP:
            continue
        room = found.setdefault(codes.code(call.key), Room(call.key))
        if call.f == BOOK:
            _book(room, codes, call)
        elif call.f == CANCEL:
            cancels.append((room, call))
        elif call.f == BOOKINGS:
            if call.outcome == "ok":
                room.reads.append(Read(call, _answer(codes, call)))
            continue
        else:
            raise Unsupported(
                f"operation {call.invoke}: read the operation {show(call.f)}; expected {BOOK}, {CANCEL} or {BOOKINGS}"
            )
        room.last_change = max(room.last_change, -1 if call.complete is None else call.complete)
    for room, call in cancels:
        _cancel(room, codes, call)
    for room in found.values():
        room.reads.sort(key=lambda read: end_of(read.call))
        _see(room)
    return list(found.values())


def _book(room: Room, codes: Codes, call: Call) -> None:
    asked = _shown(codes, call.invoke, call.argument)
    if asked.slots is None:
        raise Unsupported(f'operation {call.invoke}: read {show(call.argument)}; expected "first" and "last"')
    if asked.id in room.bookings:
        raise Unsupported(
            f"operation {call.invoke}: read a second booking with the id {show(codes.value(asked.id))}; expected each "
            "booking of a room to have an id of its own"
        )
    booking = room.bookings[asked.id] = Booking(call, asked.id, asked.slots)
    if call.outcome == "ok":
        booking.seen(call)


def _cancel(room: Room, codes: Codes, call: Call) -> None:
    asked = _shown(codes, call.invoke, call.argument)
    if call.outcome == "ok":
        room.reads.append(Read(call, [asked]))
    booking = room.bookings.get(asked.id)
    if booking is None or call.outcome == "fail":
        return
    booking.over = min(booking.over, call.invoke)
    if call.outcome == "ok" and (booking.cancelled is None or end_of(call) < end_of(booking.cancelled)):
        booking.cancelled = call


def _see(room: Room) -> None:
    """What reads show is known to be made."""
    for read in room.reads:
        for shown in read.shown:
            booking = room.bookings.get(shown.id)
            if booking is not None and booking.call.outcome != "fail":
                booking.seen(read.call)


def _answer(codes: Codes, call: Call) -> list[Shown]:
    if call.result is None:
        return []
    if not isinstance(call.result, (list, tuple)):
        raise Unsupported(f"operation {call.complete}: read {show(call.result)}; expected a list of bookings, or null")
    return [_shown(codes, end_of(call), each) for each in call.result]


def _shown(codes: Codes, index: int, value: Any) -> Shown:
    if not isinstance(value, Mapping) or "id" not in value:
        raise Unsupported(f'operation {index}: read {show(value)}; expected {{"id": ..., "first": slot, "last": slot}}')
    first, last = value.get("first"), value.get("last")
    if first is None and last is None:
        return Shown(codes.code(value["id"]), None)
    if _is_slot(first) and _is_slot(last) and first <= last:
        return Shown(codes.code(value["id"]), Slots(first, last))
    raise Unsupported(f"operation {index}: read {show(value)}; expected a first and a last slot, whole numbers")


def _is_slot(value: Any) -> TypeGuard[int]:
    return isinstance(value, int) and not isinstance(value, bool) and value.bit_length() <= _BITS_MAX
