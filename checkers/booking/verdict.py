"""The verdict on rooms, and in words who was given what."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from time import monotonic
from typing import Any, Final

from checkers.booking.findings import (
    ABORTED_READ,
    DUPLICATE_ELEMENTS,
    FUTURE_READ,
    GARBAGE_READ,
    Findings,
    Pair,
    Strange,
    contested,
    look,
)
from checkers.booking.room import Booking, Room, Slots, end_of, rooms_of
from checkers.guard import guarded
from checkers.value import Codes, plain, show
from harness.history import INVOKE, Call, History
from harness.result import Anomaly, Reason, Result

EXPECT: Final = "booking"
DOUBLE_BOOKING, LOST_BOOKING, LOST_CANCELLATION = "double-booking", "lost-booking", "lost-cancellation"
ANOMALIES_MAX: Final = 16  # of a type, the first ones


def check(history: History, *, time_limit_s: float | None = None) -> Result:
    """Whether no slot of a room was ever given to two, and no booking lost.

    Invalid: one anomaly per booking that took what another one had, per pair that a read shows, per booking lost or
    shown wrongly (ANOMALIES_MAX of a type, the first ones); its operations are both halves of the bookings, then of the
    read that shows it. ``details`` counts all. O(n log n). Raises :class:`harness.history.HistoryError`.
    """
    deadline = None if time_limit_s is None else monotonic() + time_limit_s
    return guarded(EXPECT, lambda: _judge(history, deadline), method="sweep")


def _judge(history: History, deadline: float | None) -> Result:
    codes = Codes()
    rooms = rooms_of(history, codes)
    counts: Counter[str] = Counter()
    anomalies: list[Anomaly] = []
    unread: list[Any] = []
    for room in rooms:
        found = look(room, deadline)
        anomalies += _told(room, found, codes, counts)
        if found.missing:
            unread.append(room.key)
    contests = sum(map(contested, rooms))
    doubt = None if anomalies else _doubt(contests, unread)
    bookings = [booking for room in rooms for booking in room.bookings.values()]
    return Result(
        valid=False if anomalies else True if doubt is None else "unknown",
        expect=EXPECT,
        method="sweep",
        reason=None if doubt is None else doubt[0],
        explanation=None if doubt is None else doubt[1],
        anomalies=tuple(anomalies),
        operations=history.types.count(INVOKE),
        details={
            "rooms": len(rooms),
            "bookings": len(bookings),
            "acknowledged": sum(each.call.outcome == "ok" for each in bookings),
            "contested": contests,
            "reads": sum(not read.is_cancel for room in rooms for read in room.reads),
            "anomalies": dict(counts),
        },
    )


def _doubt(contests: int, unread: Sequence[Any]) -> tuple[Reason, str] | None:
    if not contests:
        return Reason.TOO_FEW_OK, "no two bookings were asked for that share a slot: nothing could be given twice"
    if unread:
        which = "" if unread[0] is None else f" in room {show(unread[0])}"
        return Reason.MISSING_FINAL_READ, (
            f"no ok read of all bookings{which} began after the last book and cancel had ended: nobody looked at what "
            "is there in the end"
        )
    return None


def _told(room: Room, found: Findings, codes: Codes, counts: Counter[str]) -> Iterator[Anomaly]:
    """The anomalies of one room, all counted, as many told as there is room for."""
    told = _Told(room, codes)
    for pair in found.pairs:
        if _is_wanted(counts, DOUBLE_BOOKING):
            yield told.pair(pair)
    for booking in found.lost:
        if _is_wanted(counts, LOST_BOOKING):
            yield told.lost(booking)
    for booking in found.uncancelled:
        if _is_wanted(counts, LOST_CANCELLATION):
            yield told.uncancelled(booking)
    for strange in found.strange:
        if _is_wanted(counts, strange.type):
            yield told.strange(strange)


def _is_wanted(counts: Counter[str], type_: str) -> bool:
    counts[type_] += 1
    return counts[type_] <= ANOMALIES_MAX


class _Told:
    """Findings of one room in words."""

    def __init__(self, room: Room, codes: Codes) -> None:
        self.room, self.codes = room, codes

    def pair(self, pair: Pair) -> Anomaly:
        one, other, read = pair
        shared = Slots(max(one.slots.first, other.slots.first), min(one.slots.last, other.slots.last))
        made = f"{self._made(one, read is None)}; {self._made(other, read is None)}"
        if read is None:
            saw = [each.witness for each in (one, other) if each.witness is not None]
            text = f"{made}: both hold {shared}. {_order(one.call, other.call)}"
        else:
            saw = [read.call]
            text = f"{made}; {_who(read.call)} read both at once (op {read.call.complete}): both hold {shared}."
        details = {"bookings": [self._name(one), self._name(other)], "first": shared.first, "last": shared.last}
        return self._anomaly(DOUBLE_BOOKING, [one.call, other.call, *saw], text, details)

    def lost(self, booking: Booking) -> Anomaly:
        final = self.room.final
        assert final is not None, "only the final read shows what was lost"
        text = (f"{self._made(booking, True)}; nobody cancelled it, and the final read (op {final.call.complete}) does "
                "not show it.")  # fmt: skip
        calls = [booking.call, *([booking.witness] if booking.witness else []), final.call]
        return self._anomaly(LOST_BOOKING, calls, text, {"bookings": [self._name(booking)]})

    def uncancelled(self, booking: Booking) -> Anomaly:
        final, cancel = self.room.final, booking.cancelled
        assert final is not None, "only the final read shows what was cancelled in vain"
        assert cancel is not None, "its cancel was acknowledged"
        text = (f"{_who(cancel)} cancelled booking {self._shown(booking.id)} of {booking.slots} (acknowledged by op "
                f"{cancel.complete}), and the final read (op {final.call.complete}) still shows it.")  # fmt: skip
        return self._anomaly(
            LOST_CANCELLATION, [booking.call, cancel, final.call], text, {"bookings": [self._name(booking)]}
        )

    def strange(self, strange: Strange) -> Anomaly:
        type_, read, shown, asked = strange
        did = "cancelled" if read.is_cancel else "read"
        slots = "" if shown.slots is None else f" of {shown.slots}"
        why = {
            DUPLICATE_ELEMENTS: "twice in one answer",
            GARBAGE_READ: "which nobody had asked for" if asked is None else f"which was asked for as {asked.slots}",
            ABORTED_READ: "though it had failed" if asked is None else f"though it failed (op {asked.call.complete})",
            FUTURE_READ: "before anybody asked for it" + ("" if asked is None else f" (op {asked.call.invoke})"),
        }[type_]
        text = f"{_who(read.call)} {did} (op {read.call.complete}) booking {self._shown(shown.id)}{slots}, {why}."
        calls = [*([] if asked is None else [asked.call]), read.call]
        return self._anomaly(type_, calls, text, {"bookings": [plain(self.codes.value(shown.id))]})

    def _made(self, booking: Booking, is_known: bool) -> str:
        """Who asked for it and how that is known."""
        call = booking.call
        asked = f"{_who(call)} booked {booking.slots} as {self._shown(booking.id)} (op {call.invoke}"
        if call.outcome == "ok":
            return f"{asked}, acknowledged by op {call.complete})"
        witness = booking.witness
        by = f", but {_who(witness)} saw it, op {end_of(witness)}" if is_known and witness is not None else ""
        return f"{asked}, its outcome is unknown{by})"

    def _shown(self, code: int) -> str:
        return show(self.codes.value(code))

    def _name(self, booking: Booking) -> Any:
        return plain(self.codes.value(booking.id))

    def _anomaly(self, type_: str, calls: Sequence[Call], text: str, details: dict[str, Any]) -> Anomaly:
        where = "" if self.room.key is None else f"Room {show(self.room.key)}: "
        halves = (half for call in calls for half in (call.invoke, call.complete))
        operations = tuple(dict.fromkeys(half for half in halves if half is not None))
        return Anomaly(type_, operations, f"{where}{text}", {"key": plain(self.room.key), **details})


def _who(call: Call) -> str:
    return f"process {call.process}"


def _order(one: Call, other: Call) -> str:
    """How two bookings stood to each other in time."""
    first, second = sorted((one, other), key=lambda call: call.invoke)
    if first.complete is None or second.invoke < first.complete:
        return "Their transactions ran at the same time."
    return f"The second was asked for (op {second.invoke}) when the first had ended (op {first.complete})."
