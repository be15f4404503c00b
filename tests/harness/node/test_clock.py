"""The real node's clock counts its readings, and those that are false."""

from __future__ import annotations

import time

import pytest

from harness.node.clock import FALSE_NS, TRUE_AHEAD, HostClock, true_ahead_ns


def test_readings_are_true_until_the_wall_clock_moves(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = HostClock(5, true_ahead_ns({TRUE_AHEAD: str(time.time_ns() - time.monotonic_ns())}))
    for _ in range(3):
        clock.wall()
    assert (clock.readings, clock.false_readings) == (3, 0)
    true_ns = time.time_ns
    monkeypatch.setattr(time, "time_ns", lambda: true_ns() - 2 * FALSE_NS)
    clock.wall()
    interval = clock.interval()
    assert (clock.readings, clock.false_readings) == (5, 2)
    assert interval.latest_ns - interval.earliest_ns == 10_000_000


def test_without_a_true_time_to_compare_with_nothing_is_called_false() -> None:
    clock = HostClock(5, true_ahead_ns({}))
    clock.wall()
    assert (clock.readings, clock.false_readings) == (1, 0)
