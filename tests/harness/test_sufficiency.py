"""Too little happened: the thresholds of architecture.md, at their edges."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.history import History, Op
from harness.plan import Plan, ScheduledOperation
from harness.result import Reason
from harness.sufficiency import asked, count_conflicts, ok_min, shortfall
from harness.workload import Thresholds

THRESHOLDS = Thresholds(counted=("write",), writes=("write",))


def one_by_one(ok: int, fail: int = 0, f: str = "write") -> list[Op]:
    kinds = ["ok"] * ok + ["fail"] * fail
    return [op for kind in kinds for op in (Op("invoke", 0, f), Op(kind, 0, f))]  # type: ignore[arg-type]


def overlapping(first: str, second: str, keys: Sequence[object] = (1, 1), end: str = "ok") -> list[Op]:
    return [
        Op("invoke", 1, first, key=keys[0]),
        Op("invoke", 2, second, key=keys[1]),
        Op(end, 1, first, key=keys[0]),  # type: ignore[arg-type]
        Op("ok", 2, second, key=keys[1]),
    ]


@pytest.mark.parametrize(("ok", "fail", "enough"), [(10, 0, True), (9, 0, False), (10, 990, True), (10, 1000, False)])
def test_ok_operations(ok: int, fail: int, enough: bool) -> None:
    history = History([*one_by_one(ok, fail), *overlapping("read", "write", end="fail"), *overlapping("read", "read")])
    found = shortfall(History([*one_by_one(ok, fail)]), Thresholds(counted=("write",), conflicts_min=0))
    assert (found is None) == enough
    assert found is None or (found[0], f"{ok} of {ok + fail}" in found[1]) == (Reason.TOO_FEW_OK, True)
    assert len(history) > 0


def test_an_operation_that_was_never_asked_is_too_few() -> None:
    found = shortfall(History(one_by_one(50, f="read")), THRESHOLDS)
    assert found is not None
    assert found[0] is Reason.TOO_FEW_OK


def test_without_a_conflict_nothing_could_go_wrong() -> None:
    found = shortfall(History(one_by_one(50)), THRESHOLDS)
    assert found is not None
    assert found[0] is Reason.NO_CONFLICT
    assert shortfall(History([*one_by_one(50), *overlapping("write", "read")]), THRESHOLDS) is None


@pytest.mark.parametrize(
    ("ops", "conflicts"),
    [
        (overlapping("write", "read"), 1),
        (overlapping("read", "write"), 1),
        (overlapping("write", "write"), 1),
        (overlapping("read", "read"), 0),
        (overlapping("write", "read", keys=(1, 2)), 0),
        (overlapping("write", "read", end="fail"), 0),
        (overlapping("write", "read", end="info"), 1),
        ([Op("invoke", 1, "write"), Op("info", 1, "write"), Op("invoke", 2, "read"), Op("ok", 2, "read")], 0),
        ([Op("invoke", 1, "write"), Op("invoke", 2, "read"), Op("ok", 2, "read")], 1),
        ([Op("info", "nemesis", "write"), Op("invoke", 2, "read"), Op("ok", 2, "read")], 0),
    ],
)
def test_what_a_conflict_is(ops: list[Op], conflicts: int) -> None:
    assert count_conflicts(History(ops), ("write",), 100) == conflicts


def slow_count(history: History) -> int:
    """All pairs, as the definition says."""
    calls = [call for call in history.calls() if call.outcome != "fail"]
    end = len(history)
    return sum(
        1
        for i, a in enumerate(calls)
        for b in calls[i + 1 :]
        if a.key == b.key
        and "write" in (a.f, b.f)
        and a.invoke < (end if b.complete is None else b.complete)
        and b.invoke < (end if a.complete is None else a.complete)
    )


@given(st.lists(st.tuples(st.integers(0, 4), st.sampled_from(["read", "write"]), st.integers(0, 1),
                          st.sampled_from(["ok", "fail", "info"])), max_size=40))  # fmt: skip
def test_the_sweep_counts_what_the_definition_counts(steps: list[tuple[int, str, int, str]]) -> None:
    running: dict[int, Op] = {}
    ops = []
    for process, f, key, kind in steps:
        if process in running:
            begun = running.pop(process)
            ops.append(Op(kind, process, begun.f, key=begun.key))  # type: ignore[arg-type]
        else:
            running[process] = Op("invoke", process, f, key=key)
            ops.append(running[process])
    history = History(ops)
    assert count_conflicts(history, ("write",), 10**9) == slow_count(history)


def test_what_comes_after_the_end_is_no_load() -> None:
    load = one_by_one(2)
    history = History([*load, *overlapping("write", "write"), *one_by_one(20)])
    assert shortfall(history, THRESHOLDS) is None
    found = shortfall(history, THRESHOLDS, end=len(load))
    assert found is not None
    assert "2 of 2" in found[1]
    assert count_conflicts(history, ("write",), 100, end=len(load) + 1) == 0
    assert count_conflicts(history, ("write",), 100, end=len(load) + 2) == 1


MIXED = Thresholds(counted=("read", "write", "cas"), writes=("write", "cas"), ok_of_asked={"cas": 0.05})


def listed(**counts: int) -> Plan:
    operations = tuple(ScheduledOperation(0, 0, f) for f, count in counts.items() for _ in range(count))
    return Plan("play", "register", operations=operations)


@pytest.mark.parametrize(
    ("rate_hz", "time_limit_s", "read", "cas"),
    [(100.0, 30.0, 10, 10), (100.0, 1.3, 6, 2), (10.0, 5.0, 2, 0), (6.0, 4.0, 1, 0), (1.0, 2.0, 0, 0)],
)
def test_what_is_needed_grows_with_what_is_asked(rate_hz: float, time_limit_s: float, read: int, cas: int) -> None:
    plan = asked(Plan("play", "register", rate_hz=rate_hz, time_limit_s=time_limit_s), MIXED)
    assert [ok_min(MIXED, f, plan) for f in ("read", "write", "cas")] == [read, read, cas]


@pytest.mark.parametrize(
    ("counts", "needed"),
    [({"write": 3}, [0, 1, 0]), ({"read": 1, "write": 1, "cas": 9}, [1, 1, 0]), ({"read": 80}, [10, 0, 0]),
     ({"read": 20, "cas": 400}, [3, 0, 10]), ({"other": 5}, [0, 0, 0])],
)  # fmt: skip
def test_a_plan_that_lists_its_operations_needs_of_what_it_lists(counts: dict[str, int], needed: list[int]) -> None:
    plan = asked(listed(**counts), MIXED)
    assert [ok_min(MIXED, f, plan) for f in ("read", "write", "cas")] == needed


def test_a_short_plan_needs_two_ok_in_all_and_no_overlap() -> None:
    plan = asked(Plan("play", "register", rate_hz=1.0, time_limit_s=2.0), MIXED)
    assert shortfall(History(one_by_one(2)), MIXED, plan=plan) is None
    found = shortfall(History(one_by_one(1, 5)), MIXED, plan=plan)
    assert found is not None
    assert "1 operations succeeded of 'read', 'write', 'cas'" in found[1]
    assert shortfall(History(), MIXED, plan=plan) is not None
    none_of = [*one_by_one(2), *one_by_one(0, 9, "cas")]
    assert shortfall(History(none_of), MIXED, plan=plan) is None, "no cas found what it expected: that is luck"
    assert shortfall(History([*none_of, *one_by_one(0, 91, "cas")]), MIXED, plan=plan) is not None


def test_a_listed_plan_in_which_nothing_succeeds_is_too_few() -> None:
    for counts in ({"write": 3}, {"cas": 3}, {"other": 3}, {}):
        plan = asked(listed(**counts), MIXED)
        found = shortfall(History(one_by_one(0, 3)), MIXED, plan=plan)
        assert found is not None, counts
        assert found[0] is Reason.TOO_FEW_OK
    assert shortfall(History(one_by_one(1, 2)), MIXED, plan=asked(listed(write=3), MIXED)) is None


def test_overlaps_are_demanded_of_plans_that_ask_for_many() -> None:
    for rate_hz, reason in ((24.0, None), (25.0, Reason.NO_CONFLICT)):
        plan = asked(Plan("play", "x", rate_hz=rate_hz, time_limit_s=4.0), THRESHOLDS)
        found = shortfall(History(one_by_one(20)), THRESHOLDS, plan=plan)
        assert (None if found is None else found[0]) is reason


def test_thresholds_are_told_in_words() -> None:
    assert str(MIXED) == (
        "10 ok each of read, write, cas (of a short plan 15% of what it asks for, 5% of cas, and 2 in all); from "
        "100 operations on, 1 overlap with one of write, cas"
    )
