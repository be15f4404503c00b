"""Single-leader replication on real processes: failover, catch-up, and what each option promises and does not."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from harness.cluster import ClusterSpec, NodeSpec
from harness.clusters.loopback import LoopbackCluster
from harness.history import Op
from harness.node import CallError, Message
from harness.real_runtime import RealRuntime
from harness.system import Client
from systems_under_test.single_leader import SYSTEM, present_leader, ready

WAIT_S = 10.0
CLIENT_TIMEOUT_MS = 700
Statuses = Mapping[str, Message]


class Deployed:
    """A cluster with the system on its nodes, and clients to ask them."""

    def __init__(self, cluster: LoopbackCluster, options: Mapping[str, str], folder: Path) -> None:
        self.cluster, self._options, self._folder = cluster, options, folder
        self._opened = 0
        self._elements = 0

    async def statuses(self) -> dict[str, Message]:
        answers = await asyncio.gather(*(self.cluster.status(node, 200) for node in self.cluster.nodes))
        named = zip(self.cluster.nodes, answers, strict=True)
        return {node: answer["program"] for node, answer in named if answer is not None and answer["serving"]}

    async def until(self, condition: Callable[[Statuses], bool], what: str) -> dict[str, Message]:
        """Wait for a condition on the statuses, and give them."""
        deadline = asyncio.get_running_loop().time() + WAIT_S
        while asyncio.get_running_loop().time() < deadline:
            statuses = await self.statuses()
            if condition(statuses):
                return statuses
            await asyncio.sleep(0.02)
        raise AssertionError(f"not seen within {WAIT_S} s: {what}; statuses {statuses}")

    async def leader(self, other_than: str | None = None) -> str:
        """The leader, once it serves; ``other_than`` is one that is out of the game."""

        def elected(statuses: Statuses) -> bool:
            rest = {node: status for node, status in statuses.items() if node != other_than}
            name = present_leader(rest)
            return name is not None and bool(rest[name]["role"] == "leader")

        statuses = await self.until(elected, f"a leader other than {other_than}")
        name = present_leader({node: status for node, status in statuses.items() if node != other_than})
        assert name is not None
        return name

    async def converged(self) -> dict[str, Message]:
        """Wait until the system is ready and all logs are equal and applied."""
        return await self.until(
            lambda s: (
                len(s) == len(self.cluster.nodes)
                and ready(s)
                and len({(*status["last"], status["durable"], status["high_water"]) for status in s.values()}) == 1
                and all(status["last"][1] == status["high_water"] for status in s.values())
            ),
            "equal logs everywhere",
        )

    async def client(self, node: str = "n1", **options: str) -> Client:
        self._opened += 1
        made = SYSTEM.client(
            self.cluster.client_env(self._opened - 1, f"c{self._opened}"), {**self._options, **options}
        )
        await made.open(node)
        return made

    async def add(self, client: Client, count: int) -> list[int]:
        """Add ``count`` new elements; gives those acknowledged."""
        acknowledged = []
        for _ in range(count):
            self._elements += 1
            done = await client.invoke(Op("invoke", 0, "add", self._elements, key="s"))
            if done.type == "ok":
                acknowledged.append(self._elements)
        return acknowledged

    async def elements(self, client: Client) -> list[int]:
        done = await client.invoke(Op("invoke", 0, "read", key="s"))
        assert done.type == "ok", done
        return list(done.value or [])

    def events(self, name: str) -> list[dict[str, Any]]:
        found = []
        for node in self.cluster.nodes:
            lines = (self._folder / node / "events.jsonl").read_text().splitlines()
            events = [event for event in map(json.loads, lines) if event["name"] == name]
            found += [{"node": node, **event["fields"]} for event in events]
        return found


@asynccontextmanager
async def deployed(folder: Path, count: int = 3, **options: str) -> AsyncIterator[Deployed]:
    """A system that is ready; at the end no node may have stopped by itself."""
    chosen = {name: option.default for name, option in SYSTEM.options.items()} | options
    role, program = next(iter(SYSTEM.roles)), SYSTEM.roles["node"].program
    nodes = tuple(NodeSpec(f"n{i}", role, program) for i in range(1, count + 1))
    cluster = LoopbackCluster(ClusterSpec(nodes, chosen, (), 1, 20, CLIENT_TIMEOUT_MS, folder), RealRuntime(seed=1))
    try:
        await cluster.start(cluster.nodes)
        system = Deployed(cluster, chosen, folder)
        await system.until(ready, "ready")
        yield system
        assert [cluster.exit_status(node) for node in cluster.nodes] == [None] * count, "a node stopped by itself"
    finally:
        await cluster.down()


def run(*tests: Coroutine[Any, Any, None]) -> None:
    """Run tests side by side, each on its own cluster: most of their time is waiting for elections."""

    async def all_of_them() -> None:
        async with asyncio.timeout(60), asyncio.TaskGroup() as group:
            for test in tests:
                group.create_task(test)

    asyncio.run(all_of_them())


def op(f: str, value: Any = None, key: Any = "x") -> Op:
    return Op("invoke", 0, f, value, key=key)


def test_a_key_value_store(tmp_path: Path) -> None:
    async def test(replication: str) -> None:
        async with deployed(tmp_path / replication, replication=replication) as system:
            client = await system.client()
            asked = [op("read"), op("write", 1), op("read"), op("cas", [2, 3]), op("cas", [1, 3]), op("read"),
                     op("add", 5), op("add", 5, "s"), op("add", 6, "s"), op("read", key="s")]  # fmt: skip
            done = [await client.invoke(each) for each in asked]
            assert [(d.type, d.error) for d in done] == [
                *[("ok", None)] * 3, ("fail", "cas-mismatch"), *[("ok", None)] * 2, ("fail", "wrong-type"),
                *[("ok", None)] * 3]  # fmt: skip
            assert [d.value for d in done if d.f == "read"] == [None, 1, 3, [5, 6]]
            assert {d.node for d in done} == {await system.leader()}
            statuses = await system.converged()
            lag_ms = statuses[await system.leader()]["replication_lag_ms"]
            assert 0 < lag_ms < 100

    run(test("async"), test("sync"))


def test_a_request_sent_twice_is_executed_once(tmp_path: Path) -> None:
    async def test(replication: str) -> None:
        async with deployed(tmp_path / replication, replication=replication) as system:
            env, name = system.cluster.client_env(0, "c0"), await system.leader()
            cas = {"type": "request", "client": "c0", "sequence": 1, "f": "cas", "key": "x", "value": [None, 1]}
            replies = await asyncio.gather(*(env.call(name, cas, 1000) for _ in range(3)))
            assert list(replies) == [{"value": None}] * 3
            old = {**cas, "sequence": 0}
            assert await env.call(name, old, 1000) == {"error": "superseded"}
            follower = next(node for node in system.cluster.nodes if node != name)
            assert await env.call(follower, cas, 1000) == {"error": "not-leader", "leader": name}

    run(test("async"), test("sync"))


def test_the_leader_is_killed_and_another_takes_over(tmp_path: Path) -> None:
    async def test(replication: str) -> None:
        async with deployed(tmp_path / replication, count=5, replication=replication) as system:
            client, old = await system.client(), await system.leader()
            before = await system.add(client, 20)
            assert len(before) == 20
            await system.converged()  # asynchronously, too, everything is everywhere before the kill
            began = asyncio.get_running_loop().time()
            await system.cluster.kill([old])
            new = await system.leader(other_than=old)
            took_s = asyncio.get_running_loop().time() - began
            assert took_s < 4, "a failover, not a stalemate"
            if replication == "sync":  # all of a fixed set: without the dead node nothing is acknowledged or readable
                assert await system.add(await system.client(new), 1) == []
            else:
                before += await system.add(await system.client(new), 5)
                assert len(before) == 25
            await system.cluster.start([old])
            await system.converged()
            after = await system.add(client, 5)
            assert len(after) == 5
            assert set(await system.elements(client)) >= {*before, *after}
            generations = [event["generation"] for event in system.events("became-leader")]
            assert len(set(generations)) == len(generations) >= 2, "one leader per generation"

    run(test("async"), test("sync"))


def test_a_follower_that_was_down_catches_up(tmp_path: Path) -> None:
    async def test() -> None:
        async with deployed(tmp_path) as system:
            client, name = await system.client(), await system.leader()
            follower = next(node for node in system.cluster.nodes if node != name)
            await system.add(client, 3)
            await system.cluster.kill([follower])
            assert len(await system.add(client, 400)) == 400  # more than one batch of entries
            await system.cluster.start([follower])
            await system.converged()
            assert system.events("truncated") == []
            assert await system.leader() == name, "its return disturbs nobody"

    run(test())


def test_what_a_leader_acknowledged_alone(tmp_path: Path) -> None:
    """The leader's word while no follower hears it: asynchronously it is given, and lost; synchronously it is not."""

    async def test(replication: str) -> None:
        async with deployed(tmp_path / replication, count=5, replication=replication) as system:
            client, old = await system.client(), await system.leader()
            safe = await system.add(client, 10)
            await system.converged()
            others = [node for node in system.cluster.nodes if node != old]
            await system.cluster.pause(others)
            alone = await system.add(client, 10 if replication == "async" else 2)
            await system.cluster.kill([old])  # with what the followers' kernels hold for them, not yet read
            await system.cluster.kill(others)
            await system.cluster.start(others)
            await system.leader(other_than=old)
            await system.cluster.start([old])
            await system.converged()
            present = await system.elements(await system.client())
            assert set(safe) <= set(present)
            if replication == "async":
                assert len(alone) == 10
                assert set(alone).isdisjoint(present), "acknowledged, and gone"
                assert [event["count"] for event in system.events("truncated")] == [10]
            else:
                assert alone == []

    run(test("async"), test("sync"))


def test_a_paused_leader_steps_down_when_it_wakes(tmp_path: Path) -> None:
    async def test() -> None:
        async with deployed(tmp_path, count=5) as system:
            client, old = await system.client(), await system.leader()
            before = await system.add(client, 5)
            await system.converged()
            await system.cluster.pause([old])
            new = await system.leader(other_than=old)
            after = await system.add(await system.client(new), 5)
            await system.cluster.resume([old])
            statuses = await system.converged()
            assert statuses[old]["role"] == "follower"
            assert statuses[new]["role"] == "leader"
            assert old in [event["node"] for event in system.events("stepped-down")]
            assert set(await system.elements(client)) >= {*before, *after}

    run(test())


def test_without_generations_a_deposed_leader_goes_on(tmp_path: Path) -> None:
    async def test() -> None:
        async with deployed(tmp_path, generation="off") as system:
            old = await system.leader()
            await system.cluster.pause([old])
            new = await system.leader(other_than=old)
            await system.cluster.resume([old])
            await asyncio.sleep(1)
            statuses = await system.statuses()
            assert [statuses[node]["role"] for node in (old, new)] == ["leader", "leader"]
            here, there = await system.client(old), await system.client(new)
            assert [(await each.invoke(op("write", n))).type for n, each in enumerate((here, there))] == ["ok", "ok"]
            assert [(await each.invoke(op("read"))).value for each in (here, there)] == [0, 1], "a split brain"

    run(test())


def test_without_failover_the_first_node_leads_or_nobody(tmp_path: Path) -> None:
    async def test() -> None:
        async with deployed(tmp_path, failover="none") as system:
            assert await system.leader() == "n1"
            client = await system.client()
            before = await system.add(client, 10)
            await system.cluster.kill(["n1"])
            await asyncio.sleep(1.2)
            assert present_leader(await system.statuses()) is None
            assert (await client.invoke(op("add", -1, "s"))).type == "fail"
            await system.cluster.start(["n1"])
            await system.converged()
            assert sorted(await system.elements(client)) == before
            assert [event["generation"] for event in system.events("became-leader")] == [1, 2]

    run(test())


def test_everything_survives_the_death_of_everyone(tmp_path: Path) -> None:
    async def test(replication: str) -> None:
        async with deployed(tmp_path / replication, replication=replication) as system:
            client = await system.client()
            before = await system.add(client, 20)
            await system.converged()
            await system.cluster.kill(system.cluster.nodes)
            await system.cluster.start(system.cluster.nodes)
            await system.converged()
            assert sorted(await system.elements(client)) == before

    run(test("async"), test("sync"))


def test_reads_from_followers_are_answered_there(tmp_path: Path) -> None:
    async def test(reads: str) -> None:
        async with deployed(tmp_path / reads, reads=reads) as system:
            name = await system.leader()
            client = await system.client(name)
            await system.add(client, 3)
            await system.converged()
            done = [await client.invoke(op("read", key="s")) for _ in range(12)]
            assert all(d.value == [1, 2, 3] for d in done)
            followers = set(system.cluster.nodes) - {name}
            assert {d.node for d in done} == followers if reads == "any" else len({d.node for d in done}) == 1
            assert {d.node for d in done} <= followers

    run(test("any"), test("sticky"))


def test_a_read_of_a_synchronous_leader_shows_nothing_that_is_not_everywhere(tmp_path: Path) -> None:
    async def test() -> None:
        async with deployed(tmp_path, replication="sync") as system:
            client, name = await system.client(), await system.leader()
            assert (await client.invoke(op("write", 1))).type == "ok"
            follower = next(node for node in system.cluster.nodes if node != name)
            await system.cluster.pause([follower])
            env = system.cluster.client_env(10, "c10")
            write = {"type": "request", "client": "c10", "sequence": 1, "f": "write", "key": "x", "value": 2}
            with pytest.raises(CallError):
                await env.call(name, write, 300)
            assert (await client.invoke(op("read"))).value == 1, "leader reads go on, without the write in waiting"
            await system.cluster.resume([follower])
            await system.converged()
            assert (await client.invoke(op("read"))).value == 2

    run(test())


def test_the_words_for_the_harness() -> None:
    following = {"leader": "n2", "role": "follower", "serving": False}
    old = {"leader": "n1", "role": "leader", "serving": True, "term": 3}
    new = {"leader": "n2", "role": "leader", "serving": True, "term": 4}
    assert present_leader({}) is None
    assert present_leader({"n1": old, "n2": new, "n3": {**following, "term": 4}}) == "n2"
    assert not ready({"n1": old, "n2": new})
    assert ready({"n2": new, "n3": {**following, "term": 4}})
    assert not ready({"n2": {**new, "serving": False}})
    assert not ready({"n2": new, "n3": {**following, "leader": None, "term": 4}})
    both = {"n1": {**old, "term": 0}, "n2": {**new, "term": 0}, "n3": {**following, "term": 0}}
    assert (present_leader(both), ready(both)) == ("n2", True)
