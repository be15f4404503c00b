"""``single-leader`` in two partitions: two leaders, two logs, one client that knows where a key is."""

from __future__ import annotations

import pytest

from harness.history import Op
from systems_under_test.single_leader import SYSTEM
from systems_under_test.single_leader.partition import partition_of
from tests.systems_under_test.simulated import Scene, play

KEYS = ("questions-3", "replies-3")


async def write(scene: Scene, *values: int) -> None:
    """Each key gets each of the values, by the system's own client."""
    scene.asked += 1
    client = SYSTEM.client(scene.cluster.client_env(0, f"c{scene.asked}"), scene.options)
    await client.open(scene.cluster.nodes[0])
    for value in values:
        for key in KEYS:
            assert (await client.invoke(Op("invoke", 0, "write", value, key=key))).type == "ok"
            assert (await client.invoke(Op("invoke", 0, "read", key=key))).value == value


def test_questions_and_replies_are_kept_apart() -> None:
    for board in range(20):
        assert {partition_of(f"{kind}-{board}", 2) for kind in ("questions", "replies")} == {0, 1}
    assert {partition_of(key, 2) for key in range(10)} == {0, 1}
    assert {partition_of(key, 1) for key in range(10)} == {0}


def test_each_partition_has_a_leader_of_its_own_and_every_node_holds_all() -> None:
    async def scenario(scene: Scene) -> None:
        await write(scene, 1, 2)
        await scene.runtime.sleep(500)
        parts = {node: status["partitions"] for node, status in (await scene.statuses()).items()}
        for partition, leader in enumerate(("n1", "n2")):
            assert {status[partition]["leader"] for status in parts.values()} == {leader}
        dumps = [await scene.call(node, "dump") for node in scene.cluster.nodes]
        held = {f'"{key}"': 2 for key in KEYS}
        assert dumps == [{"value": {"state": held, "applied": 6}}] * 5

    play(SYSTEM, scenario, partitions="2", failover="none")


def test_both_logs_survive_a_power_loss() -> None:
    async def scenario(scene: Scene) -> None:
        await write(scene, 1)
        everybody = scene.cluster.nodes
        await scene.cluster.power_loss(everybody, torn=False, reordered=False, keep="none")
        await scene.cluster.start(everybody)
        await scene.ready()
        await scene.runtime.sleep(500)
        assert (await scene.call("n3", "dump"))["value"]["state"] == {f'"{key}"': 1 for key in KEYS}

    play(SYSTEM, scenario, partitions="2", replication="sync")


def test_a_system_is_ready_when_every_partition_is() -> None:
    async def scenario(scene: Scene) -> None:
        await scene.cluster.kill(["n2"])
        statuses = await scene.statuses()
        assert not SYSTEM.ready(statuses), "the second partition has lost its leader"
        first = {node: status["partitions"][0] for node, status in statuses.items()}
        assert SYSTEM.ready(first)

    play(SYSTEM, scenario, partitions="2", failover="none")


@pytest.mark.parametrize("partitions", ["1", "2"])
def test_generations_are_one_partition_s(partitions: str) -> None:
    assert (SYSTEM.leadership({"partitions": partitions}) is None) is (partitions == "2")
