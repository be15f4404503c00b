"""``raft`` in the simulated world: disks that fail, and each seeded bug of its nodes beside the honest system."""

from __future__ import annotations

from typing import Any

import pytest

from systems_under_test.blocks.raft.bug import (
    ACKNOWLEDGE_BEFORE_SYNC,
    CORRUPT_RECORD_ENDS_LOG,
    WIPED_SERVER_VOTES,
)
from systems_under_test.raft import SYSTEM
from systems_under_test.raft.bug import APPLY_READS_CLOCK, NO_CLIENT_DEDUPLICATION, SNAPSHOT_OMITS_CLIENT_TABLE
from tests.systems_under_test.simulated import Scene, play

HONEST = ""
EVERY_5: dict[str, Any] = {"snapshot-entries": "5"}
EVERY_2: dict[str, Any] = {"snapshot-entries": "2"}


def test_counters_and_dumps() -> None:
    async def scenario(scene: Scene) -> None:
        assert [(await scene.ask("inc", delta)).type for delta in (5, -2)] == ["ok", "ok"]
        assert (await scene.ask("read")).value == 3
        await scene.runtime.sleep(200)
        dumps = [await scene.call(node, "dump") for node in scene.cluster.nodes]
        assert dumps == [{"value": {"state": {'"x"': 3}, "applied": 3}}] * 5, "followers answer, too"

    play(SYSTEM, scenario)


@pytest.mark.parametrize(("bug", "count"), [(HONEST, 5), (NO_CLIENT_DEDUPLICATION, 10)])
def test_a_request_that_is_sent_twice(bug: str, count: int) -> None:
    async def scenario(scene: Scene) -> None:
        leader = await scene.leader()
        assert [await scene.call(leader, "inc", 5, sequence=1) for _ in range(2)] == [{"value": None}] * 2
        assert (await scene.ask("read")).value == count

    play(SYSTEM, scenario, bug)


@pytest.mark.parametrize(("bug", "found"), [(HONEST, 5), (ACKNOWLEDGE_BEFORE_SYNC, None)])
def test_acknowledged_and_then_the_power_is_gone(bug: str, found: int | None) -> None:
    async def scenario(scene: Scene) -> None:
        await scene.runtime.sleep(500)  # so that all that was there before is synced
        assert (await scene.ask("write", 4)).type == "ok"
        await scene.cluster.kill(scene.cluster.nodes)
        await scene.cluster.start(scene.cluster.nodes)
        assert (await scene.ask("read")).value == 4, "what was written survives the process"
        await scene.runtime.sleep(500)
        for value in (None, 5):
            assert (await scene.ask("write", value)).type == "ok"
            await scene.runtime.sleep(200 if value is None else 1)
        await scene.cluster.power_loss(scene.cluster.nodes, torn=False, reordered=False, keep="none")
        await scene.cluster.start(scene.cluster.nodes)
        assert (await scene.ask("read")).value == found

    play(SYSTEM, scenario, bug)


@pytest.mark.parametrize("bug", [HONEST, CORRUPT_RECORD_ENDS_LOG])
def test_a_bit_of_the_log_flips(bug: str) -> None:
    async def scenario(scene: Scene) -> None:
        leader = await scene.leader()
        victim = next(node for node in scene.cluster.nodes if node != leader)
        for value in range(5):
            assert (await scene.ask("write", value)).type == "ok"
        await scene.cluster.kill([victim])
        flips = await scene.cluster.disk_flip([victim], 1, "wal/")
        assert flips[victim]["flips"]
        await scene.cluster.start([victim])
        status = (await scene.statuses())[victim]
        assert (status["role"] == "corrupt") is (bug == HONEST)
        assert (await scene.ask("read")).value == 4, "the others go on"
        if bug == HONEST:
            assert [node for node, _ in scene.events("disk-corrupt")] == [victim]
            assert await scene.call(victim, "read") == await scene.call(victim, "dump") == {"error": "unavailable"}
            assert SYSTEM.ready(await scene.statuses())

    play(SYSTEM, scenario, bug, seed=3)


def test_a_leader_that_cannot_sync_stops_and_has_told_nobody() -> None:
    async def scenario(scene: Scene) -> None:
        leader = await scene.leader()
        assert (await scene.ask("write", 1)).type == "ok"
        await scene.cluster.disk_eio([leader], 1.0)
        assert await scene.call(leader, "write", 2) == {"error": "silent"}
        assert [node for node, _ in scene.events("disk-failure")] == [leader]
        await scene.leader(leader)
        assert (await scene.ask("read")).value == 1, "its followers were not sent what it could not save"
        await scene.cluster.disk_heal([leader])
        await scene.cluster.start([leader])
        assert (await scene.ask("write", 3)).type == "ok"
        await scene.runtime.sleep(500)
        assert set((await scene.dumps()).values()) == {3}

    play(SYSTEM, scenario, stops=True)


def test_followers_whose_disks_are_full_stop_and_acknowledge_nothing() -> None:
    async def scenario(scene: Scene) -> None:
        leader = await scene.leader()
        followers = [node for node in scene.cluster.nodes if node != leader]
        await scene.cluster.disk_full(followers)
        assert (await scene.ask("write", 1)).type == "info"
        assert sorted(node for node, _ in scene.events("disk-failure")) == followers
        await scene.cluster.disk_heal(followers)
        await scene.cluster.start(followers)
        assert (await scene.ask("write", 2)).type == "ok"

    play(SYSTEM, scenario, stops=True)


def test_servers_take_snapshots_and_start_from_them() -> None:
    async def scenario(scene: Scene) -> None:
        for _ in range(12):
            assert (await scene.ask("inc", 1)).type == "ok"
        await scene.runtime.sleep(500)
        assert {node for node, _ in scene.events("snapshot-taken")} == set(scene.cluster.nodes)
        assert not scene.events("snapshot-installed")
        await scene.cluster.kill(scene.cluster.nodes)
        await scene.cluster.start(scene.cluster.nodes)
        assert (await scene.ask("read")).value == 12

    play(SYSTEM, scenario, **EVERY_5)


def test_a_follower_that_was_away_is_sent_a_snapshot() -> None:
    async def scenario(scene: Scene) -> None:
        leader = await scene.leader()
        victim = next(node for node in scene.cluster.nodes if node != leader)
        await scene.cluster.kill([victim])
        for _ in range(12):
            assert (await scene.ask("inc", 1)).type == "ok"
        await scene.cluster.start([victim])
        await scene.runtime.sleep(1000)
        assert [node for node, _ in scene.events("snapshot-installed")] == [victim]
        assert (await scene.ask("inc", 1)).type == "ok"
        await scene.runtime.sleep(500)
        assert await scene.dumps() == dict.fromkeys(scene.cluster.nodes, 13)

    play(SYSTEM, scenario, **EVERY_5)


@pytest.mark.parametrize(("bug", "count"), [(HONEST, 10), (SNAPSHOT_OMITS_CLIENT_TABLE, 15)])
def test_a_request_that_is_sent_again_after_a_snapshot(bug: str, count: int) -> None:
    async def scenario(scene: Scene) -> None:
        leader = await scene.leader()
        assert await scene.call(leader, "inc", 5, sequence=1) == {"value": None}
        assert (await scene.ask("inc", 5)).type == "ok"
        await scene.runtime.sleep(500)
        await scene.cluster.kill(scene.cluster.nodes)
        await scene.cluster.start(scene.cluster.nodes)
        assert await scene.call(await scene.leader(), "inc", 5, sequence=1) == {"value": None}
        assert (await scene.ask("read")).value == count

    play(SYSTEM, scenario, bug, **EVERY_2)


@pytest.mark.parametrize(("bug", "held"), [(HONEST, 7), (APPLY_READS_CLOCK, None)])
def test_what_is_applied_later_is_applied_alike(bug: str, held: int | None) -> None:
    async def scenario(scene: Scene) -> None:
        leader = await scene.leader()
        victim = next(node for node in scene.cluster.nodes if node != leader)
        assert (await scene.ask("inc", 7)).type == "ok"
        await scene.runtime.sleep(2000)
        await scene.cluster.kill([victim])
        await scene.cluster.start([victim])
        await scene.runtime.sleep(1000)
        assert (await scene.dumps())[victim] == held
        assert (await scene.dumps())[leader] == 7

    play(SYSTEM, scenario, bug)


@pytest.mark.parametrize("bug", [HONEST, WIPED_SERVER_VOTES])
def test_a_server_that_lost_its_disk_cannot_elect_who_lacks_what_it_acknowledged(bug: str) -> None:
    async def scenario(scene: Scene) -> None:
        leader = await scene.leader()
        stale, lost = [node for node in scene.cluster.nodes if node != leader]
        await scene.cluster.kill([stale])
        assert (await scene.ask("write", 4)).type == "ok"
        await scene.cluster.kill([leader, lost])
        await scene.cluster.disk_wipe([lost])
        await scene.cluster.start([stale, lost])
        await scene.runtime.sleep(5000)
        elected = SYSTEM.leader(await scene.statuses())
        assert (elected is None) is (bug == HONEST), "the write is on the leader's disk alone"
        assert (lost in await scene.dumps()) is (bug != HONEST), "it has nothing to show until all have answered"
        await scene.cluster.start([leader])
        await scene.ready()
        assert (await scene.ask("read")).value == (4 if bug == HONEST else None)
        await scene.runtime.sleep(1000)
        assert (await scene.dumps())[lost] == (4 if bug == HONEST else None)

    play(SYSTEM, scenario, bug, nodes=3)


@pytest.mark.parametrize("times", [1, 2])
def test_a_server_that_lost_its_disk_and_dies_while_it_asks_the_others_is_lost_still(times: int) -> None:
    async def scenario(scene: Scene) -> None:
        leader = await scene.leader()
        stale, lost = [node for node in scene.cluster.nodes if node != leader]
        await scene.cluster.kill([stale])
        assert (await scene.ask("write", 4)).type == "ok"
        await scene.cluster.kill([lost])
        await scene.cluster.disk_wipe([lost])
        for _ in range(times):
            await scene.cluster.start([lost])
            await scene.runtime.sleep(1000)  # the leader answers it, the stale one does not
            await scene.cluster.kill([lost])
        await scene.cluster.kill([leader])
        await scene.cluster.start([stale, lost])
        await scene.runtime.sleep(5000)
        assert SYSTEM.leader(await scene.statuses()) is None, "the write is on the leader's disk alone"
        assert lost not in await scene.dumps()
        await scene.cluster.start([leader])
        await scene.ready()
        assert (await scene.ask("read")).value == 4
        await scene.runtime.sleep(1000)
        assert await scene.dumps() == dict.fromkeys(scene.cluster.nodes, 4)

    play(SYSTEM, scenario, nodes=3)


def test_a_server_that_lost_its_disk_becomes_a_voter_again() -> None:
    async def scenario(scene: Scene) -> None:
        leader = await scene.leader()
        lost, other = [node for node in scene.cluster.nodes if node != leader]
        assert (await scene.ask("write", 4)).type == "ok"
        await scene.cluster.kill([lost])
        await scene.cluster.disk_wipe([lost])
        await scene.cluster.start([lost])
        await scene.runtime.sleep(3000)
        await scene.ready()
        assert (await scene.dumps())[lost] == 4
        await scene.cluster.kill([other])
        leader = await scene.leader(other)
        assert (await scene.ask("write", 5)).type == "ok"
        assert (await scene.ask("read")).value == 5, "with the help of the one that had lost everything"

    play(SYSTEM, scenario, nodes=3)


def test_a_server_that_lost_its_disk_becomes_a_voter_though_one_of_the_others_was_asked_late() -> None:
    """A leader has been elected meanwhile, without its vote, and leads for good."""

    async def scenario(scene: Scene) -> None:
        leader = await scene.leader()
        late, lost, *_ = [node for node in scene.cluster.nodes if node != leader]
        await scene.cluster.kill([late, lost])
        await scene.cluster.disk_wipe([lost])
        await scene.cluster.start([lost])
        await scene.runtime.sleep(3000)
        await scene.cluster.start([late])
        await scene.runtime.sleep(3000)
        leader = await scene.leader()
        await scene.cluster.kill([leader, late])
        await scene.leader(leader, late)
        assert (await scene.ask("write", 5)).type == "ok", "with the vote of the one that had lost everything"

    for seed in range(3):
        play(SYSTEM, scenario, seed=seed)


def test_a_server_that_lost_its_disk_does_not_wait_for_one_whose_disk_is_corrupt() -> None:
    async def scenario(scene: Scene) -> None:
        leader = await scene.leader()
        corrupt, lost, other, _ = [node for node in scene.cluster.nodes if node != leader]
        for value in range(5):
            assert (await scene.ask("write", value)).type == "ok"
        await scene.cluster.kill([corrupt, lost])
        assert (await scene.cluster.disk_flip([corrupt], 1, "wal/"))[corrupt]["flips"]
        await scene.cluster.disk_wipe([lost])
        await scene.cluster.start([corrupt, lost])
        await scene.runtime.sleep(3000)
        assert (await scene.statuses())[corrupt]["role"] == "corrupt"
        assert (await scene.dumps())[lost] == 4
        await scene.cluster.kill([other])
        await scene.leader(other)
        assert (await scene.ask("write", 5)).type == "ok", "with the help of the one that had lost everything"

    play(SYSTEM, scenario, seed=3)


def test_a_client_whose_session_has_expired_registers_and_its_old_request_is_not_executed_again() -> None:
    async def scenario(scene: Scene) -> None:
        leader = await scene.leader()
        assert await scene.call(leader, "inc", 5, sequence=1) == {"value": None}
        for _ in range(4):  # each by a client of its own, the last ones after the table is full
            assert (await scene.ask("inc", 1)).type == "ok"
        assert await scene.call(leader, "inc", 5, sequence=1) == {"error": "session-expired"}
        assert (await scene.ask("read")).value == 9

    play(SYSTEM, scenario, sessions="2")
