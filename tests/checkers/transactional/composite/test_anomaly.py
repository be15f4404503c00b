"""Every anomaly of sets, counters and ranges, planted in a few transactions, is found, named, told, and forbidden where
it should."""

from __future__ import annotations

import pytest

from checkers.transactional import check
from harness.history import History
from harness.result import Anomaly, Result
from tests.checkers.transactional.composite.notation import concurrent, sequential

SERIAL = {"repeatable-read", "update-serializable"}
FORK = {"prefix", "repeatable-read"}
# history, the anomaly, the weakest plain levels that fail, its story
PLANTED: dict[str, tuple[History, str, set[str], str]] = {
    "set, element of nobody": (
        concurrent("+s1", "rs{9}"), "garbage-read", {"read-uncommitted"}, "T1 read s={9}, and nobody ever added 9."),
    "set, twice": (
        concurrent("+s1", "rs{1 1}"), "duplicate-elements", {"read-uncommitted"},
        "T1 read s={1, 1}, in which 1 stands twice; it is a set."),
    "set, own add": (
        concurrent("+s1 rs{}"), "internal", {"read-uncommitted"},
        "T0 read s={}, though it had itself added 1 before."),
    "set, own later add": (
        concurrent("rs{1} +s1"), "future-read", {"read-uncommitted"}, "T0 read s={1} before it added 1 itself."),
    "set, aborted": (
        concurrent("!+s1", "rs{1}"), "G1a", {"read-committed"},
        "T1 read s={1}, and T0, which added 1, had failed."),
    "set, half a transaction": (
        concurrent("+s1 +s2", "rs{1}"), "G1b", {"read-committed"},
        "T1 read s={1}: T0 added 1 to it, and also 2, which it did not see."),
    "set, of each other": (
        concurrent("+s1 rt{2}", "+t2 rs{1}"), "G1c", {"read-committed"},
        "T1 read s={1}, with T0's add of 1; T0 read t={2}, with T1's add of 2: no order of these 2 is possible."),
    "set, backwards": (
        concurrent("+s1 +t1", "rs{1} rt{}"), "G-monotonic", {"monotonic-atomic-view"},
        "T1 read t={}, without T0's add of 1, although T1 read s={1}, with T0's add of 1."),
    "set, fractured": (
        concurrent("+s1 +t1", "rt{} rs{1}"), "fractured-read", {"read-atomic", "repeatable-read"},
        "T1 read t={}, without T0's add of 1, although T1 read s={1}, with T0's add of 1."),
    "set, cause missed": (
        concurrent("+s1", "rs{1} +t2", "rs{} rt{2}"), "G-single",
        {"consistent-view", "parallel-snapshot-isolation", *FORK},
        "T2 read s={}, without T0's add of 1, although T1 read s={1}, with T0's add of 1; "
        "T2 read t={2}, with T1's add of 2."),
    "set, fork": (
        concurrent("+s1", "+s2", "rs{1}", "rs{2}"), "long-fork", FORK,
        "T2 read s={1}, with T0's add of 1; T2 read s={1}, without T1's add of 2; T3 read s={2}, with T1's add of 2; "
        "T3 read s={2}, without T0's add of 1: no order of these 4 is possible."),
    "set, skew": (
        concurrent("rs{} +t1", "rt{} +s2"), "G2-item", SERIAL,
        "T0 read s={}, without T1's add of 2; T1 read t={}, without T0's add of 1: no order of these 2 is possible."),
    "counter, impossible": (
        concurrent("+c1", "+c3", "rc=2"), "garbage-read", {"read-uncommitted"},
        "T2 read c=2; the increments of others are +1, +3: between 0 and 4: no choice of increments gives that."),
    "counter, own increment": (
        concurrent("+c5 rc=0"), "internal", {"read-uncommitted"},
        "T0 read c=0 (its own increments give 5), and no other increments can have happened; "
        "only without its own increments before is that possible."),
    "counter, own later increment": (
        concurrent("rc=5 +c5"), "future-read", {"read-uncommitted"},
        "T0 read c=5, and no other increments can have happened; only with its own later increments is that possible."),
    "counter, aborted": (
        concurrent("!+c5", "+c1", "rc=6"), "G1a", {"read-committed"},
        "T2 read c=6; the increments of others are +1: between 0 and 1; "
        "only with increments of T0, which had failed, is that possible."),
    "counter, half a transaction": (
        concurrent("+c5 -c4", "rc=5"), "G1b", {"read-committed"},
        "T1 read c=5; the increments of others are +1: between 0 and 1; "
        "only with part of what T0 did is that possible."),
    "counter, fork": (
        concurrent("+c1", "+c2", "rc=1", "rc=2"), "long-fork", FORK,
        "T2 read c=1, with T0's increment by 1; T2 read c=1, without T1's increment by 2; T3 read c=2, with T1's "
        "increment by 2; T3 read c=2, without T0's increment by 1: no order of these 4 is possible."),
    "counter, backwards whichever": (
        concurrent("+c1", "+c1", "rc=1 rc=2 rc=1"), "G-monotonic", {"monotonic-atomic-view"},
        "T2 read c=1, without T0's increment by 1, although T2 read c=2, with T0's increment by 1. (What was read can "
        "be explained in 4 ways, by other increments, adds or writes of the same; this is one of them, and none of the "
        "others is allowed.)"),
    "range, own key missed": (
        concurrent("w2=1 1..3{}"), "predicate-read-miss", {"read-uncommitted"},
        "T0 read the keys 1 to 3 as {}, without 2, though it had itself written 1 there before."),
    "range, not asked for": (
        concurrent("w2=1 w7=1", "1..3{2=1 7=1}"), "garbage-read", {"read-uncommitted"},
        "T1 read the keys 1 to 3 as {2: 1, 7: 1}, and 7 is not among what it asked for."),
    "range, key twice": (
        concurrent("w2=1", "1..3{2=1 2=1}"), "duplicate-elements", {"read-uncommitted"},
        "T1 read the keys 1 to 3 as {2: 1, 2: 1}, in which 2 stands twice."),
    "range, aborted": (
        concurrent("!w2=1", "1..3{2=1}"), "G1a", {"read-committed"},
        "T1 read the keys 1 to 3 as {2: 1}, in which 2=1, and T0, which wrote that, had failed."),
    "range, half a transaction": (
        concurrent("w2=1 w2=3", "1..3{2=1}"), "G1b", {"read-committed"},
        "T1 read the keys 1 to 3 as {2: 1}, in which 2=1: T0 wrote that, and then 3, which it did not see."),
    "range, backwards": (
        concurrent("w1=1 w2=1", "r1=1 1..3{1=1}"), "G-monotonic", {"monotonic-atomic-view"},
        "T1 read the keys 1 to 3 as {1: 1}, without 2, to which T0 wrote 1, although T1 read 1=1, which T0 wrote."),
    "range, phantoms": (
        concurrent("1..3{} w2=1", "1..3{} w3=1"), "G2", {"update-serializable"},
        "T0 read the keys 1 to 3 as {}, without 3, to which T1 wrote 1; "
        "T1 read the keys 1 to 3 as {}, without 2, to which T0 wrote 1: no order of these 2 is possible."),
    "range, items": (
        concurrent("w2=1 w3=1", "1..3{2=1 3=1} w2=2", "1..3{2=1 3=1} w3=2"), "G2-item", SERIAL,
        "T1 read the keys 1 to 3 as {2: 1, 3: 1}, without T2's write of 2 to 3; "
        "T2 read the keys 1 to 3 as {2: 1, 3: 1}, without T1's write of 2 to 2: no order of these 2 is possible. "
        "T0 wrote 2=1 before T1 wrote 2: T1 read the keys 1 to 3 as {2: 1, 3: 1}, in which T0 wrote 2=1. "
        "T0 wrote 3=1 before T2 wrote 2: T2 read the keys 1 to 3 as {2: 1, 3: 1}, in which T0 wrote 2=1."),
}  # fmt: skip
ORDERED: dict[str, tuple[History, str, str]] = {
    "set": (sequential("+s1", "rs{}"), "G-single-realtime",
            "T2 read s={}, without T0's add of 1, although T0 had completed (op 1) before T2 began (op 2)."),
    "counter": (sequential("+c1", "+c2", "+c3", "rc=3"), "G-single-realtime",
                "T6 read c=3, although T0's increment by 1, T2's increment by 2 and T4's increment by 3 (+6 in all) "
                "had completed before it began: no choice of these gives that."),
    "range": (sequential("w2=1", "1..3{}"), "G-single-realtime",
              "T2 read the keys 1 to 3 as {}, without 2, to which T0 wrote 1, although T0 had completed (op 1) before "
              "T2 began (op 2)."),
    "removal": (sequential("w2=1", "w2=_", "1..3{2=1}"), "G-single-realtime",
                "T4 read the keys 1 to 3 as {2: 1}, without T2's removal of 2, although T2 had completed (op 3) before "
                "T4 began (op 4). T0 wrote 2=1 before T2 wrote null: T0 had completed (op 1) before T2 began (op 2)."),
    "counter, too early": (sequential("rc=1", "+c1"), "G1c-realtime",
                           "T0 read c=1, with T2's increment by 1; T0 had completed (op 1) before T2 began (op 2): no "
                           "order of these 2 is possible."),
}  # fmt: skip


def found(history: History, level: str) -> tuple[Result, dict[str, Anomaly]]:
    result = check(history, expect=level)
    return result, {anomaly.type: anomaly for anomaly in result.anomalies}


@pytest.mark.parametrize("name", PLANTED)
def test_a_planted_anomaly_is_found_named_and_told(name: str) -> None:
    history, type_, weakest, story = PLANTED[name]
    result, by_type = found(history, "serializable")
    assert result.valid is False
    assert by_type[type_].explanation == story
    assert all(0 <= operation < len(history) for operation in by_type[type_].operations)
    failing = {level for level in result.details["weakest_failing"] if not level.startswith("strong")}
    assert failing - {"causal"} == weakest


@pytest.mark.parametrize("name", ORDERED)
def test_real_time_is_only_in_its_own_levels(name: str) -> None:
    history, type_, story = ORDERED[name]
    assert check(history, expect="serializable").valid is True
    result, by_type = found(history, "strict-serializable")
    assert result.valid is False
    assert {each: anomaly.explanation for each, anomaly in by_type.items()} == {type_: story}


def test_the_same_as_data() -> None:
    _, by_type = found(PLANTED["set, skew"][0], "serializable")
    assert by_type["G2-item"].operations == (0, 2, 1, 3)
    assert by_type["G2-item"].details == {
        "edges": [
            {"from": 0, "to": 1, "type": "rw", "key": "s", "values": [2]},
            {"from": 1, "to": 0, "type": "rw", "key": "t", "values": [1]},
        ],
        "transactions": 2,
    }
    _, by_type = found(ORDERED["counter"][0], "strict-serializable")
    assert by_type["G-single-realtime"].details == {"key": "c", "required": [0, 2, 4], "possible": []}


def test_phantoms_break_no_repeatable_read_and_a_mixture_is_undecided() -> None:
    history, *_ = PLANTED["range, phantoms"]
    assert check(history, expect="repeatable-read").valid is True
    assert check(history, expect="strong-snapshot-isolation").valid is True
    mixed = concurrent("rs{} +c1", "rc=0 w1=5", "1..1{} +s1")
    result = check(mixed, expect="repeatable-read")
    assert (result.valid, result.reason) == ("unknown", "unsupported")
    assert "PL-2.99" in (result.explanation or "")
    assert check(mixed, expect="serializable").anomalies[0].type == "G2"


def test_an_add_that_another_one_hides_may_be_on_a_phantoms_cycle() -> None:
    """T2 misses T1's second write, a phantom, and adds what is there already: whether T1 missed that add nobody knows;
    if so, an antidependency of an item is on the cycle, and if not, T1 and T2 read from each other."""
    hidden = concurrent("+s0", "w3=1 rs{0} w2=2", "1..3{3=1} +s0")
    assert check(hidden, expect="repeatable-read").valid == "unknown"
    told = concurrent("+s0", "w3=1 rs{0} w2=2", "1..3{3=1}")
    assert check(told, expect="repeatable-read").valid is not False


def test_only_what_is_needed_is_told() -> None:
    noise = [f"+s{number}" for number in range(10, 18)]
    _, by_type = found(concurrent(*noise, "rs{} +t1", "rt{} +s2"), "serializable")
    assert by_type["G2-item"].details["transactions"] == 2
