"""Semi-synchronous replication: who acknowledges, who may be promoted, and what becomes of the synchronous follower."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from systems_under_test.blocks.corruption import Corruption
from systems_under_test.blocks.replicated_log import Position, ReplicatedLog
from systems_under_test.single_leader import SYSTEM
from systems_under_test.single_leader.acknowledgement import OneFollower, counted
from systems_under_test.single_leader.bug import (
    FRESHNESS_BY_WALL_CLOCK,
    PROMOTE_ANY_BACKUP,
    SEMI_SYNC,
    SEMI_SYNC_BECOMES_ASYNC,
)
from systems_under_test.single_leader.configuration import Configuration, ConfigurationRecord
from systems_under_test.single_leader.progress import Progress
from systems_under_test.single_leader.promotion import promotion
from tests.systems_under_test.blocks.crash_disk import CrashDisk
from tests.systems_under_test.simulated import Scene, play

HONEST = ""
FOLLOWERS = {"n2": 7, "n3": 4, "n4": 9, "n5": 2}


class StoppedClock:
    """A monotonic clock that somebody moves."""

    def __init__(self) -> None:
        self.ms = 0.0

    def wall(self) -> int:
        return self.monotonic()

    def monotonic(self) -> int:
        return int(self.ms * 1e6)

    def interval(self) -> Any:
        raise NotImplementedError


@pytest.mark.parametrize(("replication", "own", "index"), [
    ("async", 8, 8), ("majority", 8, 7), ("majority", 5, 5), ("sync", 8, 2), ("sync", 1, 1)])  # fmt: skip
def test_how_far_a_log_counts_as_replicated(replication: str, own: int, index: int) -> None:
    assert counted(replication, 5).replicated(own, FOLLOWERS) == index


def test_one_follower_counts_and_without_it_nothing() -> None:
    chosen: list[str | None] = ["n3"]
    policy, alone = OneFollower(lambda: chosen[0]), OneFollower(lambda: chosen[0], alone=True)
    assert [policy.replicated(8, FOLLOWERS), alone.replicated(8, FOLLOWERS)] == [4, 4]
    assert policy.replicated(3, FOLLOWERS) == 3
    chosen[0] = None
    assert [policy.replicated(8, FOLLOWERS), alone.replicated(8, FOLLOWERS)] == [0, 8]


def test_the_freshest_follower_of_those_heard_lately() -> None:
    clock = StoppedClock()
    progress = Progress(clock, ("n2", "n3", "n4"))
    assert progress.confirm("n3", 5)
    clock.ms = 500
    assert [progress.confirm("n2", 4), progress.confirm("n2", 4), progress.confirm("n2", 2)] == [True, False, False]
    assert [progress.freshest(501), progress.freshest(500), progress.stored["n2"]] == ["n3", "n2", 4]
    clock.ms = 1500
    assert progress.freshest(1000) is None


def test_a_pair_survives_a_restart_and_an_older_one_does_not_replace_it() -> None:
    async def run() -> None:
        disk = CrashDisk()
        record = ConfigurationRecord(disk)
        await record.load()
        assert record.newest is None
        newer, older = Configuration(2, 1, "n1", "n2"), Configuration(1, 9, "n3", "n4")
        await record.record(newer)
        await record.record(older)
        again = ConfigurationRecord(disk)
        await again.load()
        assert again.newest == newer == Configuration.from_json(newer.as_json())
        disk.write("configuration", b"00000000 {}")
        with pytest.raises(Corruption):
            await ConfigurationRecord(disk).load()

    asyncio.run(run())


async def voter(entries: list[tuple[int, int]]) -> tuple[ReplicatedLog, ConfigurationRecord]:
    log, record = ReplicatedLog(CrashDisk()), ConfigurationRecord(CrashDisk())
    await log.open(Position(0, 0))
    for generation, written_ns in entries:
        log.append({"generation": generation, "command": None, "written_ns": written_ns})
    return log, record


def test_only_the_pair_that_voter_or_candidate_knows_is_electable() -> None:
    async def run() -> None:
        log, record = await voter([(1, 0)])
        rule = promotion(SEMI_SYNC, log, record, frozenset())
        assert rule.electable("n5", rule.credentials()), "nothing was acknowledged before there was a pair"
        await record.record(Configuration(1, 1, "n1", "n2"))
        unaware: dict[str, Any] = {"configuration": None}
        assert [rule.electable(name, unaware) for name in ("n1", "n2", "n3")] == [True, True, False]
        newer = {"configuration": Configuration(1, 2, "n1", "n3").as_json()}
        assert [rule.electable(name, newer) for name in ("n1", "n2", "n3")] == [True, False, True]

    asyncio.run(run())


def test_elsewhere_the_freshest_is_electable_and_a_bug_asks_for_less() -> None:
    async def run() -> None:
        log, record = await voter([(1, 90), (2, 50)])
        stale = {"position": [1, 9], "written_ns": 90}
        for options in (SEMI_SYNC | {"promotion": "freshest"}, {"replication": "majority", "promotion": "recorded"}):
            rule = promotion(options, log, record, frozenset())
            assert rule.electable("n2", rule.credentials())
            assert not rule.electable("n2", stale)
        for bug in (PROMOTE_ANY_BACKUP, FRESHNESS_BY_WALL_CLOCK):
            assert promotion(SEMI_SYNC, log, record, frozenset({bug})).electable("n2", stale)
        assert not promotion(SEMI_SYNC, log, record, frozenset({FRESHNESS_BY_WALL_CLOCK})).electable(
            "n2", {"written_ns": 49}
        )

    asyncio.run(run())


def synchronous(scene: Scene) -> str:
    """The follower chosen last."""
    return str(scene.events("synchronous-follower-chosen")[-1][1]["follower"])


async def chosen(scene: Scene) -> tuple[str, str]:
    """A leader and its synchronous follower, once there are both."""
    leader = await scene.leader()
    assert (await scene.ask("write", 0)).type == "ok"
    await scene.until(lambda statuses: bool(scene.events("synchronous-follower-chosen")))
    return leader, synchronous(scene)


def test_a_silent_synchronous_follower_is_replaced_and_until_then_nothing_is_acknowledged() -> None:
    async def scenario(scene: Scene) -> None:
        leader, first = await chosen(scene)
        await scene.cluster.pause([first])
        write = scene.runtime.now()
        assert (await scene.call(leader, "write", 1)) in ({"value": None}, {"error": "silent"})
        assert (scene.runtime.now() - write) / 1e6 > 500, "it waits for the one, or for the other"
        await scene.until(lambda statuses: synchronous(scene) != first)
        assert await scene.call(leader, "write", 2) == {"value": None}
        assert [fields["follower"] for _, fields in scene.events("synchronous-follower-lost")] == [first]

    play(SYSTEM, scenario, **SEMI_SYNC)


@pytest.mark.parametrize(("rule", "lost"), [("recorded", False), ("freshest", True)])
def test_a_majority_without_the_pair(rule: str, lost: bool) -> None:
    async def scenario(scene: Scene) -> None:
        leader, follower = await chosen(scene)
        await scene.cluster.partition(scene.apart(leader, follower))
        assert await scene.call(leader, "write", 1) == {"value": None}
        if lost:
            await scene.leader(leader, follower)
        else:
            await scene.runtime.sleep(5000)
            assert all(fields["generation"] == 1 for _, fields in scene.events("became-leader")), "nobody may lead"
        await scene.cluster.heal()
        await scene.runtime.sleep(3000)
        assert (await scene.ask("read")).value == (0 if lost else 1)

    play(SYSTEM, scenario, **(SEMI_SYNC | {"promotion": rule}))


@pytest.mark.parametrize("bug", [HONEST, PROMOTE_ANY_BACKUP])
def test_the_leader_dies_and_only_the_synchronous_follower_takes_over(bug: str) -> None:
    async def scenario(scene: Scene) -> None:
        leader, follower = await chosen(scene)
        await scene.cluster.kill([leader])
        new = await scene.leader(leader)
        assert bug or new == follower
        assert (await scene.ask("write", 2)).type == "ok", "with a new synchronous follower, recorded by a majority"

    play(SYSTEM, scenario, bug, **SEMI_SYNC)


@pytest.mark.parametrize(("bug", "reply"), [(HONEST, {"error": "silent"}), (SEMI_SYNC_BECOMES_ASYNC, {"value": None})])
def test_a_leader_alone(bug: str, reply: dict[str, object]) -> None:
    async def scenario(scene: Scene) -> None:
        leader, _ = await chosen(scene)
        await scene.cluster.partition(scene.apart(leader))
        assert await scene.call(leader, "write", 1) == reply
        await scene.leader(leader)
        await scene.cluster.heal()
        await scene.runtime.sleep(3000)
        assert (await scene.ask("read")).value == 0, "another took over meanwhile"

    play(SYSTEM, scenario, bug, **SEMI_SYNC)
