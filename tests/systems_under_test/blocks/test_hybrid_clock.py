"""Effects after causes, close to the wall clock, whatever that does; and no belief in messages from the future."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from systems_under_test.blocks.hybrid_clock import ClockTooFarAhead, HybridClock, HybridTimestamp, merge, tick

NODES = ("n1", "n2", "n3")
TIMESTAMPS = st.builds(HybridTimestamp, st.integers(0, 20), st.integers(0, 5))


@given(TIMESTAMPS, TIMESTAMPS, st.integers(0, 20))
def test_the_rules_are_those_of_the_paper(last: HybridTimestamp, received: HybridTimestamp, wall_ms: int) -> None:
    """Figure 5 of Kulkarni et al., written out: ``l`` the highest wall time, ``c`` the counter."""
    highest = max(last.wall_ms, wall_ms)
    assert tick(last, wall_ms) == (highest, last.counter + 1 if highest == last.wall_ms else 0)
    highest = max(last.wall_ms, received.wall_ms, wall_ms)
    if highest == last.wall_ms == received.wall_ms:
        counter = max(last.counter, received.counter) + 1
    elif highest == last.wall_ms:
        counter = last.counter + 1
    else:
        counter = received.counter + 1 if highest == received.wall_ms else 0
    assert merge(last, received, wall_ms) == (highest, counter)


class Bent:
    """Wall clocks that are at most ``skew_ms`` off, and may go back within that."""

    def __init__(self) -> None:
        self.true_ms, self.off_ms = 1000, dict.fromkeys(NODES, 0)

    def wall_ns(self, node: str) -> int:
        return (self.true_ms + self.off_ms[node]) * 1_000_000


STEPS = st.tuples(st.sampled_from(NODES), st.none() | st.integers(0, 30), st.integers(0, 3), st.integers(-50, 50))


@given(st.lists(STEPS, max_size=40))
def test_causality_holds_and_no_clock_is_further_ahead_than_the_fastest(
    steps: list[tuple[str, int | None, int, int]],
) -> None:
    walls = Bent()
    clocks = {node: HybridClock(lambda node=node: walls.wall_ns(node)) for node in NODES}  # type: ignore[misc]
    events: list[tuple[HybridTimestamp, set[int]]] = []
    last: dict[str, set[int]] = {node: set() for node in NODES}
    fastest_ms = 0
    for node, cause, passes_ms, off_ms in steps:
        walls.true_ms += passes_ms
        walls.off_ms[node] = off_ms
        fastest_ms = max(fastest_ms, walls.wall_ns(node) // 1_000_000)
        past = set(last[node])
        if cause is None or cause >= len(events):
            timestamp = clocks[node].now()
        else:
            sent, before = events[cause]
            timestamp = clocks[node].receive(sent)
            past |= before | {cause}
        assert all(events[earlier][0] < timestamp for earlier in past)
        assert walls.wall_ns(node) // 1_000_000 <= timestamp.wall_ms <= fastest_ms
        assert timestamp.counter <= len(past), "the counter is bounded by what happened before"
        last[node] = past | {len(events)}
        events.append((timestamp, past))


def test_a_message_from_the_future_is_refused_and_changes_nothing() -> None:
    clock = HybridClock(lambda: 1_000_000_000, drift_ms_max=100)
    before = clock.now()
    with pytest.raises(ClockTooFarAhead, match="101 ms ahead"):
        clock.receive(HybridTimestamp(1101, 0))
    assert clock.last == before
    assert clock.receive(HybridTimestamp(1100, 7)) == (1100, 8)


def test_after_a_restart_under_a_clock_that_went_back_it_goes_on_above_its_floor() -> None:
    clock = HybridClock(lambda: 5_000_000, floor_ms=900)
    assert clock.now() == (900, 1)
