"""What a statement of the conformance body works with: three nodes, clients, and questions to both."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, Final, TypeVar, cast

from harness.cluster import Cluster
from harness.cluster_faults import DiskFaults, LinkFaults
from harness.node import CallError, Message, Task
from harness.runtime import Runtime
from harness.system import ClientEnv

T = TypeVar("T")
Statement = Callable[["World"], Coroutine[Any, Any, None]]

NODES: Final = ("n1", "n2", "n3")
CLIENTS: Final = 3
OPTIONS: Final = {"color": "blue"}
BUGS: Final = ("planted",)
LINK_KINDS: Final = frozenset({"delay", "loss", "duplicate", "reorder", "corrupt", "bandwidth"})


class Lacking(Exception):
    """The cluster cannot do what a statement is about."""


@dataclass
class World:
    """A cluster whose nodes are up, whole and honest; ``folder`` is for what is fetched.

    ``slack_ms`` is how late a thing may be on this machine, ``settle_ms`` how long to wait for what must not come;
    ``token`` is the statement's own word; ``absorbed`` are the network faults that the cluster's transport hides from
    programs, as TCP hides duplicates.
    """

    cluster: Cluster
    runtime: Runtime
    folder: Path
    slack_ms: float
    settle_ms: float
    token: str
    absorbed: frozenset[str] = frozenset()
    _clients: dict[int, ClientEnv] = field(default_factory=dict)

    def needs(self, *capabilities: str) -> None:
        """Raises Lacking."""
        if missing := sorted(set(capabilities) - self.cluster.capabilities):
            raise Lacking(f"this cluster cannot do {', '.join(missing)}")

    def client(self, number: int = 0) -> ClientEnv:
        if number not in self._clients:
            self._clients[number] = self.cluster.client_env(number, f"c{number}")
        return self._clients[number]

    async def ask(self, node: str, kind: str, timeout_ms: float = 5000, client: int = 0, **fields: Any) -> Message:
        """What the node replies to a client."""
        return await self.client(client).call(node, {"type": kind, **fields}, timeout_ms)

    async def outcome(self, node: str, kind: str, timeout_ms: float = 5000, client: int = 0, **fields: Any) -> str:
        """ "reply", or the name of the error, of a client's call."""
        try:
            await self.ask(node, kind, timeout_ms, client, **fields)
        except CallError as error:
            return type(error).__name__
        return "reply"

    async def between(self, caller: str, to: str, kind: str, timeout_ms: float = 2000, **fields: Any) -> Message:
        """What became of a call from node to node: {"reply" or "error": ..., "took_ms": ...}."""
        return await self.ask(caller, "call", to=to, message={"type": kind, **fields}, within_ms=timeout_ms)

    async def reaches(self, caller: str, to: str) -> bool:
        return "reply" in await self.between(caller, to, "echo", timeout_ms=400)

    def begin(self, coroutine: Coroutine[Any, Any, T], name: str = "asking") -> Task[T]:
        return self.runtime.spawn(coroutine, name)

    async def restart(self, node: str) -> None:
        await self.cluster.kill([node])
        await self.cluster.start([node])

    async def notes(self, node: str) -> list[Any]:
        """[sender, value] of each note that this incarnation received, in order."""
        notes: list[Any] = (await self.ask(node, "recall"))["notes"]
        return notes

    async def values(self, node: str) -> list[Any]:
        return [value for _, value in await self.notes(node)]

    async def data(self, node: str, file: str) -> str | None:
        """The file's content, None if there is none."""
        data: str | None = (await self.ask(node, "read", file=file))["data"]
        return data

    async def settle(self) -> None:
        """Wait until what could still come would have come."""
        await self.runtime.sleep(self.settle_ms)

    async def eventually(self, check: Callable[[], Awaitable[bool]], within_ms: float = 5000) -> float:
        """Ask again and again until it holds; the milliseconds it took. AssertionError after ``within_ms``."""
        began_ns = self.runtime.now()
        while not await check():
            assert self.since_ms(began_ns) < within_ms, f"not so after {within_ms:g} ms"
            await self.runtime.sleep(20)
        return self.since_ms(began_ns)

    def since_ms(self, time_ns: int) -> float:
        return (self.runtime.now() - time_ns) / 1e6

    async def events(self, node: str) -> list[dict[str, Any]]:
        """What the node told so far, all incarnations."""
        fetched = await self.cluster.fetch_logs(self.folder)
        (path,) = (path for path in fetched[node] if path.name == "events.jsonl")
        return [json.loads(line) for line in path.read_text().splitlines()]

    async def counter(self, node: str, name: str) -> int:
        """One of the present incarnation's counters."""
        return (await self.cluster.observe()).counters[node].get(name, 0)

    async def incarnation(self, node: str) -> int:
        incarnation: int = (await self.ask(node, "about"))["incarnation"]
        return incarnation


async def make_whole(world: World) -> None:
    """Undo whatever a statement before may have left, and wait until everybody reaches everybody."""
    cluster = world.cluster
    await cluster.heal()
    await cluster.resume(NODES)
    if "disk-stall" in cluster.capabilities:
        await cast(DiskFaults, cluster).disk_heal(NODES)
    await cluster.start(NODES)
    await _restore_links(world)
    for node in NODES:  # a connection to the node as it was before ends only when it is used
        await world.eventually(partial(_answers, world, node))
    for node in NODES:
        for other in NODES:
            await world.eventually(partial(world.reaches, node, other))
    for node in NODES:
        await world.ask(node, "reset")


async def _answers(world: World, node: str) -> bool:
    return await world.outcome(node, "echo", timeout_ms=1000) == "reply"


async def _restore_links(world: World) -> None:
    cluster, kinds = cast(LinkFaults, world.cluster), world.cluster.capabilities & LINK_KINDS
    for kind in sorted(kinds | ({"slow-link"} if "delay" in kinds else set())):
        await cluster.restore(kind)
    if "slow-node" in world.cluster.capabilities:
        await cluster.unslow()


__all__ = ["BUGS", "CLIENTS", "NODES", "OPTIONS", "Lacking", "Statement", "World", "make_whole"]
