"""Clusters of a bundled system in the simulated world for tests: scenes that real time would make long and chancy."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from harness.cluster import ClusterSpec, NodeEvent
from harness.history import Op
from harness.node import CallError, Message
from harness.setup import node_specs
from harness.simulation.cluster import SimCluster, SimProvider
from harness.simulation.runtime import SimRuntime
from harness.system import System

LIMIT_S = 120.0
CLIENT_TIMEOUT_MS = 1000.0
Statuses = Mapping[str, Message]


@dataclass
class Scene:
    """A system that is ready, and somebody who asks its nodes."""

    system: System
    cluster: SimCluster
    runtime: SimRuntime
    options: Mapping[str, str]
    told: list[NodeEvent] = field(default_factory=list)
    asked: int = 0

    async def statuses(self) -> dict[str, Message]:
        answers = {node: await self.cluster.status(node, 10) for node in self.cluster.nodes}
        return {node: answer["program"] for node, answer in answers.items() if answer is not None and answer["serving"]}

    async def until(self, condition: Callable[[Statuses], bool], within_ms: float = 15_000) -> dict[str, Message]:
        deadline_ns = self.runtime.now() + within_ms * 1e6
        while not condition(statuses := await self.statuses()):
            assert self.runtime.now() < deadline_ns, f"not seen within {within_ms} ms; {statuses}"
            await self.runtime.sleep(20)
        return statuses

    async def leader(self, *out_of_the_game: str) -> str:
        """The leader, once there is one besides those."""

        def found(statuses: Statuses) -> str | None:
            rest = {node: status for node, status in statuses.items() if node not in out_of_the_game}
            return self.system.leader(rest)

        name = found(await self.until(lambda statuses: found(statuses) is not None))
        assert name is not None
        return name

    async def ready(self) -> None:
        await self.until(self.system.ready)

    async def call(self, node: str, f: str, value: Any = None, *, sequence: int | None = None) -> Message:
        """One request of a client of its own to one node; {"error": "silent"} if nothing comes back."""
        self.asked += sequence is None
        name = f"c{self.asked}" if sequence is None else "c"
        request = {"type": "request", "client": name, "sequence": sequence or 1, "f": f, "key": "x", "value": value}
        try:
            return await self.cluster.client_env(0, name).call(node, request, CLIENT_TIMEOUT_MS)
        except CallError:
            return {"error": "silent"}

    async def ask(self, f: str, value: Any = None) -> Op:
        """One operation by the system's own client, at whichever node it finds."""
        self.asked += 1
        client = self.system.client(self.cluster.client_env(0, f"c{self.asked}"), self.options)
        await client.open(self.cluster.nodes[0])
        return await client.invoke(Op("invoke", 0, f, value, key="x"))

    async def dumps(self) -> dict[str, Any]:
        """What each node that answers holds under the key."""
        answers = {node: await self.call(node, "dump") for node in self.cluster.nodes}
        return {node: answer["value"]["state"].get('"x"') for node, answer in answers.items() if "value" in answer}

    def events(self, name: str) -> list[tuple[str, Mapping[str, Any]]]:
        """(node, fields) of what nodes told, in order."""
        return [(event.node, event.fields) for event in self.told if (event.kind, event.name) == ("event", name)]

    def apart(self, *nodes: str) -> dict[str, list[str]]:
        """The drops of a partition of those nodes from the others; clients reach both sides."""
        others = [node for node in self.cluster.nodes if node not in nodes]
        return {**dict.fromkeys(nodes, others), **{node: list(nodes) for node in others}}


def play(
    system: System, scenario: Callable[[Scene], Awaitable[None]], *bugs: str, nodes: int = 5, seed: int = 1,
    stops: bool = False, **options: str,
) -> Scene:  # fmt: skip
    """Run a scenario on a system that is ready; ``stops`` if nodes may stop by themselves. Gives what was left."""
    chosen = {name: option.default for name, option in system.options.items()} | options
    specs = node_specs(system, nodes)
    runtime, provider = SimRuntime(seed), SimProvider(rare=False)

    async def run() -> Scene:
        spec = ClusterSpec(specs, chosen, bugs, seed, 1, CLIENT_TIMEOUT_MS, Path())
        scene = Scene(system, await provider.create(spec, runtime), runtime, chosen)
        scene.cluster.watch(scene.told.append)
        await scene.cluster.start(scene.cluster.nodes)
        await scene.ready()
        await scenario(scene)
        assert not [*scene.events("assertion"), *scene.events("crash")]
        assert stops or not scene.events("disk-failure")
        await scene.cluster.down()
        assert not scene.cluster.world.violations
        return scene

    return runtime.run(run(), LIMIT_S)
