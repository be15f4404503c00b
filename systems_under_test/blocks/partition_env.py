"""One partition's view of the node it shares with others: messages, files and random draws of its own
(Kleppmann, "Designing Data-Intensive Applications", ch. 6, "Partitioning and Replication").

Each partition is a whole replicated system that knows nothing of the others: what it sends carries the partition's
number, so that the same partition's program on the other node gets it. Only the machine, its links and its clocks are
shared. The nodes come in an order of the partition's own, so that not all partitions begin with the same leader.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Coroutine, Sequence
from typing import Any, TypeVar

from harness.node import CallError, Clock, Disk, Env, Future, Message, Task

T = TypeVar("T")


class PartitionDisk:
    """The files in one folder of a disk (:class:`harness.node.Disk`)."""

    def __init__(self, disk: Disk, folder: str) -> None:
        self._disk, self._folder = disk, folder

    def exists(self, file: str) -> bool:
        return self._disk.exists(self._folder + file)

    def list(self, prefix: str = "") -> Sequence[str]:
        return [name[len(self._folder) :] for name in self._disk.list(self._folder + prefix)]

    def size(self, file: str) -> int:
        return self._disk.size(self._folder + file)

    def read(self, file: str, offset: int = 0, length: int | None = None) -> bytes:
        return self._disk.read(self._folder + file, offset, length)

    def append(self, file: str, data: bytes) -> None:
        self._disk.append(self._folder + file, data)

    def write(self, file: str, data: bytes) -> None:
        self._disk.write(self._folder + file, data)

    def truncate(self, file: str, length: int) -> None:
        self._disk.truncate(self._folder + file, length)

    def rename(self, old: str, new: str) -> None:
        self._disk.rename(self._folder + old, self._folder + new)

    def delete(self, file: str) -> None:
        self._disk.delete(self._folder + file)

    async def sync(self, file: str) -> None:
        await self._disk.sync(self._folder + file)

    async def sync_dir(self) -> None:
        await self._disk.sync_dir()


class PartitionEnv:
    """An :class:`harness.node.Env` within another; ``partition`` counts from 0."""

    def __init__(self, env: Env, partition: int) -> None:
        self._env, self._partition = env, partition
        first = partition % len(env.nodes)
        self.name, self.role, self.incarnation, self.build = env.name, env.role, env.incarnation, env.build
        self.nodes: tuple[str, ...] = env.nodes[first:] + env.nodes[:first]
        self.peers: tuple[str, ...] = env.peers
        self.clock: Clock = env.clock
        self.disk: Disk = PartitionDisk(env.disk, f"partition-{partition}/")

    def _labelled(self, message: Message) -> Message:
        return {**message, "partition": self._partition}

    def send(self, to: str, message: Message) -> None:
        self._env.send(to, self._labelled(message))

    async def call(self, to: str, message: Message, timeout_ms: float) -> Message:
        return await self._env.call(to, self._labelled(message), timeout_ms)

    def quorum(
        self, peers: Sequence[str], message: Message, timeout_ms: float
    ) -> AsyncIterator[tuple[str, Message | CallError]]:
        return self._env.quorum(peers, self._labelled(message), timeout_ms)

    def spawn(self, coroutine: Coroutine[Any, Any, T], name: str) -> Task[T]:
        return self._env.spawn(coroutine, f"partition-{self._partition}-{name}")

    async def sleep(self, ms: float) -> None:
        await self._env.sleep(ms)

    def future(self) -> Future[Any]:
        return self._env.future()

    def random(self, stream: str) -> Any:
        return self._env.random(f"partition-{self._partition}-{stream}")

    def hmac(self, message: bytes) -> bytes:
        return self._env.hmac(message)

    def hmac_valid(self, node: str, message: bytes, code: bytes) -> bool:
        return self._env.hmac_valid(node, message, code)

    async def work(self, ms: float) -> None:
        await self._env.work(ms)

    def event(self, name: str, **fields: Any) -> None:
        self._env.event(name, **fields, partition=self._partition)

    def count(self, name: str, by: int = 1) -> None:
        self._env.count(name, by)

    def gauge(self, name: str, value: float) -> None:
        self._env.gauge(name, value)

    def sometimes(self, name: str) -> bool:
        return self._env.sometimes(name)

    async def failpoint(self, name: str) -> None:
        await self._env.failpoint(name)

    def bug(self, name: str) -> bool:
        return self._env.bug(name)

    def log(self, text: str) -> None:
        self._env.log(f"partition {self._partition}: {text}")
