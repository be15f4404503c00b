"""The replicated log: entries by index, what is durable, and the search for the place where two logs part."""

from __future__ import annotations

import asyncio
from itertools import takewhile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from systems_under_test.blocks.replicated_log import Position, ReplicatedLog, merge
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


def entries_of(generations: list[int], command: str = "x") -> list[dict[str, object]]:
    return [{"generation": generation, "command": {"f": command}} for generation in generations]


def merged(here: list[int], after: int, sent: list[int], command: str = "x", *, numbered: bool = True) -> ReplicatedLog:
    log = ReplicatedLog(CrashDisk())
    asyncio.run(log.open())
    for entry in entries_of(here):
        log.append(entry)
    merge(log, after, entries_of(sent, command), log.truncate_from, numbered=numbered)
    return log


@given(st.lists(st.integers(1, 3), max_size=6), st.lists(st.integers(1, 3), max_size=6), st.data())
def test_what_is_merged_is_the_predecessors(here: list[int], there: list[int], data: st.DataObject) -> None:
    here, there = sorted(here), sorted(there)
    common = len(list(takewhile(lambda pair: pair[0] == pair[1], zip(here, there, strict=False))))
    after = data.draw(st.integers(0, common))
    end = data.draw(st.integers(after, len(there)))
    log = merged(here, after, there[after:end])
    kept = here if here[:end] == there[:end] else there[:end]
    assert list(log.entries(1, 9)) == entries_of(kept)


def test_entries_that_are_there_already_cut_nothing() -> None:
    assert merged([1, 1, 2], 0, [1, 1]).last == 3
    assert merged([1, 1, 2], 1, [1, 3]).last == 3, "what was behind the first that differs is gone"
    assert merged([1, 1, 2], 0, [3]).last == 1


def test_two_entries_of_one_index_and_generation_are_a_mistake_where_there_are_generations() -> None:
    with pytest.raises(AssertionError, match="two entries 2 of one generation"):
        merged([1, 1, 2], 1, [1], "y")
    assert list(merged([1, 1, 2], 1, [1], "y", numbered=False).entries(2, 9)) == entries_of([1], "y")
