"""In every bundled system that has a client table: of a try that the network delivers twice, one copy is answered."""

from __future__ import annotations

import pytest

from harness import catalog
from harness.history import Op
from harness.node import Message, Timeout
from tests.systems_under_test.simulated import CLIENT_TIMEOUT_MS, Scene, play

REQUESTS = {
    "chain": {"f": "read", "key": 1},
    "failover-pair": {"f": "read", "key": 1},
    "raft": {"f": "read", "key": 1, "value": None},
    "replication-log": {"f": "read", "key": "orders"},
    "single-leader": {"f": "read", "key": 1},
}
WRITES = {name: {"f": "write", "key": 1, "value": 5} for name in REQUESTS} | {
    "replication-log": {"f": "insert", "key": "orders", "value": {"row": {"tag": 1, "amount": 1}}}
}


@pytest.mark.parametrize("name", REQUESTS)
def test_no_try_is_taken_for_a_copy_of_another(name: str) -> None:
    async def scenario(scene: Scene) -> None:
        await scene.ready()
        leader = await scene.leader()
        client = scene.system.client(scene.cluster.client_env(0, "c1"), scene.options)
        await client.open(leader)
        asked_ns = scene.runtime.now()
        for request in [WRITES[name], REQUESTS[name]] * 5:
            done = await client.invoke(Op("invoke", 0, str(request["f"]), request.get("value"), key=request["key"]))
            assert done.type == "ok", done.error
        assert scene.runtime.now() - asked_ns < CLIENT_TIMEOUT_MS / 4 * 1e6, "somebody was asked twice"

    play(catalog.system(name), scenario)


def test_partitions_on_one_node_number_their_tries_apart() -> None:
    async def scenario(scene: Scene) -> None:
        await scene.until(lambda statuses: len(statuses) == 5)
        client = scene.system.client(scene.cluster.client_env(0, "c1"), scene.options)
        for key in range(40):
            asked_ns = scene.runtime.now()
            assert (await client.invoke(Op("invoke", 0, "write", 1, key=key % 7))).type == "ok"
            if key % 5 == 4:
                for node in scene.cluster.nodes:
                    done = await client.invoke(Op("invoke", 0, "dump", key=None, node=node))
                    assert done.type == "ok", done.error
            assert scene.runtime.now() - asked_ns < CLIENT_TIMEOUT_MS / 4 * 1e6, "somebody was asked twice"

    play(catalog.system("single-leader"), scenario, partitions="2", failover="none")


@pytest.mark.parametrize("name", REQUESTS)
def test_a_copy_of_a_try_is_not_answered_whatever_the_first_was(name: str) -> None:
    """The first copy may have been refused, and the other one be executed."""

    async def scenario(scene: Scene) -> None:
        leader, refusals = await scene.leader(), 0
        for node in (leader, next(node for node in scene.cluster.nodes if node != leader)):

            async def ask(client: str, number: int, node: str = node) -> Message | None:
                request = {"type": "request", "client": client, "sequence": 1, **REQUESTS[name], "try": number}
                try:
                    return await scene.cluster.client_env(0, client).call(node, request, 500)
                except Timeout:
                    return None

            first = await ask("c8", 1)
            assert first is not None
            assert await ask("c8", 1) is None
            assert await ask("c8", 2) == await ask("c9", 1) == first
            refusals += "error" in first
        assert refusals

    play(catalog.system(name), scenario)
