"""Each guarantee by its own name, with the words of its witness; what counts, what does not, and what is refused."""

from __future__ import annotations

from typing import Any

import pytest

from checkers.names import checker
from checkers.session.violation import GUARANTEES
from harness.history import History, HistoryError, Op
from harness.result import Reason, Result
from tests.checkers.session.notation import sequential

RYW, MR, MW, WFR, PRAM = GUARANTEES


def verdicts(history: History, **options: Any) -> dict[str, Any]:
    return {name: checker(name)(history, **options).valid for name in GUARANTEES}


def broken(history: History, **options: Any) -> set[str]:
    """Which guarantees are invalid; the others must be valid."""
    found = verdicts(history, **options)
    assert "unknown" not in found.values(), found
    return {name for name, valid in found.items() if valid is False}


def only(history: History, name: str, **options: Any) -> tuple[tuple[int, ...], str]:
    """The one anomaly of a guarantee."""
    result: Result = checker(name)(history, **options)
    assert result.valid is False, result
    (anomaly,) = result.anomalies
    assert anomaly.type == name
    assert anomaly.details["minimal"] is True
    return anomaly.operations, anomaly.explanation


def test_a_session_that_misses_its_own_write() -> None:
    history = sequential("0:wx7 0:rx_")
    assert broken(history) == {RYW, PRAM}
    assert only(history, RYW) == (
        (0, 2),
        "Process 0 wrote x=7 (operation 0, acknowledged), then read x=null (operation 2), as it was at the beginning: "
        "its own write is missing.",
    )


def test_a_session_that_reads_an_older_write_of_its_own() -> None:
    history = sequential("0:wx5 0:wx7 0:rx5")
    assert broken(history) == {RYW, PRAM}
    operations, text = only(history, RYW)
    assert operations == (0, 2, 4)
    assert "older value: it had written x=5 (operation 0, acknowledged) before 7" in text


def test_versions_tell_their_order_themselves() -> None:
    history = sequential("0:wx5 1:wx7 1:rx5")
    assert verdicts(history)[RYW] == "unknown"
    assert broken(history, versions=True) == {RYW, PRAM}
    assert only(history, RYW, versions=True)[0] == (2, 4)


def test_a_session_that_sees_less_than_before() -> None:
    history = sequential("0:wx1 0:wx2 1:rx2 1:rx1")
    assert broken(history) == {MR, PRAM}
    operations, text = only(history, MR)
    assert operations == (0, 4, 6)
    assert text.startswith("Process 1 read x=2 (operation 4), then read x=1 (operation 6), an older value: process 0 ")
    assert broken(sequential("0:sx1 0:sx2 1:rx[1 2] 1:rx[1]")) == {MR, PRAM}
    assert broken(sequential("0:ax1 0:ax2 1:rx[1 2] 1:rx[1]")) == {MR, PRAM}
    assert broken(sequential("0:wx1 1:rx1 1:rx_")) == {MR, PRAM}


def test_writes_out_of_their_sessions_order() -> None:
    history = sequential("0:ax1 0:ax2 1:rx[2 1]")
    assert broken(history) == {MW, PRAM}
    assert only(history, MW) == (
        (0, 4),
        "Process 0 appended 1 to x (operation 0, acknowledged), then appended 2 to x (operation 2, acknowledged); but "
        "process 1 read x=[2, 1] (operation 4), before 1.",
    )
    assert broken(sequential("0:sx1 0:sx2 1:rx[2]")) == {MW, PRAM}
    assert broken(sequential("0:wx5 0:wx3"), versions=True) == {MW, PRAM}


def test_writes_without_what_their_session_had_read() -> None:
    history = sequential("0:ax1 1:rx[1] 1:ax2 2:rx[2]")
    assert broken(history) == {WFR}
    assert only(history, WFR) == (
        (2, 6),
        "Process 1 read x=[1] (operation 2), then appended 2 to x (operation 4, acknowledged); but process 2 read "
        "x=[2] (operation 6), without 1.",
    )
    assert broken(sequential("0:sx1 1:rx[1] 1:sx2 2:rx[2]")) == {WFR}
    assert broken(sequential("0:wx9 1:rx9 1:wx4"), versions=True) == {WFR}


def test_pram_is_about_all_keys_together() -> None:
    history = sequential("0:wx1 0:wy1 1:ry1 1:rx_")
    assert broken(history) == {PRAM}
    assert only(history, PRAM) == (
        (0, 4, 6),
        "Process 1 read y=1 (operation 4); process 0 had written x=1 (operation 0, acknowledged) before that. Then "
        "process 1 read x=null (operation 6): a write that it had seen is missing.",
    )


def test_sessions_may_see_others_writes_in_different_orders() -> None:
    history = sequential("0:wx1 1:wx2 2:rx1 2:rx2 3:rx2 3:rx1")
    found = verdicts(history)
    assert found[PRAM] is True
    assert found[MR] is False, "no one order of the versions allows that"
    result = checker(MR)(history)
    assert result.anomalies[0].operations == (4, 6, 8, 10)
    assert "no order of the writes" in result.anomalies[0].explanation


def test_two_sessions_that_contradict_each_other() -> None:
    history = sequential("0:wx1 1:wx2 0:rx2 1:rx1")
    assert verdicts(history) == {RYW: False, MR: True, MW: True, WFR: True, PRAM: True}
    assert only(history, RYW)[0] == (0, 2, 4, 6)


def test_an_order_that_nobody_told_is_not_guessed() -> None:
    result = checker(RYW)(sequential("0:wx1 1:wx2 0:rx2"))
    assert (result.valid, result.reason) == ("unknown", Reason.VERSION_ORDER)
    assert "nothing tells" in (result.explanation or "")
    assert checker(MW)(sequential("0:wx1 0:wx2 1:wx3")).reason == Reason.VERSION_ORDER
    assert checker(RYW)(sequential("0:wx1 0:wx1 0:rx1")).reason == Reason.VERSION_ORDER


def test_unknown_outcomes() -> None:
    assert broken(sequential("0:wx1? 1:rx_ 1:rx1 1:rx1")) == set()
    assert broken(sequential("0:wx1? 1:rx1 1:rx_")) == {MR, PRAM}, "what was seen has happened"
    lost = sequential("0:wx1? 1:rx_", sessions={0: "s", 1: "s"})
    assert broken(lost) == set(), "nobody said that it happened"


@pytest.mark.parametrize(
    ("text", "type_"),
    [("0:wx1 1:rx9", "garbage-read"), ("0:wx1! 1:rx1", "G1a"), ("1:rx1 0:wx1", "future-read"),
     ("0:ax1 1:rx[1 1]", "duplicate-elements"), ("0:sx1 1:rx[2]", "garbage-read")],
)  # fmt: skip
def test_reads_of_what_cannot_be(text: str, type_: str) -> None:
    for name in GUARANTEES:
        result = checker(name)(sequential(text))
        assert [each.type for each in result.anomalies if each.type != name] == [type_]


def test_contradicting_lists_have_no_order() -> None:
    history = sequential("0:ax1 1:ax2 2:rx[1 2] 3:rx[2 1]")
    assert [each.type for each in checker(RYW)(history).anomalies] == ["incompatible-order"]
    assert checker(PRAM)(history).valid is True


def test_sessions_that_span_processes() -> None:
    spanned = {0: "s", 1: "s"}
    assert broken(sequential("0:wx1 1:rx_", sessions=spanned)) == {RYW, PRAM}
    write, read = sequential("0:wx1", sessions=spanned), sequential("1:rx_", sessions=spanned)
    overlapping = History([write[0], read[0], write[1], read[1]])
    assert broken(overlapping) == set(), "it was not acknowledged before the read began"


def test_transactions_are_operations_one_after_the_other() -> None:
    def txn(process: int, *micros: list[Any]) -> list[Op]:
        asked = [["r", key, None] if f == "r" else [f, key, value] for f, key, value in micros]
        return [Op("invoke", process, "txn", asked), Op("ok", process, "txn", list(micros))]

    assert broken(History(txn(0, ["w", "x", 1], ["r", "x", None]))) == {RYW, PRAM}
    assert broken(History([*txn(0, ["w", "x", 1]), *txn(1, ["r", "x", 1], ["r", "x", None])])) == {MR, PRAM}
    assert broken(History([*txn(0, ["r", "x", None]), *txn(1, ["w", "x", 1]), *txn(0, ["r", "x", 1])])) == set()
    appended = [*txn(0, ["append", "x", 1], ["append", "x", 2]), *txn(1, ["r", "x", [2]])]
    assert broken(History(appended)) == {MW, PRAM}


def test_nil_reads_and_initial_values() -> None:
    assert broken(sequential("0:wx1 0:rx_"), nil_reads="unknown") == set()
    assert broken(sequential("0:wx1 0:rx0"), initial=0) == {RYW, PRAM}
    assert checker(RYW)(sequential("0:ax1 0:rx[]"), initial=[0]).reason == Reason.UNSUPPORTED


def test_values_are_told_apart_as_data() -> None:
    lines = [
        Op("invoke", 0, "write", True),
        Op("ok", 0, "write", True),
        Op("invoke", 0, "read"),
        Op("ok", 0, "read", 1),
    ]
    assert [each.type for each in checker(MR)(History(lines)).anomalies] == ["garbage-read"]


def test_what_was_counted() -> None:
    history = sequential("0:wx1 0:wx2 0:wx3 0:rx1 0:rx2 1:rx3 1:rx1", times=True)
    result = checker("session-guarantees")(history)
    assert result.valid is False
    own = result.details[RYW]
    assert (own["valid"], own["violations"], own["by_session"], own["by_key"]) == (
        False,
        2,
        {"process 0": 2},
        [["x", 2]],
    )
    assert own["worst_staleness_versions"] == {"versions": 2, "operation": 6}
    assert own["worst_staleness_ms"] == {"ms": 3.0, "operation": 8}
    assert result.details[MR]["by_session"] == {"process 1": 1}
    assert result.details[MW] == {"valid": True, "violations": 0}
    assert [each.type for each in result.anomalies] == [RYW, MR, PRAM]
    assert checker(RYW)(history).details["violations"] == 2


def test_what_is_refused() -> None:
    for f in ("cas", "remove"):
        result = checker(PRAM)(History([Op("invoke", 0, f, 1), Op("ok", 0, f, 1)]))
        assert (result.valid, result.reason) == ("unknown", Reason.UNSUPPORTED)
    lines = [Op("invoke", 0, "write", "a"), Op("ok", 0, "write", "a")]
    assert checker(RYW)(History(lines), versions=True).reason == Reason.UNSUPPORTED
    mixed = sequential("0:wx1 0:ax2")
    assert checker(RYW)(mixed).reason == Reason.UNSUPPORTED
    with pytest.raises(HistoryError):
        checker(RYW)(History([Op("ok", 0, "read", 1)]))


def test_no_time_is_unknown() -> None:
    result = checker(PRAM)(sequential("0:wx1 0:rx1"), time_limit_s=-1.0)
    assert (result.valid, result.reason) == ("unknown", Reason.TIMEOUT)


def test_nothing_is_valid() -> None:
    assert broken(History()) == set()
