"""The simulated clock: true until bent, bent by exact arithmetic, true again at once."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.node import Clock
from harness.simulation.clock import SimClock

ORIGIN_NS = 1_700_000_000_000_000_000
MS = 1_000_000


class Machine:
    """Virtual time set by hand, a clock on it, and how often a false reading was counted."""

    def __init__(self, now_us: int = 0, error_ms: float = 10, offset_ns: int = 0) -> None:
        self.now_us, self.met = now_us, 0
        self.clock = SimClock(lambda: self.now_us, ORIGIN_NS, error_ms, self._count, offset_ns)

    def _count(self) -> None:
        self.met += 1

    def pass_ms(self, ms: int) -> None:
        self.now_us += ms * 1000

    @property
    def off_ms(self) -> float:
        """How far the wall clock is off the true time."""
        return (self.clock.wall() - ORIGIN_NS - self.now_us * 1000) / MS


def test_an_unbent_clock_is_true_but_for_its_own_offset() -> None:
    machine = Machine(offset_ns=-3 * MS)
    typed: Clock = machine.clock
    machine.pass_ms(1234)
    assert typed.wall() == ORIGIN_NS + 1231 * MS
    assert typed.interval() == (ORIGIN_NS + 1221 * MS, ORIGIN_NS + 1241 * MS)
    assert typed.monotonic() == 1234 * MS
    assert machine.met == 0


def test_an_honest_clock_that_is_off_by_more_than_it_states_is_refused() -> None:
    with pytest.raises(AssertionError, match="states 10 ms"):
        Machine(offset_ns=11 * MS)


def test_monotonic_time_begins_when_the_machine_boots() -> None:
    machine = Machine(now_us=5_000_000)
    assert machine.clock.monotonic() == 0
    machine.pass_ms(7)
    assert machine.clock.monotonic() == 7 * MS


@pytest.mark.parametrize("offset_ms", [250.5, -7_200_000])
def test_a_jump_is_once_and_in_either_direction(offset_ms: float) -> None:
    machine = Machine()
    machine.pass_ms(100)
    machine.clock.bend("jump", {"offset_ms": offset_ms})
    assert machine.off_ms == offset_ms
    machine.pass_ms(5000)
    assert machine.off_ms == offset_ms
    assert machine.clock.monotonic() == 5100 * MS


def test_jumps_add_up_and_end_together() -> None:
    machine = Machine()
    for offset_ms in (100, -30):
        machine.clock.bend("jump", {"offset_ms": offset_ms})
    assert machine.off_ms == 70
    machine.clock.unbend()
    machine.clock.unbend()
    assert machine.off_ms == 0


def test_a_strobe_goes_to_and_fro() -> None:
    machine = Machine()
    machine.pass_ms(333)
    machine.clock.bend("strobe", {"offset_ms": -50, "period_ms": 10})
    seen = []
    for _ in range(6):
        seen.append(machine.off_ms)
        machine.pass_ms(5)
    assert seen == [-50, -50, 0, 0, -50, -50]
    machine.clock.unbend()
    assert machine.off_ms == 0


def test_a_rate_gains_or_loses_from_now_on_and_a_new_one_goes_on_from_there() -> None:
    machine = Machine()
    machine.pass_ms(1000)
    machine.clock.bend("rate", {"factor": 1.01})
    machine.pass_ms(1000)
    assert machine.off_ms == 10
    machine.clock.bend("rate", {"factor": 0.99})
    assert machine.off_ms == 10
    machine.pass_ms(3000)
    assert machine.off_ms == -20
    machine.clock.unbend()
    assert machine.off_ms == 0
    machine.pass_ms(3000)
    assert machine.off_ms == 0


def test_the_kinds_add_up() -> None:
    machine = Machine()
    machine.clock.bend("rate", {"factor": 2})
    machine.pass_ms(10)
    machine.clock.bend("strobe", {"offset_ms": 1000, "period_ms": 20})
    machine.clock.bend("jump", {"offset_ms": 1_000_000})
    machine.pass_ms(10)
    assert machine.off_ms == 1_000_000 + 1000 + 20


@given(st.floats(0, 8), st.lists(st.integers(0, 10**7), min_size=1, max_size=20))
def test_a_clock_of_any_rate_never_falls_and_drifts_exactly(factor: float, steps_us: list[int]) -> None:
    machine = Machine()
    machine.clock.bend("rate", {"factor": factor})
    last = machine.clock.wall()
    for step_us in steps_us:
        machine.now_us += step_us
        assert machine.clock.wall() >= last
        last = machine.clock.wall()
    exact = Fraction(factor).limit_denominator(10**9) * machine.now_us * 1000
    assert 0 <= ORIGIN_NS + exact - last < 1


@given(st.lists(st.tuples(st.integers(0, 10**6), st.floats(0, 3)), max_size=30))
def test_a_change_of_rate_makes_no_jump(pieces: list[tuple[int, float]]) -> None:
    machine = Machine()
    for step_us, factor in pieces:
        machine.now_us += step_us
        before = machine.clock.wall()
        machine.clock.bend("rate", {"factor": factor})
        assert machine.clock.wall() == before


def test_only_false_readings_are_counted() -> None:
    machine = Machine()
    machine.clock.wall()
    machine.clock.bend("strobe", {"offset_ms": 5, "period_ms": 10})
    machine.clock.wall()
    machine.clock.interval()
    machine.clock.monotonic()
    assert machine.met == 2
    machine.pass_ms(10)
    machine.clock.wall()
    assert machine.met == 2, "here the strobe leaves the clock true"
    machine.clock.unbend()
    machine.clock.wall()
    assert machine.met == 2


def test_the_bound_of_a_bent_clock_is_a_lie() -> None:
    machine = Machine(error_ms=10)
    machine.clock.bend("jump", {"offset_ms": 200})
    earliest_ns, latest_ns = machine.clock.interval()
    assert latest_ns - earliest_ns == 20 * MS
    assert earliest_ns > ORIGIN_NS


@pytest.mark.parametrize(
    ("kind", "amount"),
    [
        ("leap", {"offset_ms": 1}),
        ("jump", {}),
        ("jump", {"offset_ms": 1, "factor": 1}),
        ("jump", {"offset_ms": float("nan")}),
        ("strobe", {"offset_ms": 1, "period_ms": 0}),
        ("rate", {"factor": -0.5}),
    ],
)
def test_what_is_no_bend_is_refused_and_changes_nothing(kind: str, amount: dict[str, Any]) -> None:
    machine = Machine()
    with pytest.raises(ValueError, match=r"read .* expected"):
        machine.clock.bend(kind, amount)
    assert machine.off_ms == 0
