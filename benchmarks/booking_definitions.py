"""Bookings of rooms: the definition of what is wrong, read exhaustively, and random small histories, right and wrong.

Shares nothing with the checker that is compared with it: whether a booking is in force is asked at every position of
the history, for every pair.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations
from random import Random
from typing import Any

from harness.history import Call, History, Op


def wrong(history: History) -> set[str]:
    """The types of all anomalies."""
    calls = history.calls()
    rooms = {call.key for call in calls}
    return {type_ for room in rooms for type_ in _Room(history, [call for call in calls if call.key == room]).wrong()}


def is_unread(history: History) -> bool:
    """Whether some room with a booking that was certainly made has no final read."""
    calls = history.calls()
    rooms = [_Room(history, [call for call in calls if call.key == key]) for key in {call.key for call in calls}]
    return any(room.final is None and any(map(room.certain, room.books)) for room in rooms)


def is_uncontested(history: History) -> bool:
    """Whether no two bookings of a room were asked for that share a slot."""
    books = [call for call in history.calls() if call.f == "book"]
    return not any(a.key == b.key and _share(a.argument, b.argument) for a, b in combinations(books, 2))


def _share(one: Any, other: Any) -> bool:
    return bool({*range(one["first"], one["last"] + 1)} & {*range(other["first"], other["last"] + 1)})


class _Room:
    def __init__(self, history: History, calls: list[Call]) -> None:
        self.positions = range(len(history))
        self.books = [call for call in calls if call.f == "book"]
        self.cancels = [call for call in calls if call.f == "cancel"]
        self.answers = [(call, call.result or []) for call in calls if call.f == "bookings" and call.outcome == "ok"]
        self.answers += [(call, [call.argument]) for call in self.cancels if call.outcome == "ok"]
        self.asked = {call.argument["id"]: call for call in self.books}
        ends = [call.complete or -1 for call in (*self.books, *self.cancels)]
        reads = [call for call, _ in self.answers if call.f == "bookings" and call.argument is None]
        after = [call for call in reads if all(call.invoke > end for end in ends)]
        self.final = max(after, key=lambda call: call.complete or 0, default=None)

    def known(self, book: Call, position: int) -> bool:
        """Whether it is known by then that it was made."""
        if book.outcome == "fail":
            return False
        ends = [call.complete for call, shown in self.answers if book.argument["id"] in [each["id"] for each in shown]]
        ends += [book.complete] if book.outcome == "ok" else []
        return any(end is not None and end <= position for end in ends)

    def certain(self, book: Call) -> bool:
        return self.known(book, len(self.positions))

    def in_force(self, book: Call, position: int) -> bool:
        mine = [call for call in self.cancels if call.argument["id"] == book.argument["id"] and call.outcome != "fail"]
        return self.known(book, position) and not any(call.invoke <= position for call in mine)

    def wrong(self) -> Iterator[str]:
        for one, other in combinations(self.books, 2):
            both = any(self.in_force(one, position) and self.in_force(other, position) for position in self.positions)
            if _share(one.argument, other.argument) and (both or self._is_shown_together(one, other)):
                yield "double-booking"
        for call, shown in self.answers:
            yield from self._strange(call, shown)
        if self.final is not None:
            yield from self._at_the_end(self.final)

    def _is_shown_together(self, one: Call, other: Call) -> bool:
        ids = [[each["id"] for each in shown] for _, shown in self.answers]
        together = any(one.argument["id"] in shown and other.argument["id"] in shown for shown in ids)
        return together and "fail" not in (one.outcome, other.outcome)

    def _strange(self, call: Call, shown: list[Any]) -> Iterator[str]:
        for each in shown:
            book = self.asked.get(each["id"])
            if [other["id"] for other in shown].count(each["id"]) > 1:
                yield "duplicate-elements"
            if book is None or ("first" in each and book.argument != each):
                yield "garbage-read"
            elif book.outcome == "fail":
                yield "G1a"
            elif book.invoke > (call.complete or 0):
                yield "future-read"

    def _at_the_end(self, final: Call) -> Iterator[str]:
        shown = [each["id"] for each in final.result or []]
        for book in self.books:
            ended = [call.outcome for call in self.cancels if call.argument["id"] == book.argument["id"]]
            if book.argument["id"] in shown:
                if "ok" in ended:
                    yield "lost-cancellation"
            elif self.in_force(book, final.invoke) and self.in_force(book, final.complete or 0):
                yield "lost-booking"


def bookings(random: Random) -> tuple[list[Op], dict[str, Any]]:
    """A history of a few clients at one or two rooms, most of the time kept rightly."""
    hotel = _Hotel(random)
    for _ in range(random.randint(2, 12)):
        hotel.begin()
        while hotel.running and random.random() < 0.5:
            hotel.end()
    while hotel.running:
        hotel.end()
    if random.random() < 0.8:
        for room in hotel.rooms:
            hotel.ask(99, "bookings", None, room)
            hotel.end()
    return hotel.lines, {}


class _Hotel:
    """What is booked, in each room by id; errors happen at the rate ``error``."""

    def __init__(self, random: Random) -> None:
        self.random = random
        self.lines: list[Op] = []
        self.rooms: dict[Any, dict[int, Any]] = {None: {}} if random.random() < 0.6 else {0: {}, 1: {}}
        self.running: dict[int, Op] = {}
        self.asked: list[tuple[Any, Any]] = []
        self.error = random.choice((0.0, 0.0, 0.05, 0.15))
        self.processes = 0
        self.foreseen: Any = None  # a booking that a read showed before it was asked for

    def _errs(self) -> bool:
        return self.random.random() < self.error

    def begin(self) -> None:
        """A client asks for something."""
        room = self.random.choice(list(self.rooms))
        self.processes += 1
        kind = self.random.random()
        if kind < 0.55 or not self.asked:
            first = self.random.randrange(5)
            slots = {"id": len(self.asked), "first": first, "last": first + self.random.randrange(3)}
            if self.foreseen is not None and self.foreseen["id"] == slots["id"]:
                slots = self.foreseen
            self.asked.append((room, slots))
            self.ask(self.processes, "book", slots, room)
        elif kind < 0.8:
            room, slots = self.random.choice(self.asked)
            self.ask(self.processes, "cancel", slots if self.random.random() < 0.5 else {"id": slots["id"]}, room)
        else:
            window = {"first": 0, "last": 9} if self.random.random() < 0.3 else None
            self.ask(self.processes, "bookings", window, room)

    def ask(self, process: int, f: str, value: Any, room: Any) -> None:
        self.running[process] = Op("invoke", process, f, value, key=room)
        self.lines.append(self.running[process])

    def end(self) -> None:
        """One of them gets an answer, or none, for ever."""
        process = self.random.choice(list(self.running))
        op = self.running.pop(process)
        fate = self.random.choices(("answered", "info", "none"), (8, 1, 1) if op.f != "bookings" else (1, 0, 0))[0]
        outcome, value = self._done(op) if fate == "answered" or self.random.random() < 0.5 else ("fail", op.value)
        if fate != "none":
            type_ = outcome if fate == "answered" else "info"
            self.lines.append(Op(type_, process, op.f, value, key=op.key))  # type: ignore[arg-type]

    def _done(self, op: Op) -> tuple[str, Any]:
        held = self.rooms[op.key]
        if op.f == "bookings":
            return "ok", self._shown(held)
        known = {slots["id"] for room, slots in self.asked if room == op.key}
        id_ = op.value["id"]
        if op.f == "book":
            free = not any(_share(each, op.value) for each in held.values())
            if (free or self._errs()) and not self._errs():
                held[id_] = op.value
            return "ok" if id_ in held or self._errs() else "fail", op.value
        found = id_ in held
        if found and not self._errs():
            del held[id_]
        return "ok" if found or (self._errs() and id_ in known) else "fail", op.value

    def _shown(self, held: dict[int, Any]) -> list[Any]:
        shown = [each for each in held.values() if not self._errs()]
        if self._errs():
            self.foreseen = {"id": len(self.asked), "first": 1, "last": 2}
            shown.append(self.random.choice([*(slots for _, slots in self.asked), self.foreseen]))
        if self._errs() and shown:
            shown[-1] = {**shown[-1], "last": shown[-1]["last"] + 1}
        return shown
