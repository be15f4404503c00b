"""``single-leader`` in the simulated world: majority replication, failing disks, each seeded bug beside its twin."""

from __future__ import annotations

import pytest

from systems_under_test.single_leader import SYSTEM
from systems_under_test.single_leader.bug import (
    ACKNOWLEDGE_BEFORE_BACKUP,
    ACKNOWLEDGE_BEFORE_FSYNC,
    DIRTY_READ,
    KEEP_DIVERGENT_SUFFIX,
    NO_GENERATION,
    STALE_BACKUP_READS,
)
from tests.systems_under_test.simulated import Scene, play

HONEST = ""


async def others(scene: Scene, leader: str) -> list[str]:
    return [node for node in scene.cluster.nodes if node != leader]


async def quiet(scene: Scene) -> None:
    """Until a leader leads everybody, and all have heard how far it is."""
    await scene.ready()
    await scene.runtime.sleep(2000)


def test_counters_and_dumps() -> None:
    async def scenario(scene: Scene) -> None:
        assert [(await scene.ask("inc", delta)).type for delta in (5, -2)] == ["ok", "ok"]
        assert (await scene.ask("read")).value == 3
        await quiet(scene)
        dumps = [await scene.call(node, "dump") for node in scene.cluster.nodes]
        assert dumps == [{"value": {"state": {'"x"': 3}, "applied": 3}}] * 5, "followers answer, too"

    play(SYSTEM, scenario, replication="sync")


def test_a_majority_is_enough_and_a_minority_is_not() -> None:
    async def scenario(scene: Scene) -> None:
        leader = await scene.leader()
        followers = await others(scene, leader)
        await scene.cluster.kill(followers[:2])
        assert await scene.call(leader, "write", 1) == {"value": None}
        await scene.cluster.kill(followers[2:3])
        assert await scene.call(leader, "write", 2) == {"error": "silent"}
        await scene.cluster.kill([leader])
        await scene.cluster.start(followers[:3])
        assert await scene.leader(leader) in followers[2:], "only they have what was acknowledged"
        assert (await scene.ask("read")).value in (1, 2)

    play(SYSTEM, scenario, replication="majority")


@pytest.mark.parametrize(
    ("bug", "reply"), [(HONEST, {"error": "silent"}), (ACKNOWLEDGE_BEFORE_BACKUP, {"value": None})]
)
def test_a_write_that_no_backup_has(bug: str, reply: dict[str, object]) -> None:
    async def scenario(scene: Scene) -> None:
        leader = await scene.leader()
        await scene.cluster.partition(scene.apart(leader))
        assert await scene.call(leader, "write", 1) == reply
        await scene.leader(leader)
        await scene.cluster.heal()
        await quiet(scene)
        assert set((await scene.dumps()).values()) == {None}, "lost, and whether it was acknowledged is the question"

    play(SYSTEM, scenario, bug, replication="sync")


@pytest.mark.parametrize(("bug", "generations"), [(HONEST, 2), (NO_GENERATION, 1)])
def test_a_deposed_leader_comes_back(bug: str, generations: int) -> None:
    async def scenario(scene: Scene) -> None:
        old = await scene.leader()
        await scene.cluster.partition(scene.apart(old))
        new = await scene.leader(old)
        await scene.runtime.sleep(500)
        assert await scene.call(new, "write", 1) == {"value": None}
        assert await scene.call(old, "write", 2) == {"error": "silent"}
        await scene.cluster.heal()
        await scene.runtime.sleep(3000)
        roles = {node: status["role"] for node, status in (await scene.statuses()).items()}
        assert len({fields["generation"] for _, fields in scene.events("became-leader")}) == generations
        assert [roles[node] for node in (old, new)] == ["follower" if bug == HONEST else "leader", "leader"]
        states = set((await scene.dumps()).values())
        assert states == {1} if bug == HONEST else len(states) > 1

    play(SYSTEM, scenario, bug, replication="majority")


@pytest.mark.parametrize(("bug", "values"), [(HONEST, []), (STALE_BACKUP_READS, [1] * 4)])
def test_a_read_of_a_backup_that_is_behind(bug: str, values: list[int]) -> None:
    async def scenario(scene: Scene) -> None:
        leader = await scene.leader()
        assert (await scene.ask("write", 1)).type == "ok"
        await scene.runtime.sleep(500)
        assert await scene.call(leader, "write", 2) == {"value": None}
        replies = [await scene.call(node, "read") for node in await others(scene, leader)]
        assert [reply["value"] for reply in replies if "value" in reply] == values
        assert bug or all(reply["error"] == "not-leader" for reply in replies)

    play(SYSTEM, scenario, bug, replication="sync")


@pytest.mark.parametrize(("bug", "seen"), [(HONEST, 1), (DIRTY_READ, 2)])
def test_a_read_of_a_leader_whose_write_waits(bug: str, seen: int) -> None:
    async def scenario(scene: Scene) -> None:
        leader = await scene.leader()
        assert (await scene.ask("write", 1)).type == "ok"
        await scene.cluster.partition(scene.apart(leader))
        assert await scene.call(leader, "write", 2) == {"error": "silent"}
        assert await scene.call(leader, "read") == {"value": seen}
        await scene.leader(leader)
        await scene.cluster.heal()
        await quiet(scene)
        assert (await scene.ask("read")).value == 1

    play(SYSTEM, scenario, bug, replication="sync")


@pytest.mark.parametrize("bug", [HONEST, KEEP_DIVERGENT_SUFFIX])
def test_a_node_rejoins_with_entries_that_nobody_else_has(bug: str) -> None:
    async def scenario(scene: Scene) -> None:
        old = await scene.leader()
        await scene.cluster.partition(scene.apart(old))
        for value in (1, 2):
            assert await scene.call(old, "write", value) == {"error": "silent"}
        await scene.leader(old)
        await scene.cluster.heal()
        await quiet(scene)
        assert (await scene.ask("inc", 5)).type == "ok"
        await quiet(scene)
        held = await scene.dumps()
        assert {value for node, value in held.items() if node != old} == {5}
        assert held[old] == (5 if bug == HONEST else 2)

    play(SYSTEM, scenario, bug, replication="sync")


@pytest.mark.parametrize(("bug", "found"), [(HONEST, 1), (ACKNOWLEDGE_BEFORE_FSYNC, None)])
def test_acknowledged_and_then_the_power_of_every_backup_is_gone(bug: str, found: int | None) -> None:
    async def scenario(scene: Scene) -> None:
        await scene.runtime.sleep(500)  # so that all that was there before is synced
        leader = await scene.leader()
        backups = await others(scene, leader)
        assert await scene.call(leader, "write", 1) == {"value": None}
        await scene.cluster.power_loss(scene.cluster.nodes, torn=False, reordered=False, keep="none")
        await scene.cluster.start(backups)
        await scene.leader()
        await scene.cluster.start([leader])
        await quiet(scene)
        assert set((await scene.dumps()).values()) == {found}

    play(SYSTEM, scenario, bug, replication="sync")


@pytest.mark.parametrize("bug", [HONEST, ACKNOWLEDGE_BEFORE_FSYNC])
def test_acknowledged_and_then_every_node_is_killed(bug: str) -> None:
    async def scenario(scene: Scene) -> None:
        leader = await scene.leader()
        assert await scene.call(leader, "write", 1) == {"value": None}
        await scene.cluster.kill(scene.cluster.nodes)
        await scene.cluster.start(await others(scene, leader))
        await scene.leader()
        await scene.cluster.start([leader])
        await quiet(scene)
        assert set((await scene.dumps()).values()) == {1}

    play(SYSTEM, scenario, bug, replication="sync")


def test_a_node_whose_disk_is_corrupt_does_not_take_part() -> None:
    async def scenario(scene: Scene) -> None:
        leader = await scene.leader()
        victim = (await others(scene, leader))[0]
        assert await scene.call(leader, "write", 1) == {"value": None}
        await scene.cluster.kill([victim])
        assert (await scene.cluster.disk_flip([victim], 1, "generation"))[victim]["flips"]
        await scene.cluster.start([victim])
        await scene.ready()
        assert (await scene.statuses())[victim]["role"] == "corrupt"
        assert [node for node, _ in scene.events("disk-corrupt")] == [victim]
        assert await scene.call(victim, "read") == await scene.call(victim, "dump") == {"error": "unavailable"}
        assert await scene.call(leader, "write", 2) == {"value": None}
        await scene.cluster.kill([leader])
        await scene.leader(leader)
        assert (await scene.ask("read")).value == 2

    play(SYSTEM, scenario, replication="majority")


def test_a_leader_that_cannot_sync_stops_and_another_takes_over() -> None:
    async def scenario(scene: Scene) -> None:
        leader = await scene.leader()
        assert (await scene.ask("write", 1)).type == "ok"
        await scene.cluster.disk_eio([leader], 1.0)
        assert await scene.call(leader, "write", 2) == {"error": "silent"}
        assert [node for node, _ in scene.events("disk-failure")] == [leader]
        await scene.leader(leader)
        await scene.cluster.disk_heal([leader])
        await scene.cluster.start([leader])
        await quiet(scene)
        assert len(set((await scene.dumps()).values())) == 1

    play(SYSTEM, scenario, stops=True, replication="majority")


def test_votes_are_told_when_they_are_on_their_way() -> None:
    async def scenario(scene: Scene) -> None:
        leader = await scene.leader()
        granted = scene.events("vote-granted")
        assert len(granted) >= 2
        assert {fields["to"] for _, fields in granted} == {leader}
        assert leader not in {node for node, _ in granted}

    play(SYSTEM, scenario)


@pytest.mark.parametrize(("apply", "shown"), [("high-water", None), ("append", 1)])
def test_a_follower_that_does_not_wait_for_the_high_water_mark_shows_what_is_lost(
    apply: str, shown: int | None
) -> None:
    async def scenario(scene: Scene) -> None:
        leader = await scene.leader()
        follower = (await others(scene, leader))[0]
        await scene.cluster.partition(scene.apart(leader, follower))
        assert await scene.call(leader, "write", 1) == {"error": "silent"}
        assert await scene.call(follower, "read") == {"value": shown}
        await scene.leader(leader, follower)
        await scene.cluster.heal()
        await quiet(scene)
        assert set((await scene.dumps()).values()) == {None}

    play(SYSTEM, scenario, replication="majority", reads="any", apply=apply)


@pytest.mark.parametrize(("deduplication", "count"), [("on", 1), ("off", 2)])
def test_a_request_that_is_sent_again_to_the_next_leader(deduplication: str, count: int) -> None:
    async def scenario(scene: Scene) -> None:
        leader = await scene.leader()
        assert await scene.call(leader, "inc", 1, sequence=7) == {"value": None}
        await scene.cluster.kill([leader])
        new = await scene.leader(leader)
        await scene.until(lambda statuses: bool(statuses[new]["serving"]))
        assert await scene.call(new, "inc", 1, sequence=7) == {"value": None}
        assert (await scene.ask("read")).value == count

    play(SYSTEM, scenario, replication="majority", deduplication=deduplication)


@pytest.mark.parametrize("joining", ["log", "snapshot"])
def test_a_client_whose_session_has_expired_registers_and_its_old_request_is_not_executed_again(joining: str) -> None:
    async def scenario(scene: Scene) -> None:
        leader = await scene.leader()
        assert await scene.call(leader, "inc", 5, sequence=1) == {"value": None}
        for _ in range(40):  # each by a client of its own
            assert (await scene.ask("inc", 1)).type == "ok"
        assert await scene.call(leader, "inc", 5, sequence=1) == {"error": "session-expired"}
        behind, new, _, _ = await others(scene, leader)
        await scene.cluster.kill([behind, new])
        await scene.cluster.disk_wipe([new])
        await scene.cluster.start([behind, new])
        await quiet(scene)
        assert bool(scene.events("copied")) == (joining == "snapshot")
        await scene.cluster.kill([node for node in scene.cluster.nodes if node not in (behind, new)][:2])
        assert await scene.call(await scene.leader(leader), "inc", 5, sequence=1) == {"error": "session-expired"}
        assert (await scene.ask("inc", 1)).type == "ok"
        await quiet(scene)
        assert set((await scene.dumps()).values()) == {46}, "who has the table from a snapshot forgets the same"

    scene = play(SYSTEM, scenario, replication="majority", sessions="3", joining=joining)
    assert scene.events("session-expired")


def test_a_follower_that_was_restarted_tells_from_where_it_caught_up() -> None:
    async def scenario(scene: Scene) -> None:
        assert (await scene.ask("inc", 1)).type == "ok"
        await quiet(scene)
        one = (await others(scene, await scene.leader()))[0]
        end = (await scene.statuses())[one]["last"][1]
        assert not scene.events("caught-up"), "it was never behind"
        await scene.cluster.kill([one])
        for _ in range(10):
            assert (await scene.ask("inc", 1)).type == "ok"
        await scene.cluster.start([one])
        await quiet(scene)
        assert scene.events("caught-up") == [(one, {"from": end, "to": end + 10})]

    play(SYSTEM, scenario, replication="majority")
