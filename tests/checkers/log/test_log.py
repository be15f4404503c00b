"""``log``: every anomaly by itself, what is allowed, and what is not known."""

from __future__ import annotations

from typing import Any

import pytest

from checkers.log import check
from harness.history import History, Op
from harness.result import Anomaly, Reason, Result
from tests.checkers.calls import call


def send(process: int, value: Any, offset: int | None = None, partition: Any = 0, outcome: str = "ok") -> list[Op]:
    return call(process, "send", [["send", partition, value]], [["send", partition, [offset, value]]], outcome)


def poll(
    process: int, *messages: tuple[int, Any], partition: Any = 0, outcome: str = "ok", moved: Any = None
) -> list[Op]:
    shown = {str(partition): [list(each) for each in messages]} if messages else {}
    extra = {} if moved is None else {"rebalance-log": [{"keys": [moved]}]}
    return call(process, "poll", [["poll"]], [["poll", shown]], outcome, **extra)


def txn(process: int, *micros: list[Any], outcome: str = "ok") -> list[Op]:
    asked = [micro[:1] if micro[0] == "poll" else [*micro[:2], micro[2][1]] for micro in micros]
    return call(process, "txn", asked, list(micros), outcome)


def judged(*calls: list[Op]) -> Result:
    return check(History([line for each in calls for line in each]))


def only(*calls: list[Op]) -> Anomaly:
    result = judged(*calls)
    assert result.valid is False
    (anomaly,) = result.anomalies
    return anomaly


SENT = (send(0, "a", 0), send(0, "b", 1), send(0, "c", 5))


def test_all_that_was_sent_is_polled_in_order() -> None:
    result = judged(*SENT, poll(1, (0, "a"), (1, "b")), poll(1, (5, "c")), poll(2, (0, "a")))
    assert (result.valid, result.details["unseen"], result.details["allowed"]) == (True, {}, {})
    assert [result.details[name] for name in ("partitions", "sent", "acknowledged", "polled")] == [1, 3, 3, 4]


def test_two_values_at_one_offset() -> None:
    anomaly = only(send(0, "a", 0), send(0, "b", 1), poll(1, (0, "a"), (1, "b")), send(2, "c", 1), poll(3, (1, "c")))
    assert (anomaly.type, anomaly.operations) == ("inconsistent-offsets", (4, 5, 8, 9))
    assert anomaly.explanation == (
        'Partition 0: at offset 1, process 1\'s poll (op 4) polled "b" and process 3\'s poll (op 8) polled "c".'
    )


def test_a_value_at_two_offsets() -> None:
    anomaly = only(send(0, "a", 0), poll(1, (0, "a"), (3, "a")))
    assert (anomaly.type, anomaly.details["offsets"]) == ("duplicate", [0, 3])
    assert '"a" was sent once and stands at the offsets 0, 3' in anomaly.explanation


def test_a_lost_write() -> None:
    anomaly = only(*SENT, poll(1, (0, "a")), poll(2, (5, "c")))
    assert (anomaly.type, anomaly.operations) == ("lost-write", (2, 3, 8, 9))
    assert (
        "process 0's send (op 2) sent \"b\" to offset 1, and nobody ever polled it, though process 2's poll (op 8)"
        in (anomaly.explanation)
    )


def test_a_message_that_was_seen_by_whoever_is_not_lost() -> None:
    for outcome in ("info", "fail"):
        result = judged(*SENT, poll(1, (0, "a"), (1, "b"), outcome=outcome), poll(2, (5, "c")))
        assert result.valid is True


def test_unseen_messages_at_the_end_are_not_known_to_be_there() -> None:
    result = judged(*SENT, poll(1, (0, "a")))
    assert (result.valid, result.reason) == ("unknown", Reason.MISSING_FINAL_READ)
    assert result.details["unseen"] == {"0": {"count": 2, "values": ["b", "c"]}}
    assert "2 acknowledged messages were never polled" in (result.explanation or "")


def test_unknown_sends() -> None:
    assert judged(*SENT, poll(1, (0, "a"), (1, "b"), (5, "c")), send(2, "d", outcome="info")).valid is True
    lines = (*SENT, send(2, "d", outcome="info"), poll(1, (0, "a"), (1, "b"), (5, "c"), (6, "d")))
    assert judged(*lines).valid is True, "it has happened"
    unproven = txn(2, ["send", 0, [2, "d"]], ["send", 0, [3, "e"]], outcome="info")
    assert judged(*SENT, unproven, poll(1, (0, "a"), (1, "b"), (5, "c"))).valid is True
    result = judged(*SENT, unproven, poll(1, (0, "a"), (1, "b"), (3, "e"), (5, "c")))
    assert {each.type for each in result.anomalies} == {"lost-write", "int-poll-skip"}, "it happened wholly"


def test_reads_of_what_was_not_sent() -> None:
    anomaly = only(send(0, "a", outcome="fail"), poll(1, (0, "a")))
    assert (anomaly.type, anomaly.operations) == ("aborted-read", (0, 1, 2, 3))
    assert only(poll(1, (0, "z"))).type == "garbage-read"
    assert judged(*SENT, send(0, "z", outcome="fail"), poll(1, (0, "a"), (1, "b"), (5, "c"))).valid is True
    assert judged(send(0, "a", outcome="fail"), send(0, "a", 0), poll(1, (0, "a"))).valid is True, "tried again"


def test_its_own_message_before_it_is_committed() -> None:
    anomaly = only(txn(0, ["send", 0, [0, "a"]], ["poll", {"0": [[0, "a"]]}]))
    assert (anomaly.type, anomaly.operations) == ("precommitted-read", (0, 1))


def test_a_poll_that_skips() -> None:
    result = judged(*SENT, poll(2, (0, "a"), (1, "b"), (5, "c")), poll(1, (0, "a")), poll(1, (5, "c")))
    (anomaly,) = result.anomalies
    assert (anomaly.type, anomaly.operations, anomaly.details["skipped"]) == ("poll-skip", (8, 9, 10, 11), ["b"])
    assert 'without "b", which it never saw' in anomaly.explanation
    inside = only(*SENT, poll(2, (0, "a"), (1, "b"), (5, "c")), poll(1, (0, "a"), (5, "c")))
    assert (inside.type, inside.operations) == ("int-poll-skip", (8, 9))


def test_a_poll_that_goes_back() -> None:
    anomaly = only(*SENT, poll(1, (0, "a"), (1, "b"), (5, "c")), poll(1, (5, "c")))
    assert (anomaly.type, anomaly.details["offsets"]) == ("nonmonotonic-poll", [5, 5])
    result = judged(*SENT, poll(1, (0, "a"), (5, "c"), (1, "b")))
    assert [each.type for each in result.anomalies] == ["int-poll-skip", "int-nonmonotonic-poll"]


def test_who_is_subscribed_may_skip_and_go_back() -> None:
    whole = poll(1, (0, "a"), (1, "b"), (5, "c"))
    result = judged(*SENT, call(1, "subscribe", [0]), whole, poll(1, (0, "a")))
    assert (result.valid, result.details["allowed"]) == (True, {"nonmonotonic-poll": 1})
    assert judged(*SENT, call(1, "assign", [0]), whole, poll(1, (0, "a"))).valid is False
    assert judged(*SENT, call(1, "subscribe", [0], outcome="fail"), whole, poll(1, (0, "a"))).valid is False


def test_a_new_assignment_begins_anew() -> None:
    whole = poll(1, (0, "a"), (1, "b"), (5, "c"))
    assert judged(*SENT, whole, call(1, "assign", [0, 1]), poll(1, (0, "a"))).valid is False, "it keeps its place"
    assert judged(*SENT, whole, call(1, "assign", [1]), call(1, "assign", [0]), poll(1, (0, "a"))).valid is True
    seek = [Op("invoke", 1, "assign", ["0"], extra={"seek-to-beginning?": True}), Op("ok", 1, "assign", ["0"])]
    assert judged(*SENT, whole, seek, poll(1, (0, "a"))).valid is True


def test_rebalanced_partitions_may_jump() -> None:
    whole = poll(2, (0, "a"), (1, "b"), (5, "c"))
    assert judged(*SENT, whole, poll(1, (0, "a"), (5, "c"), (1, "b"), moved=0)).valid is True
    assert judged(*SENT, whole, poll(1, (5, "c")), poll(1, (0, "a"), moved=0), poll(1, (5, "c"))).valid is True
    assert judged(*SENT, whole, poll(1, (5, "c"), (0, "a"), moved=1)).valid is False


def test_where_a_poll_that_did_not_commit_left_it_is_not_known() -> None:
    lost_place = poll(1, (1, "b"), (5, "c"), outcome="fail")
    whole = poll(2, (0, "a"), (1, "b"), (5, "c"))
    assert judged(*SENT, whole, poll(1, (0, "a")), lost_place, poll(1, (1, "b"))).valid is True
    assert judged(*SENT, whole, poll(1, (0, "a")), poll(1, (5, "c"), outcome="fail")).valid is False


def test_sends_that_stand_in_another_order() -> None:
    anomaly = only(send(0, "a", 1), send(0, "b", 0), poll(1, (0, "b"), (1, "a")))
    assert (anomaly.type, anomaly.operations) == ("nonmonotonic-send", (0, 1, 2, 3))
    inside = txn(0, ["send", 0, [1, "a"]], ["send", 0, [0, "b"]])
    assert only(inside, poll(1, (0, "b"), (1, "a"))).type == "int-nonmonotonic-send"
    between = txn(0, ["send", 0, [0, "a"]], ["send", 0, [2, "b"]])
    result = judged(between, send(1, "c", 1), poll(2, (0, "a"), (1, "c"), (2, "b")))
    assert (result.valid, result.details["allowed"]) == (True, {"int-send-skip": 1, "G0": 1, "G1c-ww": 1})


def test_transactions_that_polled_each_others_messages() -> None:
    one = txn(0, ["send", 0, [0, "a"]], ["poll", {"1": [[0, "b"]]}])
    other = txn(1, ["send", 1, [0, "b"]], ["poll", {"0": [[0, "a"]]}])
    anomaly = only([one[0], other[0], other[1], one[1]])
    assert (anomaly.type, set(anomaly.operations)) == ("G1c", {0, 1, 2, 3})
    assert [edge["type"] for edge in anomaly.details["edges"]] == ["wr", "wr"]
    assert (
        "process 1's txn (op 1) polled \"a\" of partition 0, which process 0's txn (op 0) sent" in anomaly.explanation
    )


def test_a_message_that_was_polled_before_it_was_sent() -> None:
    assert only(poll(1, (0, "a")), send(0, "a", 0)).type == "G1c-realtime"
    assert only(poll(0, (0, "a")), send(0, "a", 0)).type == "G1c-process"


def test_a_value_that_is_sent_twice() -> None:
    result = judged(send(0, "a", 0), send(0, "a", 1), poll(1, (0, "a"), (1, "a")))
    assert (result.valid, result.reason) == ("unknown", Reason.UNSUPPORTED)
    assert only(send(0, "a", 0), send(0, "a", 1), poll(1, (0, "a"), (1, "a"), (2, "a"))).type == "duplicate"


def test_partitions_are_texts_or_numbers() -> None:
    result = judged(send(0, [1, 2], 0, partition=7), poll(1, (0, [1, 2]), partition="7"))
    assert (result.valid, result.details["partitions"]) == (True, 1)


def test_nothing_was_tested() -> None:
    for calls in ((), (poll(0),), (send(0, "a", outcome="info"),), (call(0, "crash"),)):
        assert judged(*calls).reason is Reason.TOO_FEW_OK


@pytest.mark.parametrize(
    "lines",
    [
        call(0, "poll", [["poll"]], [["poll", [1]]]),
        call(0, "poll", [["poll"]], [["poll", {"0": [[1]]}]]),
        call(0, "poll", [["poll"]], [["poll", {"0": [[-1, "a"]]}]]),
        call(0, "send", [["send", 0, "a"]], [["send", 0, [0, "b"]]]),
        call(0, "send", [["send", [0], "a"]]),
        call(0, "send", [["send", 0]]),
        call(0, "send", "a"),
        call(0, "assign", 5),
        call(0, "append", [["send", 0, "a"]]),
        call(0, "poll", [["poll"]], key=1),
    ],
)
def test_what_it_has_no_word_for(lines: list[Op]) -> None:
    assert check(History(lines)).reason is Reason.UNSUPPORTED


def test_only_the_first_of_many_are_told() -> None:
    result = judged(*(poll(i, (i, f"v{i}")) for i in range(40)))
    assert result.details["anomalies"] == {"garbage-read": 40}
    assert len(result.anomalies) == 8
