"""The passes, each on its own: the predicate that stands for a run is given, so what must remain is known."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from itertools import islice
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness import catalog
from harness.faults.action import check_action
from harness.faults.grammar import parse
from harness.faults.schedule import schedule
from harness.plan import Plan, ScheduledFault, ScheduledOperation
from harness.search.shrink_ddmin import minimize
from harness.search.shrink_fault import (
    drop_faults,
    earlier_triggers,
    simpler,
    simpler_actions,
    timed_faults,
    with_schedule,
)
from harness.search.shrink_figure import on_grid, simpler_figures
from harness.search.shrink_operation import (
    drop_operations,
    fewer_clients,
    fewer_keys,
    keep_needed,
    smaller_values,
)
from harness.search.shrink_oracle import Accept
from harness.search.shrink_regenerate import smaller_plans
from harness.search.shrink_size import size
from harness.search.shrink_time import cut_after, earlier, rounder, shorter_faults, shorter_horizon
from harness.search.shrink_world import fewer_nodes, on_nodes, plainer, renamed, smaller_seed
from tests.harness.play_cluster import play_system

MS = 1_000_000
NODES = ("n1", "n2", "n3", "n4", "n5")


def accepting(fails: Callable[[Plan], bool]) -> Accept:
    return lambda plan: plan if fails(plan) else None


def write(time_ms: int, value: Any = 1, thread: int = 0, key: Any = 0, f: str = "write") -> ScheduledOperation:
    return ScheduledOperation(time_ms * MS, thread, f, value, key)


def kill(start_ms: int, stop_ms: int, **action: Any) -> ScheduledFault:
    return ScheduledFault("kill", start_ms * MS, stop_ms * MS, action or {"shape": "one", "nodes": ["n1"]})


def plan(*operations: ScheduledOperation, faults: tuple[ScheduledFault, ...] = (), **changes: Any) -> Plan:
    base = Plan("raft", "register", provider="sim", operations=operations, time_limit_s=10.0)
    return with_schedule(replace(base, **changes), faults)


@given(st.lists(st.booleans(), max_size=40))
def test_minimize_leaves_exactly_what_is_needed(needed: list[bool]) -> None:
    wanted = {place for place, flag in enumerate(needed) if flag}
    assert set(minimize(range(len(needed)), lambda items: wanted <= set(items))) == wanted


@given(st.sets(st.integers(0, 30), min_size=1), st.integers(1, 4))
def test_minimize_is_one_minimal_whatever_fails(items: set[int], least: int) -> None:
    def fails(left: tuple[int, ...]) -> bool:
        return len(left) >= least and sum(left) % 3 == sum(items) % 3

    found = minimize(sorted(items), fails)
    if len(items) >= least:
        assert fails(found)
        assert not any(fails(found[:i] + found[i + 1 :]) for i in range(len(found)))


def test_minimize_asks_little_where_nothing_is_needed() -> None:
    asked: list[int] = []
    minimize(range(1000), lambda items: asked.append(len(items)) is None)
    assert asked == [0]


def test_faults_go_and_their_names_with_them() -> None:
    pause = ScheduledFault("pause", 0, MS, {"shape": "one", "nodes": ["n2"]})
    shrunk = drop_faults(plan(faults=(kill(1, 2), pause, kill(5, 6))), accepting(lambda p: pause in p.schedule))
    assert (shrunk.schedule, shrunk.faults) == ((pause,), "pause")
    assert drop_faults(shrunk, accepting(lambda p: True)).faults == "none"


def test_operations_go_but_those_that_are_needed() -> None:
    operations = tuple(write(10 * i, value=i) for i in range(100))
    needed = {operations[3], operations[77]}
    shrunk = drop_operations(plan(*operations), accepting(lambda p: needed <= set(p.operations or ())))
    assert shrunk.operations == (operations[3], operations[77])


def test_a_trigger_counts_less_when_what_it_counts_is_gone() -> None:
    counted = replace(kill(0, 300), trigger={"on": "operation", "name": "write", "count": 8})

    def struck(p: Plan) -> bool:
        """The last write sets it off."""
        return bool(p.schedule[0].trigger) and len(p.operations or ()) == p.schedule[0].trigger["count"]  # type: ignore[index]

    shrunk = drop_operations(plan(*(write(i) for i in range(8)), faults=(counted,)), accepting(struck))
    assert len(shrunk.operations or ()) == 1
    assert shrunk.schedule[0].trigger == {"on": "operation", "name": "write", "count": 1}


def test_a_pass_goes_on_from_what_it_was_given_back() -> None:
    """A plan may come back with another seed: the next candidate has that one."""
    seeds: list[int] = []

    def accept(candidate: Plan) -> Plan | None:
        seeds.append(candidate.seed)
        return replace(candidate, seed=candidate.seed + 1) if candidate.operations else None

    drop_operations(plan(*(write(i) for i in range(4))), accept)
    assert seeds == sorted(seeds)
    assert seeds[-1] > 0


def test_the_operations_of_the_anomaly_are_tried_first_then_those_of_its_key() -> None:
    operations = (write(0, key=0), write(1, key=1), write(2, key=0), write(3, key=1))
    asked: list[int] = []

    def fails(candidate: Plan) -> bool:
        asked.append(len(candidate.operations or ()))
        return len(candidate.operations or ()) >= 2

    assert keep_needed(plan(*operations), [2], accepting(fails)).operations == (operations[0], operations[2])
    assert asked == [1, 2]


def test_clients_are_packed_at_their_nodes_then_merged() -> None:
    shrunk = fewer_clients(plan(write(0, thread=7), write(1, thread=12), concurrency=20), accepting(lambda p: True))
    assert {operation.thread for operation in shrunk.operations or ()} == {0}
    assert shrunk.concurrency == 1

    def at_node_three(p: Plan) -> bool:
        return all(operation.thread % 5 == 2 for operation in p.operations or ())

    kept = fewer_clients(plan(write(0, thread=7), write(1, thread=12), concurrency=20), accepting(at_node_three))
    assert {operation.thread for operation in kept.operations or ()} == {2}


def test_keys_and_values_become_small_and_stay_different() -> None:
    operations = (write(0, 4, key=17), write(1, [4, 9], key=17, f="cas"), write(2, None, key=23, f="read"))
    one_key = fewer_keys(plan(*operations), accepting(lambda p: True))
    assert {operation.key for operation in one_key.operations or ()} == {0}
    two_keys = fewer_keys(plan(*operations), accepting(lambda p: len({o.key for o in p.operations or ()}) == 2))
    assert [operation.key for operation in two_keys.operations or ()] == [0, 0, 1]

    def related(p: Plan) -> bool:
        first, second, _ = p.operations or ()
        return bool(first.value == second.value[0] != second.value[1])

    small = smaller_values(plan(*operations), accepting(related))
    assert [operation.value for operation in small.operations or ()] == [1, [1, 2], None]


def test_equal_writes_become_different_ones() -> None:
    shrunk = smaller_values(plan(write(0, 3), write(1, 3)), accepting(lambda p: True))
    assert [operation.value for operation in shrunk.operations or ()] == [1, 2]


def test_triggers_count_less_and_are_armed_from_the_start() -> None:
    trigger = {"on": "event", "name": "vote-granted", "count": 7}
    fault = replace(kill(500, 900), trigger=trigger)
    shrunk = earlier_triggers(plan(faults=(fault,)), accepting(lambda p: p.schedule[0].trigger["count"] >= 3))  # type: ignore[index]
    (entry,) = shrunk.schedule
    assert entry.trigger == {**trigger, "count": 3}
    assert (entry.start_ns, entry.stop_ns) == (0, 400 * MS)


def test_what_an_operation_sets_off_the_clock_sets_off_where_that_will_do() -> None:
    entry = replace(kill(0, 300), trigger={"on": "operation", "name": "add", "count": 8})
    told = replace(entry, trigger={"on": "event", "name": "elected", "count": 1})
    start = plan(write(0), faults=(entry, told))
    shrunk = timed_faults(start, {0: 2500 * MS, 1: 10 * MS}, accepting(lambda p: True))
    assert shrunk.schedule == (kill(2500, 2800), told)
    assert timed_faults(start, {0: 2500 * MS}, accepting(lambda p: False)) == start
    aimed = replace(entry, action={"shape": "its-node", "nodes": ["its-node"]})
    assert timed_faults(plan(faults=(aimed,)), {0: 5}, accepting(lambda p: True)).schedule == (aimed,)


def test_an_action_becomes_as_simple_as_it_may() -> None:
    aim = {"shape": "majority", "nodes": ["n1", "n3", "n5"], "torn": True, "keep": "some"}
    start = plan(faults=(kill(0, 5, **aim),))
    shrunk = simpler_actions(start, NODES, accepting(lambda p: "n3" in p.schedule[0].action["nodes"]))
    assert shrunk.schedule[0].action == {"shape": "one", "nodes": ["n3"], "torn": False, "keep": "none"}


def test_a_leaders_spares_go_when_none_is_needed() -> None:
    aim = {"shape": "leader", "nodes": ["leader"], "count": 3, "spares": list(NODES)}
    shrunk = simpler_actions(plan(faults=(kill(0, 5, **aim),)), NODES, accepting(lambda p: True))
    assert shrunk.schedule[0].action == {"shape": "leader", "nodes": ["leader"]}


@pytest.mark.parametrize("word", ["followers", "role-server"])
def test_of_a_group_one_node_is_left_and_the_spares_it_is_taken_from(word: str) -> None:
    aim = {"shape": word, "nodes": [word], "spares": list(NODES)}
    shrunk = simpler_actions(plan(faults=(kill(0, 5, **aim),)), NODES, accepting(lambda p: True))
    assert shrunk.schedule[0].action == {**aim, "count": 1}


def test_a_partition_becomes_one_link() -> None:
    cut = {"n1": ["n2", "n3"], "n2": ["n1"], "n3": ["n1"]}
    fault = ScheduledFault("partition", 0, MS, {"shape": "halves", "drops": cut})
    needed = accepting(lambda p: "n3" in p.schedule[0].action["drops"].get("n1", ()))
    shrunk = simpler_actions(plan(faults=(fault,)), NODES, needed)
    assert shrunk.schedule[0].action["drops"] == {"n1": ["n3"]}


@given(st.data())
def test_what_is_simpler_is_still_an_action_and_comes_to_an_end(data: st.DataObject) -> None:
    faults = catalog.faults()
    name = data.draw(st.sampled_from(sorted(faults)))
    (entry, *_) = schedule(parse(name, faults), faults, NODES, 10.0, data.draw(st.integers(0, 50)))
    action = dict(entry.action)
    for _ in range(60):
        steps = list(simpler(action, NODES))
        for step in steps:
            check_action(step, NODES)
        if not steps:
            return
        action = data.draw(st.sampled_from(steps))
    pytest.fail(f"never simple: {action}")


@given(st.sampled_from(["probability", "factor", "delay_ms"]), st.floats(0.01, 1e7))
def test_figures_come_to_an_end(name: str, figure: float) -> None:
    for _ in range(40):
        candidates = list(simpler_figures(name, figure))
        if not candidates:
            return
        figure = candidates[-1]
    pytest.fail(f"{name} never simple: {figure}")


def test_what_comes_after_the_failure_is_cut() -> None:
    start = plan(write(100), write(5000), faults=(kill(50, 9000), kill(4000, 4100)))
    shrunk = cut_after(start, 350 * MS, accepting(lambda p: True))
    assert shrunk.time_limit_s == 0.4
    assert shrunk.operations == (write(100),)
    assert [(entry.start_ns, entry.stop_ns) for entry in shrunk.schedule] == [(50 * MS, 400 * MS)]


def test_the_horizon_comes_down_to_the_last_moment() -> None:
    assert shorter_horizon(plan(write(730)), accepting(lambda p: True)).time_limit_s == 0.8
    assert shorter_horizon(plan(write(730)), accepting(lambda p: p.time_limit_s > 1.5)).time_limit_s == 1.8


def test_times_move_together_and_on_a_grid() -> None:
    start = plan(write(3517), write(7031), faults=(kill(4203, 8004),))

    def in_order(p: Plan) -> bool:
        (fault,), (first, second) = p.schedule, p.operations or ()
        return first.time_ns < fault.start_ns < second.time_ns < fault.stop_ns

    moved = rounder(earlier(start, accepting(in_order)), accepting(in_order))
    moments = [o.time_ns for o in moved.operations or ()] + [moved.schedule[0].start_ns, moved.schedule[0].stop_ns]
    assert max(moments) <= 500 * MS
    assert all(moment % (10 * MS) == 0 for moment in moments), moments
    assert max(moments) <= moved.time_limit_s * 1e9


def test_a_fault_lasts_as_long_as_it_must() -> None:
    long_enough = accepting(lambda p: p.schedule[0].stop_ns - p.schedule[0].start_ns >= 250 * MS)
    (entry,) = shorter_faults(plan(faults=(kill(100, 5000),)), long_enough).schedule
    assert entry.stop_ns - entry.start_ns == 300 * MS


def test_fewer_nodes_keep_those_that_are_named() -> None:
    system = play_system()
    start = plan(write(0, thread=4), faults=(kill(0, 5, shape="one", nodes=["n4"]),), nodes=5)
    shrunk = fewer_nodes(start, system, accepting(lambda p: p.nodes >= 3))
    assert shrunk.nodes == 3
    assert shrunk.schedule[0].action["nodes"] == ["n2"], "n4, n5 and n1 are left, in their order"
    assert [operation.thread for operation in shrunk.operations or ()] == [2], "the client of n5 asks it still"


def test_what_a_fault_did_to_a_node_that_is_no_more_it_does_no_longer() -> None:
    names = {"n1": "n1", "n2": "n2"}
    assert renamed({"shape": "x", "drops": {"n1": ["n2", "n5"], "n5": ["n1"]}}, names) == {
        "shape": "x", "drops": {"n1": ["n2"]}
    }  # fmt: skip
    assert renamed({"shape": "x", "links": [["n1", "clients"], ["n5", "n1"]]}, names) == {
        "shape": "x", "links": [["n1", "clients"]]
    }  # fmt: skip
    leader = {"shape": "leader", "nodes": ["leader"], "count": 4, "spares": ["n5", "n2", "n1"]}
    assert renamed(leader, names) == {"shape": "leader", "nodes": ["leader"], "count": 2, "spares": ["n2", "n1"]}
    assert on_nodes(plan(faults=(kill(0, 1, shape="one", nodes=["n5"]),)), names, 2) is None
    assert on_nodes(plan(replace(write(0), node="n5")), names, 2) is None


def test_the_world_becomes_plain() -> None:
    start = plan(write(0), seed=77, order="pct", rate_hz=3.0)
    shrunk = plainer(smaller_seed(start, accepting(lambda p: p.seed >= 2)), accepting(lambda p: p.order == "pct"))
    assert (shrunk.seed, shrunk.order, shrunk.rare, shrunk.rate_hz) == (2, "pct", False, 100.0)


def test_plans_from_scratch_are_smaller_and_sound() -> None:
    operations = tuple(write(10 * i, value=i, thread=i % 3) for i in range(20))
    start = plan(*operations, faults=(kill(0, 500), kill(600, 900), kill(1000, 1200)), concurrency=3)
    drawn = list(islice(smaller_plans(start, start), 200))
    assert len(drawn) == 200
    assert all(size(candidate) < size(start) for candidate in drawn)
    for candidate in drawn[:100]:
        assert Plan.from_json(candidate.as_json()) == candidate
        ends = [entry.stop_ns for entry in candidate.schedule] + [o.time_ns for o in candidate.operations or ()]
        assert max(ends) <= candidate.time_limit_s * 1e9
        assert {operation.thread for operation in candidate.operations or ()} <= {0, 1, 2}
    assert list(islice(smaller_plans(start, start), 5)) == drawn[:5], "the same draws each time"


def test_a_moment_on_a_grid_is_the_nearest() -> None:
    assert [on_grid(t * MS, 100 * MS) // MS for t in (0, 49, 50, 149, 150)] == [0, 0, 100, 100, 200]
