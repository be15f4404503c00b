"""The replicated log: the search for a common point, truncation, and what may be applied."""

from __future__ import annotations

import asyncio
from itertools import takewhile
from random import Random
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.node import Env
from systems_under_test.blocks.replicated_log import Position, ReplicatedLog
from systems_under_test.blocks.write_ahead_log import SEGMENT_BYTES
from systems_under_test.single_leader import SYSTEM
from systems_under_test.single_leader.bug import (
    ACKNOWLEDGE_BEFORE_FSYNC,
    ACKNOWLEDGED_ENTRIES_VANISH,
    DIRTY_READ,
    NO_GENERATION,
)
from systems_under_test.single_leader.replica import Replica
from tests.systems_under_test.blocks.crash_disk import CrashDisk, PowerLost


class DiskEnv:
    """An Env of one of five nodes, with a disk, events and seeded ``bugs``: all that a Replica uses of one."""

    nodes = ("n1", "n2", "n3", "n4", "n5")

    def __init__(self, *bugs: str) -> None:
        self.disk = CrashDisk()
        self._bugs = bugs
        self.events: list[tuple[str, dict[str, Any]]] = []

    def event(self, name: str, **fields: Any) -> None:
        self.events.append((name, fields))

    def count(self, name: str, by: int = 1) -> None:
        """Nobody looks."""

    def bug(self, name: str) -> bool:
        return name in self._bugs


def command(number: int) -> dict[str, Any]:
    return {"client": "c", "sequence": number, "f": "add", "key": "s", "value": number}


async def log_of(generations: list[int]) -> ReplicatedLog:
    log = ReplicatedLog(CrashDisk())
    await log.open(Position(0, 0))
    for generation in generations:
        log.append({"generation": generation, "command": None})
    await log.sync()
    return log


def test_positions_are_ordered_by_freshness() -> None:
    assert Position(2, 1) > Position(1, 9)
    assert Position(2, 3) > Position(2, 2)
    assert Position(0, 0).as_json() == [0, 0]


# Two logs as replication makes them: a common prefix, then suffixes that share no (generation, index).
logs = st.tuples(
    st.lists(st.integers(1, 3), max_size=8).map(sorted),
    st.lists(st.sampled_from([3, 5, 7]), max_size=8).map(sorted),
    st.lists(st.sampled_from([4, 6, 8]), max_size=8).map(sorted),
)


@given(logs)
def test_leader_and_follower_find_the_last_common_entry(generations: tuple[list[int], list[int], list[int]]) -> None:
    prefix, ours, theirs = generations
    ours = [g for g in ours if g > 3]

    async def run() -> None:
        leader, follower = await log_of(prefix + ours), await log_of(prefix + theirs)
        common = len(
            list(takewhile(lambda pair: pair[0] == pair[1], zip(prefix + ours, prefix + theirs, strict=False)))
        )
        at, rounds = leader.position, 0
        while not follower.agrees(at):
            answer = follower.common_point(at)
            assert answer.index >= common
            at = leader.common_point(answer)
            rounds += 1
        assert common == at.index or (at.index == leader.last and common == leader.last)
        assert rounds <= len(set(ours + theirs)) + 1, "a round per generation, not per entry"

    asyncio.run(run())


def test_what_was_dropped_during_a_sync_does_not_count_as_durable() -> None:
    async def run() -> None:
        log = await log_of([1, 1, 1])
        log.append({"generation": 1, "command": None})
        syncing = asyncio.create_task(log.sync())
        await asyncio.sleep(0)
        assert log.truncate_from(2) == 3
        log.append({"generation": 2, "command": None})
        await syncing
        assert (log.durable, log.last) == (1, 2)
        await log.sync()
        assert (log.durable, log.position) == (2, Position(2, 2))

    asyncio.run(run())


def test_a_log_comes_back_as_it_was() -> None:
    async def run() -> None:
        disk = CrashDisk()
        log = ReplicatedLog(disk)
        await log.open(Position(0, 0))
        for number in range(1, 6):
            log.append({"generation": 1, "command": command(number)})
        log.truncate_from(4)
        log.append({"generation": 2, "command": None})
        await log.sync()
        again = ReplicatedLog(disk.after_crash(Random(1)))
        await again.open(Position(0, 0))
        assert again.position == Position(2, 4)
        assert again.entries(1, 99) == log.entries(1, 99)
        assert again.durable == 4
        assert [again.agrees(Position(*at)) for at in ((0, 0), (1, 3), (1, 4), (2, 4), (2, 5))] == [
            True, True, False, True, False]  # fmt: skip

    asyncio.run(run())


async def replica(replication: str, *bugs: str, generation: str = "on") -> tuple[Replica, DiskEnv]:
    env = DiskEnv(*bugs)
    defaults = {name: option.default for name, option in SYSTEM.options.items()}
    made = Replica(cast(Env, env), defaults | {"replication": replication, "generation": generation})
    await made.recover()
    for number in range(1, 5):
        made.log.append({"generation": 1, "command": command(number)})
    await made.log.sync()
    return made, env


def elements(of: Replica) -> Any:
    return of.read({"key": "s"})["value"]


def test_applying_stops_at_the_high_water_mark() -> None:
    async def run() -> None:
        made, _ = await replica("sync")
        assert elements(made) is None
        assert [index for index, _ in made.raise_high_water(2)] == [1, 2]
        assert elements(made) == [1, 2]
        assert made.raise_high_water(1) == []
        assert [index for index, _ in made.raise_high_water(4)] == [3, 4]
        with pytest.raises(AssertionError, match="only 4 are stored"):
            made.raise_high_water(5)

    asyncio.run(run())


def test_what_all_nodes_have_is_never_dropped() -> None:
    async def run() -> None:
        made, env = await replica("sync")
        made.raise_high_water(2)
        made.truncate_from(3)
        assert env.events == [("truncated", {"from": 3, "count": 2})]
        with pytest.raises(AssertionError, match="must stay"):
            made.truncate_from(2)

    asyncio.run(run())


def test_an_asynchronous_replica_undoes_what_it_applied_and_drops() -> None:
    async def run() -> None:
        made, env = await replica("async")
        made.raise_high_water(4)
        made.truncate_from(3)
        assert env.events == [("truncated", {"from": 3, "count": 2})]
        assert (elements(made), made.high_water) == ([1, 2], 2)
        made.log.append({"generation": 2, "command": command(3)})  # the dropped request, sent again, is new
        await made.log.sync()
        assert made.raise_high_water(3) == [(3, {"value": None})]
        assert elements(made) == [1, 2, 3]

    asyncio.run(run())


def test_a_request_that_is_in_the_log_twice_is_executed_once() -> None:
    async def run() -> None:
        made, _ = await replica("async")
        write = {"client": "d", "sequence": 1, "f": "cas", "key": "r", "value": [None, 1]}
        for _ in range(2):
            made.log.append({"generation": 1, "command": write})
        await made.log.sync()
        assert made.raise_high_water(6)[-2:] == [(5, {"value": None}), (6, {"value": None})]

    asyncio.run(run())


@pytest.mark.parametrize("bug", sorted(ACKNOWLEDGED_ENTRIES_VANISH))
def test_where_a_bug_loses_acknowledged_entries_the_node_leaves_it_to_others_to_see(bug: str) -> None:
    async def run() -> None:
        made, _ = await replica("sync", bug)
        made.raise_high_water(3)
        made.truncate_from(2)
        assert (elements(made), made.high_water) == ([1], 1)

    asyncio.run(run())


def test_without_generations_entries_carry_none() -> None:
    assert [asyncio.run(replica("majority", bug))[0].numbered for bug in ("", NO_GENERATION)] == [True, False]


def test_a_read_ahead_sees_what_is_not_applied_and_applies_nothing() -> None:
    async def run() -> None:
        made, _ = await replica("sync", DIRTY_READ)
        made.raise_high_water(1)
        made.log.append({"generation": 2, "command": None})
        assert made.read_ahead({"key": "s"}) == {"value": [1, 2, 3, 4]}
        assert (elements(made), made.high_water) == ([1], 1)

    asyncio.run(run())


def test_a_dump_is_what_this_node_has_applied() -> None:
    async def run() -> None:
        made, _ = await replica("sync")
        made.raise_high_water(2)
        assert made.dump() == {"value": {"state": {'"s"': [1, 2]}, "applied": 2}}

    asyncio.run(run())


@pytest.mark.parametrize(("bug", "staged"), [("", 3), (ACKNOWLEDGE_BEFORE_FSYNC, 0)])
def test_what_waits_in_memory_for_a_new_segment_dies_with_the_process(bug: str, staged: int) -> None:
    """Backups that acknowledge before they sync (row 9) must lose that only with the power, so there nothing waits."""

    async def run() -> None:
        made, env = await replica("sync", bug)
        big = {"generation": 1, "command": {**command(9), "value": "x" * SEGMENT_BYTES}}
        made.log.append(big)
        syncing = asyncio.create_task(made.log.sync())
        await asyncio.sleep(0)
        for _ in range(3):
            made.log.append(big)
        left = ReplicatedLog(env.disk.after_kill())
        await left.open(Position(0, 0))
        assert left.last == made.log.last - staged
        with pytest.raises(PowerLost):
            await syncing

    asyncio.run(run())


def test_every_seeded_bug_is_described() -> None:
    assert {bug.row for bug in SYSTEM.bugs.values()} == set(range(1, 10))
    assert all(SYSTEM.options[name].values for bug in SYSTEM.bugs.values() for name in bug.options)
    assert SYSTEM.leadership({}) == SYSTEM.leadership({"generation": "on"}) == ("became-leader", "generation")
    assert SYSTEM.leadership({"generation": "off"}) is SYSTEM.leadership({"failover": "none"}) is None
