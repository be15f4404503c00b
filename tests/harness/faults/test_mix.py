"""Schedules of mixes: when things strike, what may overlap, what phases do, and that the seed decides it all."""

from __future__ import annotations

from itertools import combinations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness import catalog
from harness.fault import EVENT, FaultSpec, FaultSyntaxError, Trigger
from harness.faults.action import check_action
from harness.faults.mix import Entry, Mix, Moment, Phase, mixed_schedule
from harness.faults.schedule import QUIET_S
from harness.plan import ScheduledFault

FAULTS = catalog.faults()
NODES = ("n1", "n2", "n3", "n4", "n5")
KILL, PAUSE, PARTITION = FaultSpec("kill"), FaultSpec("pause"), FaultSpec("partition")


def planned(mix: Mix, time_limit_s: float = 30.0, seed: int = 1) -> tuple[ScheduledFault, ...]:
    return mixed_schedule(mix, FAULTS, NODES, time_limit_s, seed)


def seconds(entries: tuple[ScheduledFault, ...], fault: str) -> list[tuple[float, float]]:
    return [(entry.start_ns / 1e9, entry.stop_ns / 1e9) for entry in entries if entry.fault == fault]


entries = st.builds(
    Entry,
    st.sampled_from((KILL, PAUSE, PARTITION, FaultSpec("delay"), FaultSpec("restart", "all"))),
    st.sampled_from(((0.3, 0.6), (1.0, 1.0), (0.5, 4.0))),
    rate_per_min=st.floats(0.1, 40),
    overlaps=st.booleans(),
)


@settings(max_examples=60, deadline=None)
@given(st.lists(entries, min_size=1, max_size=5), st.integers(0, 99))
def test_what_is_to_be_alone_is_alone_and_everything_ends_in_time(items: list[Entry], seed: int) -> None:
    mix = Mix(tuple(items))
    try:
        schedule = planned(mix, 30.0, seed)
    except FaultSyntaxError as error:
        assert "no time is left" in str(error)  # noqa: PT017 - it depends on the mix
        return
    assert schedule == planned(mix, 30.0, seed)
    assert {entry.fault for entry in schedule} == {item.spec.name for item in items}
    for entry in schedule:
        check_action(dict(entry.action), NODES)
        assert 0 < entry.start_ns < entry.stop_ns < 29.5e9
    sociable = {item.spec.name for item in items if item.overlaps}
    alone = {item.spec.name for item in items if not item.overlaps}
    for one, other in combinations(sorted(schedule, key=lambda entry: entry.start_ns), 2):
        if not {one.fault, other.fault} <= sociable or {one.fault, other.fault} & (alone - sociable):
            assert other.start_ns >= one.stop_ns + QUIET_S * 0.99e9


def test_a_rate_is_a_rate() -> None:
    starts = seconds(planned(Mix((Entry(KILL, (0.2, 0.2), rate_per_min=12, overlaps=True),)), 1000.0), "kill")
    assert 150 < len(starts) < 250


def test_times_and_intervals_are_kept() -> None:
    mix = Mix((Entry(KILL, (1.0, 1.0), at_s=(3.0, 12.5)), Entry(PAUSE, (0.5, 0.5), every_s=9.0)))
    schedule = planned(mix)
    assert seconds(schedule, "kill") == [(3.0, 4.0), (12.5, 13.5)]
    assert seconds(schedule, "pause") == [(9.0, 9.5), (18.0, 18.5), (27.0, 27.5)]


def test_what_would_meet_another_waits_for_its_end_and_a_quiet_stretch() -> None:
    schedule = planned(Mix((Entry(KILL, (2.0, 2.0), at_s=(3.0,)), Entry(PAUSE, (1.0, 1.0), at_s=(4.0,)))))
    assert seconds(schedule, "pause") == [pytest.approx((5.0 + QUIET_S, 6.0 + QUIET_S))]
    beside = Mix(
        (Entry(KILL, (2.0, 2.0), at_s=(3.0,), overlaps=True), Entry(PAUSE, (1, 1), at_s=(4.0,), overlaps=True))
    )
    assert seconds(planned(beside), "pause") == [(4.0, 5.0)]


def test_phases_raise_rates_and_keep_quiet() -> None:
    phases = (Phase("calm", Moment(0.0), Moment(300.0), 0.2), Phase("storm", Moment(300.0), Moment(0.6, True), 2.0),
              Phase("quiet", Moment(0.6, True), Moment(1.0, True), 0.0))  # fmt: skip
    mix = Mix((Entry(KILL, (0.2, 3.0), rate_per_min=20, overlaps=True),
               Entry(PAUSE, (0.2, 0.2), rate_per_min=20, overlaps=True, phases=("storm",))), phases)  # fmt: skip
    schedule = planned(mix, 1000.0)
    kills, pauses = seconds(schedule, "kill"), seconds(schedule, "pause")
    calm, storm = [start for start, _ in kills if start < 300], [start for start, _ in kills if start >= 300]
    assert 8 < len(calm) < 40
    assert 150 < len(storm) < 250
    assert max(stop for _, stop in kills) <= 600, "nothing is in force in a quiet phase"
    assert min(start for start, _ in pauses) >= 300


def test_who_is_named_strikes_at_least_once() -> None:
    for seed in range(20):
        assert len(planned(Mix((Entry(KILL, rate_per_min=0.001),)), 10.0, seed)) == 1


def test_amounts_replace_what_the_fault_draws() -> None:
    mix = Mix((
        Entry(FaultSpec("delay"), (0.2, 0.2), every_s=2.0, overlaps=True,
              amounts={"delay_ms": (7.0, 9.0), "jitter_ms": (0.0, 0.0)}),
        Entry(FaultSpec("eio"), (0.2, 0.2), every_s=2.0, overlaps=True, amounts={"probability": (0.25, 0.25)}),
    ))  # fmt: skip
    for entry in planned(mix):
        check_action(dict(entry.action), NODES)
        if entry.fault == "delay":
            assert 7 <= entry.action["amount"]["delay_ms"] <= 9
            assert entry.action["amount"]["jitter_ms"] == 0
        else:
            assert entry.action["probability"] == 0.25
    with pytest.raises(FaultSyntaxError, match=r"read the amount factor; expected one that the fault delay draws"):
        planned(Mix((Entry(FaultSpec("delay"), rate_per_min=9, amounts={"factor": (1.0, 1.0)}),)))


def test_an_amount_of_another_turn_is_no_mistake() -> None:
    for seed in range(5):
        (entry,) = planned(Mix((Entry(FaultSpec("clock"), at_s=(3.0,), amounts={"factor": (1.5, 1.5)}),)), seed=seed)
        assert "factor" not in entry.action["amount"], "the first turn jumps; another runs at a rate"


def test_what_something_sets_off_is_armed_from_the_start() -> None:
    third = Trigger(EVENT, "vote-granted", 3)
    schedule = planned(Mix((Entry(KILL, at_s=(2.0,)), Entry(FaultSpec("pause", "its-node", None, third), (0.4, 0.4)))))
    assert schedule[0].trigger == third.as_json()
    assert (schedule[0].start_ns, schedule[0].stop_ns) == (0, 400_000_000)
    assert schedule[1].trigger is None


@pytest.mark.parametrize(
    ("mix", "taught"),
    [
        (Mix((Entry(KILL, at_s=(40.0,)),)), "a time within the 30 s of the run"),
        (Mix((Entry(KILL, at_s=(9.0,)),), (Phase("q", factor=0.0),)), "in a phase of this fault"),
        (Mix((Entry(KILL, rate_per_min=5),), (Phase("q", factor=0.0),)), "no time is left"),
        (Mix((Entry(KILL, (29.0, 29.0), at_s=(0.0,)), Entry(PAUSE, every_s=5.0))), "no time is left"),
        (Mix((Entry(FaultSpec("kill", "one", 9), at_s=(4.0,)),)), "at most 5"),
    ],
)
def test_what_does_not_fit_is_refused(mix: Mix, taught: str) -> None:
    with pytest.raises(FaultSyntaxError) as caught:
        planned(mix)
    assert taught in str(caught.value)


def test_rates_are_bounded() -> None:
    with pytest.raises(FaultSyntaxError, match="rates that come to"):
        planned(Mix((Entry(KILL, (0.1, 0.1), rate_per_min=600, overlaps=True),)), 80_000.0)
