"""The replicated log: entries by index, what is durable, and the search for the place where two logs part."""

from __future__ import annotations

import asyncio
from itertools import takewhile

from hypothesis import given
from hypothesis import strategies as st

from systems_under_test.blocks.replicated_log import Position, ReplicatedLog
from tests.systems_under_test.blocks.crash_disk import CrashDisk


def log_of(generations: list[int]) -> ReplicatedLog:
    log = ReplicatedLog(CrashDisk())
    asyncio.run(log.open())
    for generation in generations:
        log.append({"generation": generation, "command": {"f": generation}})
    return log


def test_what_is_appended_is_there_and_what_is_synced_is_durable() -> None:
    log = log_of([1, 1, 2])
    assert (log.last, log.durable, log.position) == (3, 0, Position(2, 3))
    asyncio.run(log.sync())
    assert log.durable == 3
    assert [entry["generation"] for entry in log.entries(2, 10)] == [1, 2]
    assert log.truncate_from(2) == 2
    assert (log.last, log.durable, log.position_at(0)) == (1, 1, Position(0, 0))


def test_the_fresher_position_is_of_the_later_generation() -> None:
    assert Position(2, 1) > Position(1, 9) > Position(1, 8)


@given(st.lists(st.integers(1, 3), max_size=6), st.lists(st.integers(1, 3), max_size=6))
def test_two_logs_find_their_common_point(here: list[int], there: list[int]) -> None:
    """Logs of rising generations, in which a generation's entries follow one history: the same as far as they agree."""
    here, there = sorted(here), sorted(there)
    mine, other = log_of(here), log_of(there)
    point = mine.position
    for _ in range(20):
        point = other.common_point(point)
        if mine.agrees(point):
            break
        point = mine.common_point(point)
        if other.agrees(point):
            break
    common = len(list(takewhile(lambda pair: pair[0] == pair[1], zip(here, there, strict=False))))
    assert point.index >= common, "nothing that both have is sent again"
    assert mine.agrees(point)
    assert other.agrees(point)
