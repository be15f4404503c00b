"""The schedule's promises: often enough, healed, apart, quiet at both ends, the same for the same seed."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from time import process_time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.fault import EVENT, Fault, FaultSpec, Trigger
from harness.faults import kill, partition, pause
from harness.faults.schedule import PERIOD_S, schedule
from harness.faults.timetable import timetable
from harness.generator import Context, Generator, clients, invoke, once, repeat, time_limit
from harness.generator.simulate import simulate
from harness.history import NEMESIS, Op
from harness.plan import ScheduledFault

FAULTS: dict[str, Fault] = {"partition": partition.FAULT, "kill": kill.FAULT, "pause": pause.FAULT}
NODES = ("n1", "n2", "n3", "n4", "n5")
SPECS = [FaultSpec("partition"), FaultSpec("kill"), FaultSpec("pause")]


def nemesis_context(time: int) -> Context:
    return Context(time, (NEMESIS,), (NEMESIS,), {NEMESIS: NEMESIS}, 0)


def plan(names: list[FaultSpec], time_limit_s: float, seed: int = 1) -> tuple[ScheduledFault, ...]:
    return schedule(names, FAULTS, NODES, time_limit_s, seed)


@pytest.mark.parametrize("count", [1, 2, 3])
@pytest.mark.parametrize("periods", [1, 2, 4])
def test_each_fault_begins_and_ends_twice_in_every_15_s(count: int, periods: int) -> None:
    entries = plan(SPECS[:count], PERIOD_S * periods)
    for period in range(periods):
        start, stop = round(period * 15e9), round((period + 1) * 15e9)
        inside = [entry.fault for entry in entries if start <= entry.start_ns and entry.stop_ns <= stop]
        assert {name: inside.count(name) for name in inside} == {spec.name: 2 for spec in SPECS[:count]}


@given(st.integers(1, 3), st.floats(3, 200), st.integers(0, 99))
def test_up_to_three_faults_never_overlap_and_leave_quiet_between(count: int, time_limit_s: float, seed: int) -> None:
    entries = plan(SPECS[:count], time_limit_s, seed)
    edges = [0, *(edge for entry in entries for edge in (entry.start_ns, entry.stop_ns)), round(time_limit_s * 1e9)]
    assert edges == sorted(edges)
    quiet = [stop - start for start, stop in zip(edges[0::2], edges[1::2], strict=True)]
    window_min = min(entry.stop_ns - entry.start_ns for entry in entries)
    assert min(quiet[:-1]) >= 0.45 * window_min
    assert quiet[-1] > 0
    assert {entry.fault for entry in entries} == {spec.name for spec in SPECS[:count]}
    assert len(entries) >= 2 * count * time_limit_s / PERIOD_S - 2 * count


def test_the_default_run_leaves_time_for_failover_and_recovery() -> None:
    entries = plan(SPECS[:2], 30)
    assert [entry.fault for entry in entries] == ["partition", "kill"] * 4
    assert min(entry.stop_ns - entry.start_ns for entry in entries) > 2.15e9
    assert min(b.start_ns - a.stop_ns for a, b in pairwise(entries)) >= 1.2e9
    assert entries[0].start_ns >= 1.49e9
    assert entries[-1].stop_ns <= 29.5e9
    assert [e.action["shape"] for e in entries if e.fault == "partition"][0::3] == ["isolate-leader"] * 2


def test_the_same_seed_gives_the_same_schedule_and_another_another() -> None:
    assert plan(SPECS, 60, 5) == plan(SPECS, 60, 5)
    assert plan(SPECS, 60, 5) != plan(SPECS, 60, 6)
    assert plan([], 60) == ()


@given(st.lists(st.sampled_from(["partition", "kill", "pause"]), min_size=4, max_size=9), st.floats(15, 60))
def test_many_faults_share_the_time_but_each_fault_never_overlaps_itself(names: list[str], time_limit_s: float) -> None:
    specs = [FaultSpec(name) for name in names]
    entries = plan(specs, time_limit_s)
    assert len(entries) >= 2 * len(specs)
    for name in set(names):
        own = [entry for entry in entries if entry.fault == name]
        assert len(own) >= 2 * names.count(name)
        assert all(a.stop_ns < b.start_ns for a, b in pairwise(own))
    assert all(0 < entry.start_ns < entry.stop_ns < time_limit_s * 1e9 for entry in entries)


@pytest.mark.parametrize("time_limit_s", [1.0, 3.0, 5.0, 8.0, 10.0])
def test_a_short_run_has_each_fault_at_least_once(time_limit_s: float) -> None:
    assert {entry.fault for entry in plan(SPECS, time_limit_s)} == {"partition", "kill", "pause"}


def test_the_timetable_gives_starts_and_stops_on_time() -> None:
    entries = plan(SPECS[:2], 15)
    reads = time_limit(14.9, repeat(once(invoke("read"))))
    history = simulate(clients(reads, timetable(entries)), concurrency=2, operations_max=100_000)
    own = [op for op in history if op.process == NEMESIS][0::2]
    assert [op.f for op in own] == ["start-partition", "stop-partition", "start-kill", "stop-kill"] * 2
    times = [edge for entry in entries for edge in (entry.start_ns, entry.stop_ns)]
    assert all(abs(op.time - time) < 20e6 for op, time in zip(own, times, strict=True))
    assert all(op.type == "info" for op in own)
    assert [op.value["application"] for op in own] == [0, 0, 1, 1, 2, 2, 3, 3]


def test_a_late_heal_still_leaves_half_the_quiet_stretch() -> None:
    first, second = plan(SPECS[:2], 7)
    generator: Generator = timetable([first, second], origin_ns=0)
    late = second.start_ns - 1
    for fault, verb in ((first, "start"), (first, "stop")):
        done = Op("info", NEMESIS, f"{verb}-{fault.fault}", {"application": 0}, time=late)
        generator = generator.update(nemesis_context(late), done)
        answer = generator.op(nemesis_context(late))
        assert answer is not None
        generator = answer[1]
    answer = generator.op(nemesis_context(late))
    assert answer is not None
    assert isinstance(answer[0], Op)
    assert answer[0].f == f"start-{second.fault}"
    assert answer[0].time == late + (second.start_ns - first.stop_ns) // 2


def test_a_late_start_still_gets_half_its_window() -> None:
    (entry,) = plan(SPECS[:1], 4)
    answer = timetable([entry], origin_ns=0).op(nemesis_context(0))
    assert answer is not None
    begin, generator = answer
    assert isinstance(begin, Op)
    late = entry.stop_ns - 1
    generator = generator.update(nemesis_context(late), replace(begin, time=late))
    following = generator.op(nemesis_context(late))
    assert following is not None
    assert isinstance(following[0], Op)
    assert following[0].time == late + (entry.stop_ns - entry.start_ns) // 2


def test_the_timetable_of_a_whole_day_is_made_at_once() -> None:
    """It is made when the operations begin, in the event loop: they would wait for it (it once took minutes)."""
    second = 1_000_000_000
    day = [ScheduledFault("kill", at * second, at * second + second, {"nodes": ["n1"]}) for at in range(30_000)]
    began = process_time()
    assert len(timetable(day).entries) == 60_000
    assert process_time() - began < 5


ANY = FaultSpec("kill", "its-node", None, Trigger(EVENT, "vote-granted", 0))
THIRD = FaultSpec("pause", "leader", None, Trigger(EVENT, "vote-granted", 3))


@given(st.floats(0.5, 90), st.integers(0, 200))
def test_what_something_sets_off_is_armed_from_the_start_and_lasts_a_while(time_limit_s: float, seed: int) -> None:
    entries = plan([FaultSpec("partition"), ANY, THIRD], time_limit_s, seed)
    armed = [entry for entry in entries if entry.trigger is not None]
    assert entries[: len(armed)] == tuple(armed), "in order of their start"
    assert all(entry.start_ns == 0 < entry.stop_ns <= min(3.0, time_limit_s / 2) * 1e9 + 1 for entry in armed)
    assert time_limit_s < 0.6 or min(entry.stop_ns for entry in armed) >= 0.3e9
    (third,) = (entry for entry in armed if entry.fault == "pause")
    assert third.trigger == {"on": "event", "name": "vote-granted", "count": 3}
    counts = [Trigger.from_json(entry.trigger).count for entry in armed if entry.fault == "kill"]
    periods = max(1, -int(-time_limit_s // PERIOD_S))
    assert periods <= len(counts) <= 2 * periods
    assert len(set(counts)) == len(counts), "each of them comes at a moment of its own"
    assert 1 <= min(counts) <= max(counts) <= 8 * periods


def test_small_numbers_are_likelier_and_all_come() -> None:
    counts = [Trigger.from_json(plan([ANY], 5, seed)[0].trigger).count for seed in range(2000)]
    shares = [counts.count(number) / len(counts) for number in range(1, 9)]
    assert 0.27 < shares[0] < 0.36
    assert shares[0] > shares[1] > shares[3] > shares[7] > 0.03


def test_what_something_sets_off_leaves_the_times_of_the_others_alone() -> None:
    alone = plan([FaultSpec("partition"), FaultSpec("kill")], 15)
    beside = plan([FaultSpec("partition"), FaultSpec("kill"), ANY, THIRD], 15)
    assert tuple(entry for entry in beside if entry.trigger is None) == alone


def test_the_timetable_has_no_place_for_what_something_sets_off() -> None:
    entries = plan([FaultSpec("partition"), ANY], 15)
    own = [op for op in simulate(clients(once(invoke("read")), timetable(entries)), concurrency=1) if op.value]
    numbers = {op.value["application"] for op in own}
    assert numbers == {number for number, entry in enumerate(entries) if entry.trigger is None}
    assert timetable(plan([THIRD], 15)).op(nemesis_context(0)) is None
