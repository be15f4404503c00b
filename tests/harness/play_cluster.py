"""A cluster of nothing for the runner's tests: one dictionary, that can be made to fail in every way that matters."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from harness.cluster import ClusterSpec, Finding, NodeEvent, Observation, ShellError
from harness.fault import Action, Effect, FaultSpec
from harness.history import Op
from harness.node import Message
from harness.runtime import Runtime
from harness.system import ClientEnv, Option, Role, System


@dataclass
class PlayCluster:
    """``down_count`` and ``log`` tell what was done to it; the other fields make it misbehave."""

    spec: ClusterSpec
    runtime: Runtime
    never_ready: bool = False
    fetch_fails: bool = False
    unfetched: str = ""
    dead_after_heal: bool = False
    events: str = ""
    cut: bool = False
    was_cut: bool = False
    down_count: int = 0
    log: list[str] = field(default_factory=list)
    data: set[int] = field(default_factory=set)
    capabilities: frozenset[str] = frozenset({"cut"})
    tells: Sequence[tuple[float, str, str]] = ()  # ms from when it is watched, node, event

    @property
    def nodes(self) -> tuple[str, ...]:
        return tuple(node.name for node in self.spec.nodes)

    @property
    def roles(self) -> Mapping[str, str]:
        return {node.name: node.role for node in self.spec.nodes}

    async def start(self, nodes: Sequence[str]) -> None:
        self.log.append("start")

    async def kill(self, nodes: Sequence[str]) -> None:
        self.log.append(f"kill {' '.join(nodes)}")

    def watch(self, notify: Callable[[NodeEvent], None]) -> None:
        for ms, node, name in self.tells:
            self.runtime.spawn(self._tell(notify, ms, NodeEvent("event", node, 1, name, {})), "tell")

    async def _tell(self, notify: Callable[[NodeEvent], None], ms: float, event: NodeEvent) -> None:
        await self.runtime.sleep(ms)
        notify(event)

    async def pause(self, nodes: Sequence[str]) -> None: ...
    async def resume(self, nodes: Sequence[str]) -> None: ...
    async def heal(self) -> None: ...

    async def partition(self, drops: Mapping[str, Sequence[str]]) -> None:
        self.cut, self.was_cut = bool(drops), True

    async def status(self, node: str, timeout_ms: float = 1000) -> Message | None:
        return {"leader": None if self.never_ready else "n1"}

    async def observe(self) -> Observation:
        return Observation(self.runtime.now(), {}, {}, {})

    def client_env(self, client: int, name: str) -> ClientEnv:
        return self  # type: ignore[return-value]

    def entry(self, node: str) -> str:
        return ""

    async def fetch_logs(self, folder: Path) -> Mapping[str, Sequence[Path]]:
        self.log.append("logs")
        if self.fetch_fails:
            raise ShellError("n1: no answer")
        for node in self.nodes:
            (folder / node).mkdir(parents=True)
            if node == self.unfetched:  # as a remote cluster does: the others' logs are worth having
                (folder / node / "not-fetched.txt").write_text("no answer\n")
                continue
            (folder / node / "node.log").write_text(f"I am {node}\n")
            (folder / node / "events.jsonl").write_text(self.events if node == "n1" else "")
        return {}

    async def down(self) -> None:
        self.down_count += 1
        self.log.append("down")


@dataclass
class PlayClient:
    """Adds to and reads the dictionary; silent while the cluster is cut."""

    cluster: PlayCluster

    async def open(self, node: str) -> None: ...
    async def close(self) -> None: ...

    async def invoke(self, op: Op) -> Op:
        cluster = self.cluster
        await cluster.runtime.sleep(3)
        while cluster.cut or (cluster.dead_after_heal and cluster.was_cut):
            await cluster.runtime.sleep(100)
        if op.f == "add":
            cluster.data.add(op.value)
            return replace(op, type="ok")
        return replace(op, type="ok", value=sorted(cluster.data))


class Cut:
    """A fault: nobody is answered."""

    name = "cut"
    summary = "no answers"
    needs = frozenset({"cut"})
    shapes: Mapping[str, str] = {}

    def __init__(self, bites: bool = True, heals: bool = True) -> None:
        self.bites, self.heals = bites, heals

    def choose(self, spec: FaultSpec, turn: int, nodes: tuple[str, ...], random: Any) -> Action:
        return {}

    async def apply(self, cluster: Any, action: Action) -> Mapping[str, Any]:
        await cluster.partition({"n1": ["n2"]})
        return {"nodes": ["n1"]}

    async def heal(self, cluster: Any, action: Action) -> Mapping[str, Any]:
        if not self.heals:
            raise ShellError("the node does not obey")
        await cluster.partition({})
        return {}

    def effect(self, done: Mapping[str, Any], quiet: Any, window: Any) -> Effect:
        return Effect(self.bites, {"silence": 1.0}, "nobody was answered", absent_outside=True)


class PlayProvider:
    """Makes one :class:`PlayCluster`, with the given misbehaviour."""

    name = "play"
    summary = "nothing"

    def __init__(self, **misbehaviour: Any) -> None:
        self.misbehaviour = misbehaviour
        self.cluster: PlayCluster | None = None

    def examine(self) -> Sequence[Finding]:
        return ()

    def remove_leftovers(self) -> Sequence[str]:
        return ()

    async def create(self, spec: ClusterSpec, runtime: Any) -> PlayCluster:
        self.cluster = PlayCluster(spec, runtime, **self.misbehaviour)
        return self.cluster


def play_system(**changes: Any) -> System:
    system = System(
        name="play",
        summary="a dictionary",
        operations=frozenset({"add", "read"}),
        roles={"server": Role("play:Server")},
        client=lambda env, options: PlayClient(env),  # type: ignore[arg-type]
        workloads=("set",),
        ready=lambda statuses: all(status["leader"] for status in statuses.values()),
        leader=lambda statuses: "n1",
        options={"mode": Option("fast", ("fast", "safe"), "how"), "size": Option("3", None, "how many")},
    )
    return replace(system, **changes)
