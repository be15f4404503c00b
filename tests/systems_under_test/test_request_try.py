"""In every bundled system that has a client table: of a try that the network delivers twice, one copy is answered."""

from __future__ import annotations

import pytest

from harness import catalog
from harness.node import Message, Timeout
from tests.systems_under_test.simulated import Scene, play

REQUESTS = {
    "chain": {"f": "read", "key": 1},
    "failover-pair": {"f": "read", "key": 1},
    "raft": {"f": "read", "key": 1, "value": None},
    "replication-log": {"f": "read", "key": "t"},
    "single-leader": {"f": "read", "key": 1},
}


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
