"""Evidence against a level, piece by piece: an edge that is not there, or a cycle that is allowed, is refused."""

from __future__ import annotations

import json
from typing import Any

import pytest

from checkers.transactional import MODELS, check
from checkers.transactional.counterexample import History as Counterexamples
from checkers.transactional.counterexample import is_explicit, refute
from checkers.transactional.register.reading import read_transactions
from checkers.transactional.shown import Lists, Registers, Touching
from checkers.transactional.transaction import transactions
from harness.history import History
from tests.checkers.transactional.notation import concurrent, sequential
from tests.checkers.transactional.register import notation as register

SKEW = concurrent("ax1 ry[]", "ay1 rx[]", "rx[1] ry[1]", "?az1", "?az2", "rz[2]")


def lists(history: History, level: str) -> Counterexamples:
    listed = transactions(history)
    return Counterexamples(listed, Lists(Touching(listed)), MODELS[level])


def registers(history: History, level: str) -> Counterexamples:
    reading = read_transactions(history)
    return Counterexamples(
        reading.transactions, Registers(Touching(reading.transactions), reading.initial), MODELS[level]
    )


def cycle(*edges: tuple[int, str, int]) -> dict[str, Any]:
    return {"edges": [{"from": source, "type": kind, "to": target} for source, kind, target in edges]}


@pytest.mark.parametrize(("level", "edges", "said"), [
    ("serializable", [(0, "rw", 1), (1, "rw", 0)], None),
    ("snapshot-isolation", [(0, "rw", 1), (1, "rw", 0)], "does not forbid a cycle of rw rw"),
    ("serializable", [(0, "wr", 2), (2, "rw", 0)], "nothing in the history says that T2 comes before T0 (rw)"),
    ("serializable", [(0, "ww", 1), (1, "rw", 0)], "nothing in the history says that T0 comes before T1 (ww)"),
    ("serializable", [(0, "realtime", 1), (1, "rw", 0)], "nothing in the history says that T0 comes before T1"),
    ("serializable", [(0, "rw", 1), (0, "rw", 1)], "the edge to T1 is not followed by one from it"),
    ("serializable", [(0, "rw", 1)], "the edge to T1 is not followed"),
    ("serializable", [(0, "rw", 0)], "the edge to T0 is not followed"),
    ("serializable", [], "a cycle without edges"),
    ("serializable", [(0, "rw", 9), (9, "rw", 0)], "names 9, which begins no transaction"),
    ("serializable", [(3, "rw", 4), (4, "rw", 3)], "T3 may not have committed"),
    ("serializable", [(4, "wr", 5), (5, "rw", 4)], "T5 comes before T4"),
])  # fmt: skip
def test_cycles_of_lists(level: str, edges: list[tuple[int, str, int]], said: str | None) -> None:
    objection = refute(lists(SKEW, level), "G2-item", cycle(*edges))
    assert (objection is None) if said is None else (said in (objection or "")), objection


@pytest.mark.parametrize("details", [
    {"edges": 1}, {"edges": [1]}, {"edges": [{"from": 0, "to": 1, "type": "other"}]}, {"edges": [{"type": "rw"}]},
    {"cases": []}, {"cases": [[], []], "pair": [0, 1]}, {"cases": [[]], "pair": [0]}, {"cases": 5, "pair": [0, 0]},
    {"edges": [], "forced": 1}, {"edges": [], "forced": [1]}, {"edges": [], "forced": [{"order": [0, 1]}]},
    {"reader": 0}, {"reader": None, "place": 0}, {"reader": 0, "place": "x"}, {"reader": 0, "place": 1}, {"reader": 9},
])  # fmt: skip
def test_what_is_no_evidence_is_refused_in_words(details: dict[str, Any]) -> None:
    for type_ in ("G2-item", "G1a", "incompatible-order", "other"):
        assert refute(lists(SKEW, "serializable"), type_, details)


@pytest.mark.parametrize(("history", "type_", "details", "level"), [
    (concurrent("rx[9]"), "garbage-read", {"reader": 0, "place": 0}, "read-uncommitted"),
    (concurrent("ax1", "rx[1 1]"), "duplicate-elements", {"reader": 1, "place": 0}, "read-uncommitted"),
    (concurrent("ax1 rx[]"), "internal", {"reader": 0, "place": 1}, "read-uncommitted"),
    (concurrent("rx[1] ax1"), "future-read", {"reader": 0, "place": 0}, "read-uncommitted"),
    (concurrent("!ax1", "rx[1]"), "G1a", {"reader": 1, "place": 0}, "read-committed"),
    (concurrent("ax1 ax2", "rx[1]"), "G1b", {"reader": 1, "place": 0}, "read-committed"),
    (concurrent("!ax1", "ax2", "rx[1 2]"), "dirty-update", {"reader": 2, "place": 0}, "read-committed"),
    (concurrent("ax1", "ax2", "rx[1 2]", "rx[2]"), "incompatible-order",
     {"reader": 3, "place": 0, "other": 2, "other_place": 0}, "read-committed"),
    (concurrent("ax1 ax2", "rx[2 1]"), "incompatible-order", {"reader": 1, "place": 0, "other": 0}, "read-committed"),
])  # fmt: skip
def test_wrong_reads_of_lists(history: History, type_: str, details: dict[str, Any], level: str) -> None:
    assert refute(lists(history, level), type_, details) is None
    others = {"garbage-read", "duplicate-elements", "internal", "future-read", "G1a", "G1b", "dirty-update"} - {type_}
    related = {"dirty-update": {"G1a"}, "duplicate-elements": {"G1b"}, "incompatible-order": {"G1b"}}.get(type_, set())
    for other in others - related:
        assert "shows no" in (refute(lists(history, "serializable"), other, details) or "shows no")
        if other != "G1b":
            assert refute(lists(history, "serializable"), other, details), other
    if level != "read-uncommitted":
        assert "does not forbid" in (refute(lists(history, "read-uncommitted"), type_, details) or "")
    right = lists(concurrent("ax1", "rx[1]", "rx[1]", "rx[1]"), "serializable")
    assert refute(right, type_, {"reader": 1, "place": 0, "other": 2, "other_place": 0})


@pytest.mark.parametrize(("history", "type_", "details"), [
    (register.concurrent("rx9"), "garbage-read", {"reader": 0, "place": 0}),
    (register.concurrent("wx1 rx2", "wx2"), "internal", {"reader": 0, "place": 1}),
    (register.concurrent("rx1 wx1"), "future-read", {"reader": 0, "place": 0}),
    (register.concurrent("!wx1", "rx1"), "G1a", {"reader": 1, "place": 0}),
    (register.concurrent("wx1 wx2", "rx1"), "G1b", {"reader": 1, "place": 0}),
    (register.concurrent("!wx1", "rx1 wx2", "rx2"), "dirty-update", {"reader": 2, "place": 0}),
])  # fmt: skip
def test_wrong_reads_of_registers(history: History, type_: str, details: dict[str, Any]) -> None:
    for other in ("garbage-read", "internal", "future-read", "G1a", "G1b", "dirty-update", "G2-item"):
        objection = refute(registers(history, "serializable"), other, details)
        assert (objection is None) is (other == type_), (other, objection)


def test_a_forced_order_needs_its_reason() -> None:
    """The second write of x came after the first: its transaction read that. So the stale read is one."""
    history = register.sequential("wx1", "rx1 wx2", "rx1 wy1", "ry1 rx2")
    result = check(history, expect="strict-serializable")
    (anomaly,) = [each for each in result.anomalies if "edges" in each.details]
    details = json.loads(json.dumps(dict(anomaly.details)))
    here = registers(history, "strict-serializable")
    assert refute(here, anomaly.type, details) is None
    without = {name: value for name, value in details.items() if name != "forced"}
    assert "nothing in the history says" in (refute(here, anomaly.type, without) or "")
    other_way = {**details, "forced": [{**each, "order": each["order"][::-1]} for each in details["forced"]]}
    assert refute(here, anomaly.type, other_way)
    assert refute(registers(history, "serializable"), anomaly.type, details), "without real time it is none"


def test_a_choice_is_tried_both_ways() -> None:
    """Whichever wrote first: the reader missed the other's write."""
    history = register.concurrent("wx1 wy1", "wx2 wy2", "rx1 ry2")
    result = check(history, expect="read-atomic")
    (anomaly,) = result.anomalies
    details = json.loads(json.dumps(dict(anomaly.details)))
    here = registers(history, "read-atomic")
    assert refute(here, anomaly.type, details) is None
    assert is_explicit(details)
    one, two = details["cases"]
    assert "comes before" in (refute(here, anomaly.type, {**details, "cases": [one, one]}) or "")
    assert "comes before" in (refute(here, anomaly.type, {**details, "cases": [two, one]}) or "")
    assert "both orders" in (refute(here, anomaly.type, {**details, "cases": [one]}) or "")
    assert "did not write one key" in (refute(here, anomaly.type, {**details, "pair": [0, 0]}) or "")
    assert "does not forbid" in (refute(registers(history, "read-committed"), anomaly.type, details) or "")


def test_a_value_that_several_wrote_shows_no_order() -> None:
    history = register.concurrent("wx1 wy1", "wx1", "rx1 ry_")
    details = cycle((0, "wr", 2), (2, "rw", 0))
    assert "T0 comes before T2 (wr)" in (refute(registers(history, "serializable"), "G-single", details) or "")
    told = register.concurrent("wx1 wy1", "wx3", "rx1 ry_")
    assert refute(registers(told, "serializable"), "G-single", details) is None


def test_lists_with_an_element_twice_show_nothing() -> None:
    history = concurrent("ax1 ay1", "ax1", "rx[1] ry[]")
    details = cycle((0, "wr", 2), (2, "rw", 0))
    assert "appended twice" in (refute(lists(history, "serializable"), "G-single", details) or "")


def test_sessions_bind_only_where_the_level_says_so() -> None:
    history = sequential("ax1", "rx[]", processes=[0, 0])
    for kind in ("process", "realtime"):
        details = cycle((0, kind, 2), (2, "rw", 0))
        assert (refute(lists(history, "strong-session-serializable"), "lost-update", details) is None) is (
            kind == "process"
        )
        assert refute(lists(history, "strict-serializable"), "lost-update", details) is None
        assert "does not forbid" in (refute(lists(history, "serializable"), "G-single", details) or "")


@pytest.mark.parametrize(("type_", "said"), [
    ("G2-item", None), ("write-skew", None), ("G-single", "which is G2-item"), ("G2-item-process", "which is G2-item"),
    ("other", "no anomaly is called 'other'"), ("", "no anomaly is called"),
])  # fmt: skip
def test_an_anomaly_has_its_name(type_: str, said: str | None) -> None:
    objection = refute(lists(SKEW, "serializable"), type_, cycle((0, "rw", 1), (1, "rw", 0)))
    assert (objection is None) if said is None else (said in (objection or "")), objection
