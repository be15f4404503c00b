"""Booking: no slot of a room is ever given to two.

The example of phantoms of Kleppmann, "Designing Data-Intensive Applications", ch. 7 (meeting rooms): whoever books has
looked for bookings that overlap his own and found none. Under snapshot isolation two can do so at once, for they write
different rows; under serializability they cannot. Rooms are independent (the field ``key``). Operations: ``book``,
asked with {"id": any, "first": slot, "last": slot} (whole numbers, both inclusive; every booking of a room has an id of
its own); ``cancel``, asked with the same (the id is enough); ``bookings``, asked with null, or with {"first": slot,
"last": slot} for those that overlap these slots, whose ok answer is the list of bookings.

What is certain is judged, whatever else happened. A booking is *in force* from where it is known to be made (its
acknowledgement, or the end of the first ok read that shows it) until a cancel of it is invoked that does not fail: from
there on it may be gone. An ``info`` booking that nobody saw may exist or not; a ``fail`` one does not. Reads that are
not the final one may be stale. Anomalies:

* "double-booking": two bookings of a room that share a slot are in force at once, or one read shows both;
* "lost-booking": one that was in force when the final read of its room began, and still was when it ended, is missing
  there; the final read is the last ok read of all of a room's bookings that began after the last book and cancel ended;
* "lost-cancellation": the final read shows one whose cancel was acknowledged;
* "garbage-read": a read shows, or an acknowledged cancel ended, what nobody had asked for, or with other slots;
* "G1a": the same of a booking that failed; "future-read": of one that began only later;
* "duplicate-elements": one read shows a booking twice.

Unknown where no two bookings were asked for that share a slot, for then nothing could go wrong; and where a room has no
final read though bookings are known to be made in it.

``room`` reads the rooms from the history, ``findings`` judges them, ``verdict`` tells what was found.
"""

from checkers.booking.verdict import EXPECT, check

__all__ = ["EXPECT", "check"]
