"""``raft`` in the simulated world: what becomes of orders of operators, whom nobody may forget to answer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from harness.node import Env, Message
from systems_under_test.blocks.raft import replica
from systems_under_test.blocks.raft.replica import Replica
from systems_under_test.raft import SYSTEM
from tests.systems_under_test.blocks.bench import ALIVE, bench
from tests.systems_under_test.simulated import Scene, play

PATIENCE_MS = 20_000


async def order(scene: Scene, node: str, message: Message) -> Message:
    return await scene.cluster.client_env(0, "operator").call(node, message, PATIENCE_MS)


async def change(scene: Scene, node: str, members: Sequence[str]) -> Message:
    """The order once, and what the node says to it."""
    return await order(scene, node, {"type": "members", "members": list(members), "patience_ms": 0, "passed_on": True})


def test_while_a_change_is_under_way_another_is_refused_even_if_it_would_change_nothing() -> None:
    async def scenario(scene: Scene) -> None:
        leader = await scene.leader()
        three, four = scene.cluster.nodes[:3], scene.cluster.nodes
        await scene.cluster.partition(scene.apart(four[3]))
        first = scene.runtime.spawn(change(scene, leader, four), "first")
        await scene.runtime.sleep(50)
        assert await change(scene, leader, three) == {"error": "unavailable"}
        assert await change(scene, leader, four) == {"error": "unavailable"}
        await scene.cluster.heal()
        assert await first == {"value": list(four)}, "who ordered it hears what came of it"
        assert await change(scene, leader, four) == {"value": list(four)}, "nothing had to be changed"

    play(SYSTEM, scenario, nodes=4, voters="3")


def test_orders_that_arrive_at_once_are_each_answered() -> None:
    async def scenario(scene: Scene) -> None:
        leader, nodes = await scene.leader(), scene.cluster.nodes
        target = next(node for node in nodes if node != leader)
        asked = [scene.runtime.spawn(change(scene, leader, nodes), "change") for _ in range(3)]
        transfer = {"type": "transfer", "to": target}
        asked += [scene.runtime.spawn(order(scene, leader, transfer), "transfer") for _ in range(3)]
        replies = [await each for each in asked]
        assert {"value": list(nodes)} in replies
        assert sum(reply.get("value") == "handed over" for reply in replies) == 1
        rest = [reply for reply in replies if "value" not in reply]
        assert all(reply["error"] in ("unavailable", "not-leader") for reply in rest)

    play(SYSTEM, scenario, nodes=3)


class Idle:
    """A state machine of no interest."""

    def apply(self, command: Mapping[str, Any]) -> Message:
        return {}

    def read(self, request: Message) -> Message:
        return {}

    def snapshot(self) -> Mapping[str, Any]:
        return {}

    def restore(self, snapshot: Mapping[str, Any]) -> None:
        """Nothing to restore."""


def test_a_replica_whose_disk_is_corrupt_refuses_orders() -> None:
    async def scenario(scene: Scene) -> None:
        env: Env = ALIVE["n1"].env
        env.disk.write("vote", b"damaged")
        corrupt = Replica(env, env.nodes, Idle())
        await corrupt.start()
        assert await corrupt.transfer(None) == await corrupt.change_members(env.nodes) == {"error": "unavailable"}

    play(bench("tests.systems_under_test.blocks.bench:Bare"), scenario, nodes=3)


def test_orders_that_wait_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(replica, "REQUESTS_MAX", 3)

    async def scenario(scene: Scene) -> None:
        env: Env = ALIVE["n1"].env
        busy = Replica(env, env.nodes, Idle())  # not started: nobody takes them out
        waiting = [env.spawn(busy.transfer(None), "order") for _ in range(3)]
        await scene.runtime.sleep(1)
        assert await busy.transfer(None) == await busy.ask({}) == {"error": "unavailable"}
        assert not any(each.done() for each in waiting)

    play(bench("tests.systems_under_test.blocks.bench:Bare"), scenario, nodes=3)
