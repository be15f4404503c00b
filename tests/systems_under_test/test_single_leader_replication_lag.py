"""Replication lag as the leader sees it, and that it remembers no entry longer than a follower may still ask for it."""

from __future__ import annotations

from typing import cast

from harness.node import Env
from systems_under_test.single_leader.replication_lag import TIMES_MAX, ReplicationLag


class Told:
    """Stands in for the environment, and for its clock: one ms passes with each reading."""

    def __init__(self) -> None:
        self.ms = 0
        self.gauges: list[float] = []

    @property
    def clock(self) -> Told:
        return self

    def monotonic(self) -> int:
        self.ms += 1
        return self.ms * 1_000_000

    def gauge(self, name: str, value: float) -> None:
        self.gauges.append(value)


def lag_after(entries: int) -> tuple[ReplicationLag, Told]:
    told = Told()
    lag = ReplicationLag(cast(Env, told))
    for _ in range(entries):
        lag.appended()
    return lag, told


def test_the_lag_of_each_follower_and_entry() -> None:
    lag, told = lag_after(4)
    assert lag.median_ms is None
    lag.stored(-3, 2)  # entries of 1 and 2 ms, at 5 ms
    assert (lag.median_ms, told.gauges) == (3.5, [3.0])
    lag.stored(2, 4)
    assert told.gauges == [3.0, 2.0]


def test_what_every_follower_has_is_forgotten_and_the_rest_keeps_its_place() -> None:
    lag, told = lag_after(4)
    lag.stored(0, 3)
    lag.stored_everywhere(-2)
    lag.stored_everywhere(3)
    lag.stored_everywhere(9)
    lag.appended()  # at 6 ms
    lag.stored(0, 5)  # at 7 ms: of all but the fifth nothing is known any more
    assert told.gauges == [2.0, 1.0]


def test_a_follower_that_never_answers_costs_no_more_than_that() -> None:
    lag, told = lag_after(TIMES_MAX + 2)
    lag.stored(0, 3)
    assert told.gauges == [float(TIMES_MAX)], "of the first two nothing is known any more"
