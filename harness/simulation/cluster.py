"""The simulated cluster, and the provider ``sim`` that makes it: here everything can be broken."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from harness.cluster import ClusterError, ClusterSpec, Finding, NodeEvent, Observation
from harness.cluster_faults import Link, checked_share
from harness.node import Future, Message
from harness.simulation.client import SimClient
from harness.simulation.node import NEW, OLD, SimNode
from harness.simulation.runtime import SimRuntime
from harness.simulation.scheduler import PAUSED
from harness.simulation.world import World
from harness.trace import Trace

CAPABILITIES: Final = frozenset({"partition", "kill", "pause", "delay", "loss", "duplicate", "reorder", "slow-node",
                                 "power-loss", "disk-full", "eio", "bit-flip", "disk-stall", "read-only",
                                 "slow-fsync", "snapshot", "clock", "drift", "events", "stop", "power-off",
                                 "upgrade", "memory", "cpu", "fds", "corrupt", "bandwidth",
                                 "membership"})  # fmt: skip
START_MS_MAX: Final = 15_000
POLL_MS: Final = 5
MID_WRITE_MS_MAX: Final = 1000


class SimCluster:
    """See :class:`harness.cluster.Cluster`, and there the protocols of its capabilities."""

    capabilities = CAPABILITIES

    def __init__(self, spec: ClusterSpec, runtime: SimRuntime, world: World) -> None:
        self._spec, self._runtime, self.world = spec, runtime, world
        roles = {node.name: node.role for node in spec.nodes}
        self._nodes = {
            node.name: SimNode(
                world, node, tuple(n for n in roles if roles[n] == node.role and n != node.name), spec.options
            )
            for node in spec.nodes
        }
        world.nodes = self._nodes

    @property
    def nodes(self) -> tuple[str, ...]:
        return tuple(self._nodes)

    @property
    def roles(self) -> Mapping[str, str]:
        return {name: node.role for name, node in self._nodes.items()}

    async def start(self, nodes: Sequence[str]) -> None:
        started = [self._nodes[name] for name in nodes if not self._nodes[name].running]
        for node in started:
            node.start()
        deadline_ns = self._runtime.now() + START_MS_MAX * 1_000_000
        while waiting := [node for node in started if node.running and not node.serving]:
            if self._runtime.now() > deadline_ns:
                raise ClusterError(f"{waiting[0].name} did not serve within {START_MS_MAX / 1000:g} s")
            await self._runtime.sleep(POLL_MS)
        if stopped := [node.name for node in started if not node.running]:
            raise ClusterError(f"{', '.join(stopped)} ended while starting; the log of the node says why")

    async def kill(self, nodes: Sequence[str]) -> None:
        for name in nodes:
            self._nodes[name].kill()

    async def pause(self, nodes: Sequence[str]) -> None:
        for name in nodes:
            if (env := self._nodes[name].env) is not None:
                self.world.scheduler.pause(env.lane)
                self.world.tell("pause", name)

    async def resume(self, nodes: Sequence[str]) -> None:
        for name in nodes:
            if (env := self._nodes[name].env) is not None and env.lane.state == PAUSED:
                self.world.tell("resume", name)
                self.world.scheduler.resume(env.lane)

    async def partition(self, drops: Mapping[str, Sequence[str]]) -> None:
        self.world.network.partition(drops)

    async def heal(self) -> None:
        self.world.network.partition({})

    async def degrade(self, kind: str, links: Sequence[Link], amount: Mapping[str, float]) -> None:
        self.world.network.degrade(kind, links, amount)

    async def degrade_each(self, kind: str, amounts: Mapping[Link, Mapping[str, float]]) -> None:
        self.world.network.degrade_each(kind, amounts)

    async def restore(self, kind: str) -> None:
        self.world.network.restore(kind)

    async def stop(self, nodes: Sequence[str]) -> None:
        for name in nodes:
            self._nodes[name].stop()

    async def power_off(self, nodes: Sequence[str]) -> None:
        await self.power_loss(nodes, torn=False, reordered=False, keep="none")

    async def install(self, nodes: Sequence[str], build: str) -> None:
        if build not in (OLD, NEW):
            raise ValueError(f"read the build {build!r}; expected {OLD} or {NEW}")
        for name in nodes:
            self._nodes[name].build = build

    async def limit_memory(self, nodes: Sequence[str], limit_bytes: int) -> None:
        for name in nodes:
            self._nodes[name].resources.limit_memory(limit_bytes)

    async def limit_cpu(self, nodes: Sequence[str], share: float) -> None:
        for name in nodes:
            self._nodes[name].resources.share = checked_share(share)

    async def limit_fds(self, nodes: Sequence[str], spare: int) -> None:
        for name in nodes:
            self._nodes[name].limit_fds(spare)

    async def unlimit(self, nodes: Sequence[str]) -> None:
        for name in nodes:
            self._nodes[name].resources.unlimit()

    async def slow(self, nodes: Sequence[str], factor: float, delay_ms: float) -> None:
        for name in nodes:
            node = self._nodes[name]
            node.slowness, node.delay_ms = factor, delay_ms
            node.disk.set_slow(factor)

    async def unslow(self) -> None:
        await self.slow(self.nodes, 1.0, 0.0)

    async def power_loss(
        self, nodes: Sequence[str], *, torn: bool, reordered: bool, keep: str = "some"
    ) -> Mapping[str, Mapping[str, int]]:
        await self._until_writing(nodes, MID_WRITE_MS_MAX if torn else 0)
        return {name: self._nodes[name].power_loss(torn=torn, reordered=reordered, keep=keep) for name in nodes}

    async def _until_writing(self, nodes: Sequence[str], wait_ms: int) -> None:
        """Return in the middle of a write, if there is one within that time."""
        for _ in range(wait_ms):
            if any(self._nodes[name].disk.unsynced_bytes for name in nodes):
                return
            await self._runtime.sleep(1)

    async def disk_full(self, nodes: Sequence[str]) -> None:
        for name in nodes:
            self._nodes[name].disk.set_full(True)

    async def disk_eio(self, nodes: Sequence[str], probability: float) -> float:
        for name in nodes:
            self._nodes[name].disk.set_eio(probability)
        return probability

    async def disk_flip(self, nodes: Sequence[str], bits: int, files: str = "") -> Mapping[str, Mapping[str, Any]]:
        time = self._runtime.now()
        return {name: {"flips": self._nodes[name].disk.flip(bits, files, f"flip/{time}")} for name in nodes}

    async def disk_read_only(self, nodes: Sequence[str]) -> None:
        for name in nodes:
            self._nodes[name].disk.set_read_only(True)

    async def disk_stall(self, nodes: Sequence[str]) -> None:
        for name in nodes:
            self._nodes[name].disk.set_stalled(True)

    async def disk_slow(self, nodes: Sequence[str], delay_ms: float) -> None:
        for name in nodes:
            self._nodes[name].disk.set_sync_delay(delay_ms)

    async def disk_truncate(self, nodes: Sequence[str], size_bytes: int) -> Mapping[str, Mapping[str, Any]]:
        stream = f"truncate/{self._runtime.now()}"
        return {name: {"cut": self._nodes[name].disk.truncate(size_bytes, stream)} for name in nodes}

    async def disk_copy_chunk(self, nodes: Sequence[str], size_bytes: int) -> Mapping[str, Mapping[str, Any]]:
        stream = f"chunk-copy/{self._runtime.now()}"
        return {name: {"copied": self._nodes[name].disk.copy_chunk(size_bytes, stream)} for name in nodes}

    async def disk_save(self, nodes: Sequence[str]) -> None:
        for name in nodes:
            self._nodes[name].disk.save()

    async def disk_load(self, nodes: Sequence[str]) -> Mapping[str, Mapping[str, int]]:
        return {name: {"bytes": self._nodes[name].disk.load()} for name in nodes}

    async def disk_wipe(self, nodes: Sequence[str]) -> Mapping[str, Mapping[str, int]]:
        lost = {name: self._nodes[name].disk.wipe() for name in nodes}
        return {name: {"bytes": size, "files": files} for name, (size, files) in lost.items()}

    async def disk_heal(self, nodes: Sequence[str]) -> None:
        for name in nodes:
            disk = self._nodes[name].disk
            disk.set_full(False)
            disk.set_read_only(False)
            disk.set_eio(0.0)
            disk.set_sync_delay(0.0)
            disk.set_stalled(False)

    async def clock_bend(self, nodes: Sequence[str], kind: str, amount: Mapping[str, float]) -> None:
        for name in nodes:
            self._nodes[name].clock.bend(kind, amount)

    async def clock_unbend(self, nodes: Sequence[str]) -> None:
        for name in nodes:
            self._nodes[name].clock.unbend()

    async def drift(self, nodes: Sequence[str], factor: float) -> None:
        for name in nodes:
            self._nodes[name].drift(factor)

    async def undrift(self, nodes: Sequence[str]) -> None:
        await self.drift(nodes, 1)

    async def clock_offsets(self, nodes: Sequence[str]) -> Mapping[str, float]:
        """By how much a bend puts each off; that they are never exactly equal is left out."""
        return {name: self._nodes[name].clock.offset_ms for name in nodes if self._nodes[name].running}

    def watch(self, notify: Callable[[NodeEvent], None], logs: Collection[str] = ()) -> None:
        self.world.watchers.append(notify)
        self.world.log_texts = tuple(dict.fromkeys((*self.world.log_texts, *logs)))

    async def status(self, node: str, timeout_ms: float = 1000) -> Message | None:
        found = self._nodes[node]
        if not found.running:
            return None
        if found.paused:
            await self._runtime.sleep(timeout_ms)
            return None
        return found.status()

    async def ask(self, node: str, message: Message, timeout_ms: float = 1000) -> Message | None:
        answer: Future[Message] = self._runtime.future()
        self._nodes[node].ask(message, answer)
        try:
            return await self._runtime.within(timeout_ms, answer)
        except TimeoutError:
            return None

    async def observe(self) -> Observation:
        """Takes no virtual time."""
        answering = {name: node for name, node in self._nodes.items() if node.running and not node.paused}
        return Observation(
            time_ns=self._runtime.now(),
            dropped=dict(self.world.network.dropped),
            counters={name: dict(node.env.counters) for name, node in answering.items() if node.env is not None},
            incarnations={name: node.incarnation for name, node in answering.items()},
            unanswered=tuple(name for name in self._nodes if name not in answering),
            met={name: {**self.world.network.met[name], **node.disk.met} for name, node in self._nodes.items()},
        )

    def entry(self, node: str) -> str:
        return ""

    def client_env(self, client: int, name: str) -> SimClient:
        assert 0 <= client < self._spec.clients, f"client endpoint {client} of {self._spec.clients}"
        return SimClient(self.world, self._runtime, name, self._spec.client_timeout_ms, self._spec.regions)

    async def fetch_logs(self, folder: Path) -> Mapping[str, Sequence[Path]]:
        """Write what the nodes told; the files are those of real nodes."""
        written: dict[str, Sequence[Path]] = {}
        for name, node in self._nodes.items():
            (folder / name).mkdir(parents=True, exist_ok=True)
            log, events = folder / name / "node.log", folder / name / "events.jsonl"
            log.write_text("".join(line + "\n" for line in node.lines), encoding="utf-8", errors="backslashreplace")
            events.write_text("".join(json.dumps(event, separators=(",", ":")) + "\n" for event in node.events))
            written[name] = (log, events)
        return written

    async def down(self) -> None:
        """End all nodes; their coroutines are closed, so that rules broken at the end are seen too."""
        for node in self._nodes.values():
            if node.env is not None:
                node.silent = True
                node.power_loss(torn=False, reordered=False, keep="some")


class SimProvider:
    """Makes simulated clusters on a :class:`SimRuntime`. ``trace``, if given, is told everything; ``rare`` opens rare
    branches; ``keeps_logs`` keeps the nodes' log lines. ``cluster`` is the last one made."""

    name = "sim"
    summary = "simulated nodes in this process, in virtual time, from one seed; needs nothing of the machine"

    def __init__(self, *, trace: Trace | None = None, rare: bool = True, keeps_logs: bool = True) -> None:
        self._trace, self._rare, self._keeps_logs = trace, rare, keeps_logs
        self.cluster: SimCluster | None = None

    @property
    def capabilities(self) -> frozenset[str]:
        return CAPABILITIES

    def examine(self) -> Sequence[Finding]:
        return ()

    def living(self) -> Sequence[str]:
        return ()

    def remove_leftovers(self) -> Sequence[str]:
        return ()

    async def create(self, spec: ClusterSpec, runtime: Any) -> SimCluster:
        assert isinstance(runtime, SimRuntime), "a simulated cluster lives in virtual time"
        names = tuple(node.name for node in spec.nodes)
        world = World(runtime.scheduler, spec.seed, names, spec.bugs, rare=self._rare, trace=self._trace,
                      keeps_logs=self._keeps_logs)  # fmt: skip
        self.cluster = SimCluster(spec, runtime, world)
        return self.cluster


PROVIDER: Final = SimProvider()
