"""``booking``: slots given twice, bookings lost or back again, answers that show what never was; what is not tested."""

from __future__ import annotations

from random import Random
from time import process_time
from typing import Any

import pytest

from checkers.booking import check
from harness.history import History, Op
from harness.result import Anomaly, Reason
from tests.checkers.calls import call, concurrent


def slots(id_: Any, first: int, last: int) -> dict[str, Any]:
    return {"id": id_, "first": first, "last": last}


def book(process: int, id_: Any, first: int, last: int, outcome: str = "ok", key: Any = None) -> list[Op]:
    return call(process, "book", slots(id_, first, last), outcome=outcome, key=key)


def cancel(process: int, id_: Any, outcome: str = "ok", key: Any = None) -> list[Op]:
    return call(process, "cancel", {"id": id_}, outcome=outcome, key=key)


def bookings(process: int, *shown: dict[str, Any], window: Any = None, key: Any = None) -> list[Op]:
    return call(process, "bookings", window, list(shown), key=key)


def only(*lines: list[Op]) -> Anomaly:
    """The one anomaly of that history."""
    result = check(History([op for each in lines for op in each]))
    assert result.valid is False
    (anomaly,) = result.anomalies
    return anomaly


A, B = slots("a", 3, 5), slots("b", 4, 6)


def test_neighbours_are_no_conflict() -> None:
    lines = [*book(0, 1, 3, 5), *book(1, 2, 6, 8), *book(2, 3, 5, 6, "fail")]
    result = check(History([*lines, *bookings(0, slots(1, 3, 5), slots(2, 6, 8))]))
    assert (result.valid, result.anomalies) == (True, ())
    assert (result.details["bookings"], result.details["acknowledged"], result.details["contested"]) == (3, 2, 2)


def test_two_have_one_slot() -> None:
    anomaly = only(concurrent(book(0, "a", 3, 5), book(1, "b", 4, 6)), bookings(2, A, B))
    assert (anomaly.type, anomaly.operations) == ("double-booking", (1, 2, 0, 3))


def test_two_have_one_slot_in_words() -> None:
    beside = concurrent(book(0, "a", 3, 5, key=7), book(1, "b", 4, 6, key=7))
    (anomaly,) = check(History(beside)).anomalies
    assert anomaly.explanation == (
        'Room 7: process 1 booked slots 4 to 6 as "b" (op 1, acknowledged by op 2); process 0 booked slots 3 to 5 as '
        '"a" (op 0, acknowledged by op 3): both hold slots 4 to 5. Their transactions ran at the same time.'
    )
    assert anomaly.details == {"key": 7, "bookings": ["b", "a"], "first": 4, "last": 5}


def test_the_second_came_later() -> None:
    (anomaly,) = check(History([*book(0, "a", 3, 3), *book(1, "b", 3, 3)])).anomalies
    assert "both hold slot 3. The second was asked for (op 2) when the first had ended (op 1)." in anomaly.explanation


def test_rooms_are_independent() -> None:
    lines = [*book(0, "a", 3, 5, key=1), *book(1, "b", 4, 6, key=2), *book(2, "c", 4, 6, "fail", key=2)]
    lines += [*bookings(0, A, key=1), *bookings(0, B, key=2)]
    assert check(History(lines)).valid is True


@pytest.mark.parametrize("outcome", ["ok", "info"])
def test_a_cancel_that_may_have_come_first(outcome: str) -> None:
    lines = [*book(0, "a", 3, 5), *concurrent(cancel(1, "a", outcome), book(2, "b", 4, 6)), *bookings(3, B)]
    assert check(History(lines)).valid is True


def test_a_cancel_that_failed_or_came_too_late() -> None:
    failed = [*book(0, "a", 3, 5), *cancel(1, "a", "fail"), *book(2, "b", 4, 6)]
    late = [*book(0, "a", 3, 5), *book(2, "b", 4, 6), *cancel(1, "a")]
    for lines in (failed, late):
        (anomaly,) = check(History(lines)).anomalies
        assert anomaly.type == "double-booking"


def test_an_unknown_booking_counts_once_somebody_saw_it() -> None:
    lines = [*book(0, "a", 3, 5, "info"), *book(1, "b", 4, 6)]
    assert check(History([*lines, *bookings(2, B)])).valid is True
    (anomaly,) = check(History([*lines, *bookings(2, A)])).anomalies[:1]
    assert (anomaly.type, anomaly.operations) == ("double-booking", (2, 3, 0, 1, 4, 5))
    assert "its outcome is unknown, but process 2 saw it, op 5" in anomaly.explanation


def test_one_read_shows_both() -> None:
    lines = [*book(0, "a", 3, 5, "info"), *book(1, "b", 4, 6, "info"), *cancel(2, "a", "info")]
    anomaly = only(lines, bookings(3, A, B))
    assert (anomaly.type, anomaly.operations) == ("double-booking", (0, 1, 2, 3, 6, 7))
    assert "process 3 read both at once (op 7): both hold slots 4 to 5." in anomaly.explanation


def test_one_read_shows_one_that_overlaps_two() -> None:
    lines = [*book(0, "long", 0, 2, "info"), *book(1, "x", 1, 1, "info"), *book(2, "y", 2, 2, "info")]
    lines += [op for id_ in ("long", "x", "y") for op in cancel(3, id_, "ok")]
    result = check(History([*lines, *bookings(4, slots("y", 2, 2), slots("x", 1, 1), slots("long", 0, 2))]))
    pairs = [anomaly.details["bookings"] for anomaly in result.anomalies if anomaly.type == "double-booking"]
    assert pairs == [["long", "x"], ["long", "y"]]


def test_a_booking_is_lost() -> None:
    anomaly = only(book(0, "a", 3, 5), book(1, "b", 4, 6, "fail"), bookings(2))
    assert (anomaly.type, anomaly.operations) == ("lost-booking", (0, 1, 4, 5))
    assert anomaly.explanation == (
        'process 0 booked slots 3 to 5 as "a" (op 0, acknowledged by op 1); nobody cancelled it, and the final read '
        "(op 5) does not show it."
    )


def test_what_is_missing_and_not_lost() -> None:
    """A stale read, a look at other slots, a booking that perhaps never was, one that perhaps was cancelled."""
    other = book(1, "b", 4, 6, "fail")
    assert check(History([*book(0, "a", 3, 5), *other, *bookings(2), *bookings(2, A)])).valid is True
    window = bookings(2, window={"first": 7, "last": 8})
    assert check(History([*book(0, "a", 3, 5), *other, *bookings(2, A), *window])).valid is True
    assert check(History([*book(0, "a", 3, 5, "info"), *other, *bookings(2)])).valid is True
    assert check(History([*book(0, "a", 3, 5), *other, *cancel(3, "a", "info"), *bookings(2)])).valid is True
    read, ended = bookings(2)
    unended = cancel(3, "a")[:1]
    assert check(History([*book(0, "a", 3, 5), *other, read, *unended, ended])).valid is True
    assert check(History([*book(0, "a", 3, 5), *other, read, ended, *unended])).valid is False


def test_a_cancelled_booking_comes_back() -> None:
    anomaly = only(book(0, "a", 3, 5), book(1, "b", 4, 6, "fail"), cancel(2, "a"), bookings(3, A))
    assert (anomaly.type, anomaly.operations) == ("lost-cancellation", (0, 1, 4, 5, 6, 7))
    assert 'process 2 cancelled booking "a" of slots 3 to 5 (acknowledged by op 5)' in anomaly.explanation


@pytest.mark.parametrize(
    ("lines", "type_", "words"),
    [
        (bookings(2, slots("x", 1, 1)), "garbage-read", 'booking "x" of slot 1, which nobody had asked for.'),
        (bookings(2, slots("b", 4, 5)), "garbage-read", "of slots 4 to 5, which was asked for as slots 4 to 6."),
        (bookings(2, B), "G1a", "though it failed (op 3)."),
        (cancel(2, "b"), "G1a", 'process 2 cancelled (op 5) booking "b", though it failed'),
        (cancel(2, "x"), "garbage-read", "which nobody had asked for."),
        ([*bookings(2, slots("z", 9, 9)), *book(3, "z", 9, 9)], "future-read", "before anybody asked for it (op 6)."),
        (bookings(2, slots("c", 7, 7), slots("c", 7, 7)), "duplicate-elements", "twice in one answer."),
    ],
)
def test_answers_that_show_what_never_was(lines: list[Op], type_: str, words: str) -> None:
    before = [*book(0, "a", 3, 5, "info"), *book(1, "b", 4, 6, "fail")]
    lines = [*(book(1, "c", 7, 7, "info") if type_ == "duplicate-elements" else []), *lines]
    anomaly = only(before, lines)
    assert anomaly.type == type_
    assert words in anomaly.explanation


def test_what_was_not_tested() -> None:
    for lines in ([], book(0, "a", 3, 5), [*book(0, "a", 3, 5), *book(1, "b", 6, 6), *bookings(0, A)[:1]]):
        result = check(History(lines))
        assert (result.valid, result.reason) == ("unknown", Reason.TOO_FEW_OK)
    result = check(History([*book(0, "a", 3, 5, key=4), *book(1, "b", 4, 6, "fail", key=4)]))
    assert (result.valid, result.reason) == ("unknown", Reason.MISSING_FINAL_READ)
    assert "in room 4 began after" in (result.explanation or "")


def test_a_read_that_ran_beside_the_last_booking_is_not_final() -> None:
    lines = [*book(1, "b", 4, 6, "fail"), *concurrent(bookings(2), book(0, "a", 3, 5))]
    assert check(History(lines)).reason is Reason.MISSING_FINAL_READ


@pytest.mark.parametrize(
    "lines",
    [
        call(0, "reserve", slots(1, 1, 1)),
        call(0, "book", [1, 2]),
        call(0, "book", {"id": 1}),
        call(0, "book", slots(1, 3, 2)),
        call(0, "book", {"id": 1, "first": True, "last": 2}),
        call(0, "book", {"id": 1, "first": 1, "last": 1 << 80}),
        call(0, "cancel", {"first": 1}),
        call(0, "bookings", None, {"id": 1}),
        [*book(0, 1, 1, 1), *book(0, 1, 2, 2)],
    ],
)
def test_what_it_has_no_word_for(lines: list[Op]) -> None:
    assert check(History(lines)).reason is Reason.UNSUPPORTED


def test_only_the_first_of_many_are_told() -> None:
    result = check(History([op for id_ in range(100) for op in book(0, id_, 3, 5)]))
    assert len(result.anomalies) == 16
    assert result.details["anomalies"] == {"double-booking": 99}


def test_a_long_history_takes_little_time() -> None:
    """Even one in which a thousand hold the same slots, one after the other."""
    random = Random(1)
    lines: list[Op] = []
    held = []
    for id_ in range(3000):
        first = random.choice((5, 10 + id_ * 2))
        lines += book(0, id_, first, first + 1)
        if first == 5:
            lines += cancel(1, id_)
        else:
            held.append(slots(id_, first, first + 1))
    began = process_time()
    assert check(History([*lines, *bookings(2, *held)])).valid is True
    assert process_time() - began < 2.0
    (anomaly,) = check(History([*lines, *bookings(2, *held[1:])])).anomalies
    assert anomaly.type == "lost-booking"


def test_the_time_limit_is_kept() -> None:
    result = check(History([*book(0, 1, 1, 1), *book(1, 2, 1, 1, "fail")]), time_limit_s=-1.0)
    assert (result.valid, result.reason) == ("unknown", Reason.TIMEOUT)
