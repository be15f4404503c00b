"""``long-fork``: two reads and two writes, circles of more, halves of transactions, and what is not known."""

from __future__ import annotations

from typing import Any

import pytest

from checkers.long_fork import check
from harness.history import History, Op
from harness.result import Reason, Result
from tests.checkers.calls import call


def txn(process: int, text: str, outcome: str = "ok") -> list[Op]:
    """``x1`` writes 1 to x, ``x=1`` reads it, ``x=`` reads null."""
    done: list[list[Any]] = []
    for word in text.split():
        key, is_read, value = word.partition("=")
        done.append(["r", key, int(value) if value else None] if is_read else ["w", key[0], int(key[1:])])
    asked = [[f, key, value if f == "w" else None] for f, key, value in done]
    return call(process, "txn", asked, done, outcome)


def judged(*texts: str) -> Result:
    """Transactions one after the other; ``?`` before one: nobody knows, ``!``: failed."""
    lines: list[Op] = []
    for process, text in enumerate(texts):
        outcome = {"?": "info", "!": "fail"}.get(text[0], "ok")
        lines += txn(process, text.lstrip("?!"), outcome)
    return check(History(lines))


def test_two_reads_that_see_two_writes_in_opposite_orders() -> None:
    result = judged("x1", "y1", "x=1 y=", "x= y=1")
    assert result.valid is False
    (anomaly,) = result.anomalies
    assert anomaly.type == "long-fork"
    assert set(anomaly.operations) == set(range(8))
    assert anomaly.details["readers"] in ([4, 6], [6, 4])
    assert "T4 (process 2) saw T0's x=1 and missed T2's y=1" in anomaly.explanation
    assert "T6 (process 3) saw T2's y=1 and missed T0's x=1" in anomaly.explanation
    assert anomaly.explanation.endswith("they saw the two writes in opposite orders.")


def test_reads_in_one_order_may_be_stale() -> None:
    assert judged("x1", "y1", "x=1 y=", "x=1 y=1", "x= y=").valid is True


def test_three_reads_in_a_circle() -> None:
    result = judged("x1", "y1", "z1", "x=1 y=", "y=1 z=", "z=1 x=")
    (anomaly,) = result.anomalies
    assert (result.valid, anomaly.type, len(anomaly.details["readers"])) == (False, "long-fork", 3)
    assert anomaly.explanation.endswith("no order of the writes explains these 3.")


def test_the_shortest_circle_is_told() -> None:
    result = judged("x1", "y1", "z1", "x=1 y=", "y=1 z=", "z=1 x=", "y=1 x=")
    (anomaly,) = result.anomalies
    assert sorted(anomaly.details["readers"]) == [6, 12]


def test_half_a_transaction() -> None:
    (anomaly,) = judged("x1 y1", "x=1 y=", "x=1 y=1").anomalies
    assert (anomaly.type, anomaly.operations) == ("fractured-read", (2, 3, 0, 1))
    assert "saw one half of that transaction" in anomaly.explanation


def test_what_a_writer_had_seen() -> None:
    (anomaly,) = judged("x1", "x=1 y1", "y=1 x=").anomalies
    assert anomaly.type == "G-single"
    assert "T2 (process 1) saw T0's x=1 and then wrote y=1" in anomaly.explanation
    assert judged("x1", "x= y1", "y=1 x=", "x=1 y=1").valid is True


def test_write_skew_is_no_fork() -> None:
    assert judged("x= y= x1", "x= y= y1", "x=1 y=1").valid is True


def test_unknown_and_failed_writes() -> None:
    assert judged("?x1", "y1", "x=1 y=", "x= y=1").valid is False, "it has happened: somebody saw it"
    assert judged("?x1", "y1", "x= y=", "x= y=1").valid is True
    (anomaly,) = judged("!x1", "x=1 y=", "x=1 y=").anomalies[:1]
    assert (anomaly.type, anomaly.operations) == ("G1a", (0, 1, 2, 3))
    assert [each.type for each in judged("x=5 y=", "x= y=").anomalies] == ["garbage-read"]
    assert [each.type for each in judged("x=1 y=", "x1").anomalies] == ["future-read"]
    assert judged("!x1", "x1", "x=1 y=", "x=1 y=").valid is True, "tried again"


def test_reads_that_do_not_agree_with_themselves() -> None:
    assert [each.type for each in judged("x1", "x= x=1 y=", "x=1 y=").anomalies] == ["internal"]
    assert [each.type for each in judged("x1 x=", "x=1 y=").anomalies] == ["internal"]
    assert judged("x1 x=1 y=", "x=1 y=").reason is Reason.TOO_FEW_OK


def test_a_key_that_several_write() -> None:
    result = judged("x1", "x2", "x=1 y=", "x=2 y=")
    assert (result.valid, result.reason) == ("unknown", Reason.UNSUPPORTED)
    assert "x=2" in (result.explanation or "")
    assert judged("x1", "x2", "y1", "x=2 y=", "x= y=1").valid is False, "no write at all is certain"


def test_too_few_reads() -> None:
    assert judged("x1", "y1", "x=1 y=").reason is Reason.TOO_FEW_OK
    assert judged("x1", "y1", "x=1", "y=", "y=1", "x=").reason is Reason.TOO_FEW_OK


def test_maps_are_transactions_too() -> None:
    lines = [*call(0, "write", {"x": 1}), *call(1, "write", {"y": 1})]
    lines += [*call(2, "read", None, {"x": 1, "y": None}), *call(3, "read", None, {"x": None, "y": 1})]
    assert [each.type for each in check(History(lines)).anomalies] == ["long-fork"]


def test_independent_keys() -> None:
    lines = [*call(0, "write", {"x": 1}, key=1), *call(1, "write", {"y": 1}, key=2)]
    lines += [*call(2, "read", None, {"x": 1, "y": None}, key=1), *call(3, "read", None, {"x": None, "y": 1}, key=2)]
    assert check(History(lines)).valid is True


@pytest.mark.parametrize(
    "value", [[["w", "x", None]], [["w", "x", 1], ["w", "x", 2]], [["append", "x", 1]], 5, [["r"]]]
)
def test_what_it_has_no_word_for(value: Any) -> None:
    assert check(History(call(0, "txn", value))).reason is Reason.UNSUPPORTED


def test_one_anomaly_for_each_group_of_keys() -> None:
    texts = []
    for group in "abcdefghijkl":
        texts += [f"{group}1", f"{group.upper()}1", f"{group}=1 {group.upper()}=", f"{group}= {group.upper()}=1"]
    result = judged(*texts)
    assert result.details["anomalies"] == {"long-fork": 12}
    assert len(result.anomalies) == 8
