"""Every anomaly, planted in a history of a few transactions, is found, named, told, and forbidden where it should."""

from __future__ import annotations

import pytest

from checkers.transactional import MODELS, check
from checkers.transactional.lattice import proscribed
from harness.history import History
from harness.result import Anomaly, Result
from tests.checkers.transactional.notation import concurrent, sequential

# name: history, the weakest levels that fail (all of what stands above them fails, too)
PLANTED: dict[str, tuple[History, set[str]]] = {
    "garbage-read": (concurrent("ax1", "rx[1 9]"), {"read-uncommitted"}),
    "duplicate-elements": (concurrent("ax1", "rx[1 1]"), {"read-uncommitted"}),
    "internal": (concurrent("ax1", "ax2 rx[1]"), {"read-uncommitted"}),
    "future-read": (concurrent("rx[1] ax1"), {"read-uncommitted"}),
    "incompatible-order": (concurrent("ax1", "ax2", "rx[1 2]", "rx[2 1]"), {"read-committed"}),
    "G1a": (concurrent("!ax1", "rx[1]"), {"read-committed"}),
    "dirty-update": (concurrent("!ax1", "ax2", "rx[1 2]"), {"read-committed"}),
    "G1b": (concurrent("ax1 ax2", "rx[1]"), {"read-committed"}),
    "G0": (concurrent("ax1 ay2", "ax3 ay4", "rx[1 3] ry[4 2]"), {"read-uncommitted"}),
    "G1c": (concurrent("ax1 ry[2]", "ay2 rx[1]"), {"read-committed"}),
    "G-monotonic": (concurrent("ax1 ay1", "rx[1] ry[]"), {"monotonic-atomic-view"}),
    "fractured-read": (concurrent("ax1 ay1", "ry[] rx[1]"), {"read-atomic", "repeatable-read"}),
    "lost-update": (concurrent("rx[] ax1", "rx[] ax2", "rx[1 2]"), {"cursor-stability"}),
    "G-cursor": (concurrent("rx[] ax1", "ax2", "rx[2 1]"), {"cursor-stability"}),
    "G-single": (concurrent("ax1 ay1", "ax2", "ry[] rx[1 2]"),
                 {"consistent-view", "parallel-snapshot-isolation", "prefix", "repeatable-read"}),
    "long-fork": (concurrent("ax1", "ay1", "rx[1] ry[]", "rx[] ry[1]"), {"prefix", "repeatable-read"}),
    "G-nonadjacent": (concurrent("ax1", "ay1", "rx[1] ry[]", "rx[] ry[1]"), {"prefix", "repeatable-read"}),
    "write-skew": (concurrent("rx[] ay1", "ry[] ax1"), {"repeatable-read", "update-serializable"}),
    "G2-item": (concurrent("rx[] ay1", "ry[] ax1"), {"repeatable-read", "update-serializable"}),
}  # fmt: skip
ORDERED: dict[str, tuple[History, set[str]]] = {
    "G0-process": (sequential("ax1", "ax2", "rx[2 1]", processes=[0, 0, 1]), {"strong-session-read-uncommitted"}),
    "G0-realtime": (sequential("ax1", "ax2", "rx[2 1]"), {"strong-read-uncommitted"}),
    "G1c-process": (sequential("rx[1]", "ax1", processes=[0, 0]), {"strong-session-read-committed"}),
    "G1c-realtime": (sequential("rx[1]", "ax1"), {"strong-read-committed"}),
    "G-single-process": (sequential("ax1", "rx[]", processes=[0, 0]), {"strong-session-read-atomic"}),
    "G-single-realtime": (sequential("ax1", "rx[]"), {"strong-read-atomic"}),
    "G-nonadjacent-process": (
        sequential("ax1", "ay1", "rx[1]", "ry[]", "ry[1]", "rx[]", processes=[0, 1, 2, 2, 3, 3]), {"prefix"}),
}  # fmt: skip


def found(history: History, level: str) -> tuple[Result, dict[str, Anomaly]]:
    result = check(history, expect=level)
    return result, {anomaly.type: anomaly for anomaly in result.anomalies}


@pytest.mark.parametrize("name", PLANTED)
def test_a_planted_anomaly_is_found_and_named(name: str) -> None:
    history, weakest = PLANTED[name]
    result, by_type = found(history, "serializable")
    assert result.valid is False
    assert name in by_type
    assert by_type[name].explanation.endswith(".")
    assert all(0 <= operation < len(history) for operation in by_type[name].operations)
    assert {level for level in result.details["weakest_failing"] if not level.startswith("strong")} == weakest


@pytest.mark.parametrize("name", [name for name in ORDERED if name != "G-nonadjacent-process"])
def test_order_of_sessions_and_real_time_is_only_in_its_own_levels(name: str) -> None:
    history, (weakest,) = ORDERED[name]
    assert check(history, expect="serializable").valid is True
    result, by_type = found(history, "strict-serializable")
    assert result.valid is False
    assert name in by_type
    if name.endswith("-process"):
        assert check(history, expect=weakest).valid is False
        assert name in found(history, weakest)[1]
    else:
        assert check(history, expect="strong-session-serializable").valid is True
    assert weakest in result.details["weakest_failing"]


def test_a_long_fork_through_sessions() -> None:
    history = sequential("ax1", "ay1", "rx[1]", "ry[]", "ry[1]", "rx[]", processes=[0, 1, 2, 2, 3, 3])
    assert check(history, expect="serializable").valid is True
    assert "G-nonadjacent-process" in found(history, "strong-session-snapshot-isolation")[1]
    assert check(history, expect="strong-session-parallel-snapshot-isolation").valid is True


def test_every_name_that_the_table_proscribes_is_one_that_is_reported() -> None:
    names = {name for level in MODELS for name in proscribed(level)}
    plain = {name for name in names if not name.endswith(("-process", "-realtime"))}
    assert plain - {"predicate-read-miss", "G2"} <= set(PLANTED)  # those are in composite/test_anomaly.py


def test_the_story_of_a_stale_read() -> None:
    result, by_type = found(sequential("ax1", "ax2", "rx[1]", "rx[1 2]"), "strict-serializable")
    assert result.valid is False
    assert by_type["G-single-realtime"].explanation == (
        "T4 read x=[1], without T2's append of 2, although T2 had completed (op 3) before T4 began (op 4)."
    )
    assert by_type["G-single-realtime"].operations == (4, 5, 2, 3)
    assert by_type["G-single-realtime"].details["edges"] == [
        {"from": 4, "to": 2, "type": "rw", "key": "x", "elements": [2]},
        {"from": 2, "to": 4, "type": "realtime"},
    ]


def test_the_story_of_a_wrong_read() -> None:
    stories = {
        name: found(PLANTED[name][0], "serializable")[1][name].explanation for name in ("G1a", "G1b", "internal")
    }
    assert stories == {
        "G1a": "T1 read x=[1], and T0, which appended 1, had failed.",
        "G1b": "T1 read x=[1]: T0 appended 1, and then 2, which it did not see.",
        "internal": "T1 read x=[1], though it had itself appended [2] just before.",
    }


def test_a_shortest_cycle_is_told_though_a_longer_one_is_there() -> None:
    ring = [f"a{chr(97 + i)}1 r{chr(97 + (i + 1) % 6)}[1]" for i in range(6)]
    _, by_type = found(concurrent(*ring), "read-committed")
    assert by_type["G1c"].details["transactions"] == 6
    _, by_type = found(concurrent(*ring, "ax1 ry[1]", "ay1 rx[1]"), "read-committed")
    assert by_type["G1c"].details["transactions"] == 2
    assert by_type["G1c"].details["shortest"] is True


def test_appends_that_nobody_read_can_refute_a_level_in_either_order() -> None:
    history = concurrent("ax1", "ay1", "rx[1] ry[] az1", "rx[] ry[1] az2")  # a long fork whose readers both append to z
    assert (
        check(concurrent("ax1", "ay1", "rx[1] ry[]", "rx[] ry[1]"), expect="parallel-snapshot-isolation").valid is True
    )
    result = check(history, expect="parallel-snapshot-isolation")
    assert result.valid is False
    (anomaly,) = result.anomalies
    assert "neither order is allowed" in anomaly.explanation
    assert anomaly.details["pair"] == [2, 3]
    assert check(history, expect="causal").valid is True
