"""Reads of ``single-leader``: who answers whom, who refuses, and what a session may rely on, request by request."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest

from harness.history import Op
from harness.node import CallError, Message
from systems_under_test.single_leader import SYSTEM
from tests.systems_under_test.simulated import CLIENT_TIMEOUT_MS, Scene, play


async def ask(scene: Scene, node: str, f: str, value: Any = None, **demand: Any) -> Message:
    """One request to one node, by a client that says more than the operation."""
    scene.asked += 1
    name = f"c{scene.asked}"
    request = {"type": "request", "client": name, "sequence": 1, "f": f, "key": "x", "value": value, **demand}
    try:
        return await scene.cluster.client_env(0, name).call(node, request, CLIENT_TIMEOUT_MS)
    except CallError:
        return {"error": "silent"}


async def cut_off(scene: Scene) -> tuple[str, str, str]:
    """The leader, a follower that hears nothing any more, and one that does."""
    await scene.ready()
    leader = await scene.leader()
    deaf, near = [node for node in scene.cluster.nodes if node != leader][:2]
    await scene.cluster.partition(scene.apart(deaf))
    return leader, deaf, near


async def deposed(scene: Scene) -> tuple[str, str]:
    """A leader that was cut off from the others, and its successor, which serves."""
    old = await scene.leader()
    await scene.cluster.partition(scene.apart(old))
    new = await scene.leader(old)
    await scene.until(lambda statuses: bool(statuses[new]["serving"]))
    return old, new


@dataclass
class Reader:
    """A session through the system's own client."""

    scene: Scene
    client: Any

    @staticmethod
    async def of(scene: Scene, leader: str) -> Reader:
        scene.asked += 1
        reader = Reader(scene, SYSTEM.client(scene.cluster.client_env(0, f"c{scene.asked}"), scene.options))
        await reader.client.open(leader)
        return reader

    async def does(self, f: str, value: Any = None, session: Any = None) -> Op:
        done = await self.client.invoke(Op("invoke", 0, f, value, key="x", session=session))
        assert isinstance(done, Op)
        return done


@pytest.mark.parametrize(("reads", "answer"), [("leader", {"value": 1}), ("confirmed", {"error": "unavailable"})])
def test_a_deposed_leader_asks_the_majority_or_answers_with_old_values(reads: str, answer: Message) -> None:
    async def scenario(scene: Scene) -> None:
        assert (await scene.ask("write", 1)).type == "ok"
        old, new = await deposed(scene)
        assert await ask(scene, new, "write", 2) == {"value": None}
        assert await ask(scene, old, "read") == answer
        assert await ask(scene, new, "read") == {"value": 2}

    play(SYSTEM, scenario, replication="majority", reads=reads)


def test_a_follower_waits_for_what_the_session_has_seen_and_refuses_if_it_does_not_come() -> None:
    async def scenario(scene: Scene) -> None:
        leader, deaf, near = await cut_off(scene)
        written = await ask(scene, leader, "write", 1)
        position = written["position"]
        assert await ask(scene, near, "read", position=position) == {"value": 1, "position": position}
        assert await ask(scene, deaf, "read", position=position) == {"error": "behind"}
        assert (await ask(scene, deaf, "read", position=None))["value"] is None, "it has seen nothing"
        await scene.cluster.heal()
        await scene.runtime.sleep(1000)
        assert (await ask(scene, deaf, "read", position=position))["value"] == 1

    play(SYSTEM, scenario, reads="position", failover="none")


@pytest.mark.parametrize(("reads", "answer", "write"), [("position", "lost", "lost"), ("position-only", None, None)])
def test_what_stands_in_the_place_of_a_lost_write_is_not_that_write(reads: str, answer: object, write: object) -> None:
    async def scenario(scene: Scene) -> None:
        old = await scene.leader()
        await scene.cluster.partition(scene.apart(old))
        position = (await ask(scene, old, "write", 1))["position"]
        new = await scene.leader(old)
        await scene.until(lambda statuses: bool(statuses[new]["serving"]))
        for value in (7, 8, 9):
            await ask(scene, new, "write", value)
        read = await ask(scene, new, "read", position=position)
        assert read.get("error") == answer
        assert (await ask(scene, new, "write", 2, position=position)).get("error") == write

    play(SYSTEM, scenario, reads=reads)


def test_a_session_whose_past_was_lost_is_over() -> None:
    async def scenario(scene: Scene) -> None:
        old = await scene.leader()
        await scene.cluster.partition(scene.apart(old))
        reader = await Reader.of(scene, old)
        assert (await reader.does("write", 1)).type == "ok"
        new = await scene.leader(old)
        for value in range(3):
            await ask(scene, new, "write", value)
        await scene.cluster.heal()
        await scene.ready()
        done = await reader.does("read")
        assert (done.type, done.error) == ("info", "lost")
        assert (await ask(scene, new, "read"))["value"] == 2, "anybody else reads on"

    play(SYSTEM, scenario, reads="position")


def test_followers_answer_nobody_who_asks_for_the_leader() -> None:
    async def scenario(scene: Scene) -> None:
        leader, deaf, near = await cut_off(scene)
        await ask(scene, leader, "write", 1)
        assert await ask(scene, deaf, "read", **{"from": "leader"}) == {"error": "not-leader", "leader": leader}
        assert await ask(scene, deaf, "read") == {"value": None}
        assert await ask(scene, near, "read") == {"value": 1}

    play(SYSTEM, scenario, reads="own-writes", failover="none")


def test_a_session_reads_from_the_leader_as_long_as_its_write_is_recent() -> None:
    async def scenario(scene: Scene) -> None:
        leader = await scene.leader()
        reader = await Reader.of(scene, leader)
        assert (await reader.does("read")).node != leader
        await reader.does("write", 1)
        assert {(await reader.does("read")).node for _ in range(10)} == {leader}
        await scene.runtime.sleep(300)
        assert leader not in {(await reader.does("read")).node for _ in range(10)}

    play(SYSTEM, scenario, reads="own-writes", failover="none", **{"recent-ms": "300"})


def test_a_follower_that_lags_for_too_long_refuses_and_the_session_asks_another() -> None:
    async def scenario(scene: Scene) -> None:
        leader, deaf, near = await cut_off(scene)
        await scene.runtime.sleep(50)
        assert "value" in await ask(scene, deaf, "read"), "not so long yet"
        await scene.runtime.sleep(100)
        assert await ask(scene, deaf, "read") == {"error": "behind"}
        assert "value" in await ask(scene, near, "read")
        reader = await Reader.of(scene, leader)
        assert deaf not in {(await reader.does("read")).node for _ in range(20)}
        await scene.cluster.heal()
        await scene.runtime.sleep(1500)
        assert "value" in await ask(scene, deaf, "read")

    play(SYSTEM, scenario, reads="monitored", failover="none", **{"recent-ms": "100"})


@pytest.mark.parametrize(
    ("shared", "deaf_says", "near_says"),
    [("off", {"value": None}, {"value": 1}), ("on", {"error": "unavailable"}, {"value": 1})],
)
def test_a_follower_asks_the_leader_where_the_user_wrote_on_another_device(
    shared: str, deaf_says: Message, near_says: Message
) -> None:
    async def scenario(scene: Scene) -> None:
        leader, deaf, near = await cut_off(scene)
        phone, laptop = await Reader.of(scene, leader), await Reader.of(scene, leader)
        assert (await phone.does("write", 1, session="ada")).type == "ok"
        await scene.runtime.sleep(100)
        demand = laptop.client._policy.demand(Op("invoke", 0, "read", key="x", session="ada"))
        assert demand == {"position": None, **({"user": "ada"} if shared == "on" else {})}
        assert (await ask(scene, deaf, "read", **demand)).items() >= deaf_says.items()
        assert (await ask(scene, near, "read", **demand)).items() >= near_says.items()
        assert (await laptop.does("read", session="ada")).type == "ok"

    play(SYSTEM, scenario, reads="position", failover="none", **{"shared-position": shared})


def test_a_new_leader_knows_no_users_and_takes_its_own_beginning_for_all_their_writes() -> None:
    async def scenario(scene: Scene) -> None:
        old = await scene.leader()
        phone, laptop = await Reader.of(scene, old), await Reader.of(scene, old)
        assert (await phone.does("write", 1, session="ada")).type == "ok"
        await scene.cluster.partition(scene.apart(old))
        await scene.leader(old)
        read = await laptop.does("read", session="ada")
        assert (read.type, read.value) == ("ok", 1)
        assert await ask(scene, old, "read", user="ada") == {"error": "unavailable"}, "it cannot know"

    play(SYSTEM, scenario, reads="position", replication="majority", **{"shared-position": "on"})


def test_a_new_leader_does_not_know_of_a_lost_write_and_tells_only_the_device_that_wrote() -> None:
    async def scenario(scene: Scene) -> None:
        old = await scene.leader()
        phone, laptop = await Reader.of(scene, old), await Reader.of(scene, old)
        await scene.cluster.partition(scene.apart(old))
        assert (await phone.does("write", 1, session="ada")).type == "ok"
        new = await scene.leader(old)
        await ask(scene, new, "write", 2, user="bob")
        read = await laptop.does("read", session="ada")
        assert (read.type, read.value) == ("ok", 2)
        await scene.cluster.heal()
        await scene.ready()
        assert (await phone.does("read", session="ada")).error == "lost"

    play(SYSTEM, scenario, reads="position", **{"shared-position": "on"})


@pytest.mark.parametrize(("keeps", "options"), [
    (False, {"replication": "async"}),
    (False, {"replication": "semi-sync", "promotion": "freshest"}),
    (True, {"replication": "semi-sync", "promotion": "recorded"}),
    (True, {"replication": "majority"}),
    (True, {"replication": "sync"}),
    (True, {"replication": "async", "failover": "none"}),
])  # fmt: skip
def test_devices_find_each_others_writes_where_no_failover_loses_them(keeps: bool, options: dict[str, str]) -> None:
    chosen = {"reads": "position", "shared-position": "on", **options}
    promised = SYSTEM.promises(SYSTEM.completed(chosen))
    assert ("sessions" in promised, "devices" in promised) == (True, keeps)


def test_a_leader_once_more_does_not_go_by_what_it_knew_the_first_time() -> None:
    async def scenario(scene: Scene) -> None:
        first = await scene.leader()
        assert (await ask(scene, first, "write", 1, user="ada")).keys() == {"value", "position"}
        await scene.cluster.partition(scene.apart(first))
        second = await scene.leader(first)
        await scene.until(lambda statuses: bool(statuses[second]["serving"]))
        written = (await ask(scene, second, "write", 2, user="ada"))["position"]
        leader = second
        while leader != first:
            await scene.cluster.heal()
            await scene.ready()
            leader = await scene.leader()
            await scene.cluster.partition({} if leader == first else scene.apart(leader))
            leader = await scene.leader() if leader == first else await scene.leader(leader)
        await scene.cluster.heal()
        await scene.until(lambda statuses: bool(statuses[first]["serving"]))
        asker = scene.cluster.client_env(0, "asker")
        reply = await asker.call(first, {"type": "last-write", "user": "ada"}, CLIENT_TIMEOUT_MS)
        assert reply["position"] > written

    play(SYSTEM, scenario, reads="position", replication="majority", **{"shared-position": "on"})
