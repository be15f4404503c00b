"""Causes are numbered below their effects, and no two events alike; over a restart, too, above a durable floor."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from systems_under_test.blocks.lamport_clock import LamportClock, LamportTimestamp

NODES = ("n1", "n2", "n3")


@given(st.lists(st.tuples(st.sampled_from(NODES), st.none() | st.integers(0, 30)), max_size=40))
def test_timestamps_agree_with_causality_and_are_unique(steps: list[tuple[str, int | None]]) -> None:
    """Each step is a local event, or the arrival of a message that was sent at an earlier event."""
    clocks = {node: LamportClock(node) for node in NODES}
    events: list[tuple[LamportTimestamp, set[int]]] = []  # with all events that happened before
    last: dict[str, set[int]] = {node: set() for node in NODES}
    for node, cause in steps:
        past = set(last[node])
        if cause is None or cause >= len(events):
            timestamp = clocks[node].tick()
        else:
            sent, before = events[cause]
            timestamp = clocks[node].receive(sent)
            past |= before | {cause}
        assert all(events[earlier][0] < timestamp for earlier in past)
        last[node] = past | {len(events)}
        events.append((timestamp, past))
    assert len({timestamp for timestamp, _ in events}) == len(events)


def test_a_lower_timestamp_need_not_be_earlier() -> None:
    busy, idle = LamportClock("n1"), LamportClock("n2")
    first = [busy.tick() for _ in range(3)][-1]
    later = idle.tick()
    assert later < first, "in time it came after"


def test_a_restart_begins_above_its_floor() -> None:
    assert LamportClock("n1", floor=100).tick() == (101, "n1")
