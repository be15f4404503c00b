"""Every anomaly of registers, planted in a few transactions, is found, named, told, and forbidden where it should."""

from __future__ import annotations

import pytest

from checkers.transactional import check
from harness.history import History
from harness.result import Anomaly, Result
from tests.checkers.transactional.register.notation import concurrent, sequential

# name: history, the weakest plain levels that fail (all of what stands above them fails, too)
PLANTED: dict[str, tuple[History, set[str]]] = {
    "garbage-read": (concurrent("wx1", "rx9"), {"read-uncommitted"}),
    "internal": (concurrent("wx1 rx2", "wx2"), {"read-uncommitted"}),
    "future-read": (concurrent("rx1 wx1"), {"read-uncommitted"}),
    "G1a": (concurrent("!wx1", "rx1"), {"read-committed"}),
    "dirty-update": (concurrent("!wx1", "rx1 wx2", "rx2"), {"read-committed"}),
    "G1b": (concurrent("wx1 wx2", "rx1"), {"read-committed"}),
    "G1c": (concurrent("wx1 ry2", "wy2 rx1"), {"read-committed"}),
    "G-monotonic": (concurrent("wx1 wy1", "rx1 wx2 wy2", "rx2 ry1"), {"monotonic-atomic-view"}),
    "fractured-read": (concurrent("wx1 wy1", "rx1 wx2 wy2", "ry1 rx2"), {"read-atomic", "repeatable-read"}),
    "lost-update": (concurrent("wx1", "rx1 wx2", "rx1 wx3"), {"cursor-stability"}),
    "G-cursor": (concurrent("wx1 wy1", "rx1 wx2", "wx3", "rx3 ry1 wy2", "ry2 rx2"), set()),
    "G-single": (concurrent("wx1 wy1", "rx1 wx2", "ry_ rx2"),
                 {"consistent-view", "parallel-snapshot-isolation", "prefix", "repeatable-read"}),
    "long-fork": (concurrent("wx1", "wy1", "rx1 ry_", "rx_ ry1"), {"prefix", "repeatable-read"}),
    "G-nonadjacent": (concurrent("wx1", "wy1", "rx1 ry_", "rx_ ry1"), {"prefix", "repeatable-read"}),
    "write-skew": (concurrent("wx1 wy1", "rx1 wy2", "ry1 wx2"), {"repeatable-read", "update-serializable"}),
    "G2-item": (concurrent("wx1", "wx2", "rx1 ry_", "rx2 wy1", "ry1 rx1"), {"repeatable-read", "update-serializable"}),
}  # fmt: skip
del PLANTED["G-cursor"]
ORDERED: dict[str, tuple[History, str]] = {
    "G1c-process": (sequential("rx1", "wx1", processes=[0, 0]), "strong-session-read-committed"),
    "G1c-realtime": (sequential("rx1", "wx1"), "strong-read-committed"),
    "G-single-process": (sequential("wx1", "wx2", "rx1", processes=[0, 0, 0]), "strong-session-read-atomic"),
    "G-single-realtime": (sequential("wx1", "wx2", "rx1"), "strong-read-atomic"),
}


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
    failing = {level for level in result.details["weakest_failing"] if not level.startswith("strong")}
    assert failing - {"causal"} == weakest


@pytest.mark.parametrize("name", ORDERED)
def test_order_of_sessions_and_real_time_is_only_in_its_own_levels(name: str) -> None:
    history, weakest = ORDERED[name]
    assert check(history, expect="serializable").valid is True
    result, by_type = found(history, "strict-serializable")
    assert result.valid is False
    assert set(by_type) == {name}
    assert weakest in result.details["weakest_failing"]


@pytest.mark.parametrize(("name", "level", "text"), [
    ("G1a", "serializable", "T1 read x=1, and T0, which wrote that, had failed."),
    ("G1b", "serializable", "T1 read x=1: T0 wrote that, and then 2, which it did not see."),
    ("G1c", "serializable",
     "T1 read x=1, which T0 wrote; T0 read y=2, which T1 wrote: no order of these 2 is possible."),
    ("fractured-read", "read-atomic",
     "T2 read y=1, without T1's write of 2, although T2 read x=2, which T1 wrote. "
     "T0 wrote y=1 before T1 wrote 2: T1 read x=1, which T0 wrote."),
    ("lost-update", "snapshot-isolation",
     "T1 and T2 both read x=1 and wrote over it (2 and 3): whichever wrote last did so without the other's write."),
    ("G2-item", "serializable",
     "T0 and T1 both wrote x, and neither order is allowed. If T0 wrote first: T4 read x=1, without T1's write of 2, "
     "although T3 read x=2, which T1 wrote; T4 read y=1, which T3 wrote. If T1 did: T2 read x=1, which T0 wrote; "
     "T2 read y=null, its initial value, without T3's write of 1; T3 read x=2, without T0's write of 1: "
     "no order of these 3 is possible."),
])  # fmt: skip
def test_the_story(name: str, level: str, text: str) -> None:
    _, by_type = found(PLANTED[name][0], level)
    assert by_type[name].explanation == text


def test_the_same_as_data() -> None:
    _, by_type = found(PLANTED["fractured-read"][0], "read-atomic")
    assert by_type["fractured-read"].operations == (2, 5, 1, 4, 0, 3)
    assert by_type["fractured-read"].details == {
        "edges": [
            {"from": 2, "to": 1, "type": "rw", "key": "y", "values": [1, 2]},
            {"from": 1, "to": 2, "type": "wr", "key": "x", "values": [2]},
        ],
        "forced": [{"order": [0, 1], "key": "y", "otherwise": [
            {"from": 0, "to": 1, "type": "wr", "key": "x", "values": [1]},
            {"from": 1, "to": 0, "type": "ww", "key": "x", "values": [2, 1]},
        ]}],
        "transactions": 3,
    }  # fmt: skip


def test_only_what_is_needed_is_told() -> None:
    noise = [f"w{key}{number}" for number, key in enumerate("abcdefgh", 10)]
    _, by_type = found(concurrent(*noise, "wx1", "rx1 wx2 ra10", "rx1 wx3 rb11"), "serializable")
    assert set(by_type) == {"lost-update"}
    assert by_type["lost-update"].details["transactions"] == 3
