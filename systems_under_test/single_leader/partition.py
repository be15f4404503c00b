"""Data split into partitions, each with a leader, a log and followers of its own
(Kleppmann, "Designing Data-Intensive Applications", ch. 6, "Partitioning and Replication").

Within a partition writes come in one order. There is none between partitions: how far each has come on a node, only the
network knows (ch. 5, "Consistent Prefix Reads").
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from harness.history import Op
from harness.node import Env, Message
from harness.system import Client, ClientEnv

from systems_under_test.blocks.key_value_client import DUMP, KeyValueClient
from systems_under_test.blocks.partition_env import PartitionEnv
from systems_under_test.single_leader.node import Node
from systems_under_test.single_leader.session import read_policies


def partition_of(key: Any, partitions: int) -> int:
    """By the sum of the key's bytes: a poor hash that sends "questions-7" and "replies-7" to different ones of two."""
    return sum(str(key).encode()) % partitions


def by_partition(statuses: Mapping[str, Message]) -> Sequence[Mapping[str, Message]]:
    """The statuses of all nodes, partition by partition."""
    split = {name: status.get("partitions", [status]) for name, status in statuses.items()}
    count = max(map(len, split.values()), default=0)
    return [{name: parts[partition] for name, parts in split.items()} for partition in range(count)] or [{}]


class Partitioned:
    """:class:`harness.node.Program`: the programs of all partitions on one node; with one partition, just that."""

    def __init__(self, env: Env, options: Mapping[str, str]) -> None:
        partitions = int(options["partitions"])
        views = [env] if partitions == 1 else [PartitionEnv(env, partition) for partition in range(partitions)]
        self._nodes = [Node(view, options) for view in views]

    async def start(self) -> None:
        for node in self._nodes:
            await node.start()

    async def handle(self, source: str, message: Message) -> Message | None:
        if message.get("f") == DUMP and len(self._nodes) > 1:
            return await self._dump(source, message)
        return await self._nodes[message.get("partition", 0)].handle(source, message)

    async def _dump(self, source: str, message: Message) -> Message:
        """What all partitions hold: no key is in two of them."""
        state: dict[str, Any] = {}
        applied = 0
        for node in self._nodes:
            reply = await node.handle(source, message)
            if reply is None or "value" not in reply:
                return {"error": "unavailable"}
            state |= reply["value"]["state"]
            applied += reply["value"]["applied"]
        return {"value": {"state": state, "applied": applied}}

    def status(self) -> Message:
        """The first partition's, with those of all under ``partitions`` if there are several."""
        statuses = [node.status() for node in self._nodes]
        return statuses[0] if len(statuses) == 1 else {**statuses[0], "partitions": statuses}


class _PartitionClientEnv:
    """A :class:`harness.system.ClientEnv` whose requests name the partition."""

    def __init__(self, env: ClientEnv, partition: int) -> None:
        self._env, self._partition = env, partition
        self.name, self.nodes, self.timeout_ms = env.name, env.nodes, env.timeout_ms
        self.random, self.regions, self.addresses, self.dial = env.random, env.regions, env.addresses, env.dial

    def now(self) -> int:
        return self._env.now()

    async def call(self, node: str, message: Message, timeout_ms: float) -> Message:
        return await self._env.call(node, {**message, "partition": self._partition}, timeout_ms)

    async def sleep(self, ms: float) -> None:
        await self._env.sleep(ms)


class PartitionedClient:
    """One process's client (:class:`harness.system.Client`): it knows which partition has a key, and keeps apart what
    it knows of each, its leader above all."""

    def __init__(self, env: ClientEnv, options: Mapping[str, str]) -> None:
        views = [_PartitionClientEnv(env, partition) for partition in range(int(options["partitions"]))]
        policies = read_policies(env, options, len(views))
        self._clients = [KeyValueClient(view, options, policy) for view, policy in zip(views, policies, strict=True)]

    async def open(self, node: str) -> None:
        for client in self._clients:
            await client.open(node)

    async def close(self) -> None:
        for client in self._clients:
            await client.close()

    async def invoke(self, op: Op) -> Op:
        return await self._clients[partition_of(op.key, len(self._clients))].invoke(op)


def client(env: ClientEnv, options: Mapping[str, str]) -> Client:
    """A client of ``single-leader``: one session, or one device of a session."""
    if options["partitions"] == "1":
        return KeyValueClient(env, options, *read_policies(env, options, 1))
    return PartitionedClient(env, options)
