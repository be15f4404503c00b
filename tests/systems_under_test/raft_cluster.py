"""Real clusters of ``raft`` on loopback for tests: clients that record a history, and waiting for a leader."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from random import Random
from typing import Any

from harness.cluster import ClusterSpec, NodeSpec
from harness.clusters.loopback import LoopbackCluster
from harness.faults.leader import statuses
from harness.history import Op
from harness.node import Message
from harness.readiness import until_ready
from harness.real_runtime import RealRuntime
from harness.system import Client
from systems_under_test.raft import SYSTEM

CLIENTS = 6


@dataclass
class RaftCluster:
    cluster: LoopbackCluster
    runtime: RealRuntime
    history: list[Op] = field(default_factory=list)

    async def statuses(self) -> dict[str, Message]:
        return await statuses(self.cluster, self.runtime)

    async def leader(self) -> str:
        """The leader, once a majority knows it."""
        await until_ready(SYSTEM, self.cluster, self.runtime, stopped=lambda: False)
        found = SYSTEM.leader(await self.statuses())
        assert found is not None
        return found

    async def client(self, number: int, process: int | None = None) -> Client:
        name = f"c{number if process is None else process}"
        client = SYSTEM.client(self.cluster.client_env(number, name), {})
        await client.open(self.cluster.nodes[number % len(self.cluster.nodes)])
        return client

    async def ask(self, client: Client, f: str, value: Any = None, key: Any = 1, process: int = 0) -> Op:
        """One operation, recorded; its time is taken when it is invoked and when it completes."""
        op = Op("invoke", process, f, value, self.runtime.now(), key=key)
        self.history.append(op)
        done = replace(await client.invoke(op), time=self.runtime.now())
        self.history.append(done)
        return done

    async def write(self, client: Client, value: Any) -> Op:
        """Write until it is known to be done: where the machine itself stands still for a moment, a leader is deposed,
        and a client's second may be over before the next one answers."""
        async with asyncio.timeout(20):
            while (done := await self.ask(client, "write", value)).type == "info":
                pass
            return done

    async def work(self, number: int, stop: asyncio.Event, keys: int = 3) -> None:
        """Random operations until told to stop; a process whose operation's outcome is unknown is succeeded by another,
        with a client of its own."""
        random, process = Random(number), number
        client = await self.client(number, process)
        while not stop.is_set():
            f = random.choice(["read", "write", "cas"])
            value = {"read": None, "write": random.randrange(5), "cas": [random.randrange(5), random.randrange(5)]}[f]
            done = await self.ask(client, f, value, random.randrange(keys), process)
            if done.type == "info":
                process += CLIENTS
                client = await self.client(number, process)
            await asyncio.sleep(random.uniform(0.001, 0.01))


@asynccontextmanager
async def raft_cluster(folder: Path, count: int) -> AsyncIterator[RaftCluster]:
    nodes = tuple(
        NodeSpec(f"n{i}", role, spec.program) for i in range(1, count + 1) for role, spec in SYSTEM.roles.items()
    )
    runtime = RealRuntime(seed=7)
    spec = ClusterSpec(nodes, {}, (), seed=7, clients=CLIENTS, client_timeout_ms=1000, folder=folder)
    cluster = LoopbackCluster(spec, runtime)
    try:
        await cluster.start(cluster.nodes)
        yield RaftCluster(cluster, runtime)
        ended = {node: cluster.exit_status(node) for node in cluster.nodes}
        assert not any(ended.values()), f"nodes that stopped by themselves: {ended}; see {folder}"
    finally:
        await cluster.down()
