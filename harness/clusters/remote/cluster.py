"""A cluster of nodes reached over SSH: the ``Cluster`` verbs, done on all named nodes at once, for every provider.

What differs between providers is behind ``Site``; what can be broken besides the network and the processes is a
``Part`` per family. Nothing here knows whether a node is a namespace, a container or a machine.
"""

from __future__ import annotations

import asyncio
import secrets
from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, Final

from harness.client_endpoint import ClientEndpoint
from harness.cluster import ClusterSpec, NodeEvent, Observation, ShellError
from harness.cluster_faults import CLIENTS, OUT_OF_REACH, PAUSE
from harness.clusters.node_events import ANSWER_MS_MAX, follow
from harness.clusters.remote import node as remote_node
from harness.clusters.remote.artifact import RemoteCapture, fetch_data
from harness.clusters.remote.clocks import RemoteClocks
from harness.clusters.remote.disks import RemoteDisks
from harness.clusters.remote.limits import RemoteLimits
from harness.clusters.remote.links import RemoteLinks
from harness.clusters.remote.machines import RemoteMachines
from harness.clusters.remote.node import RemoteNode
from harness.clusters.remote.nodes import Nodes, Part
from harness.clusters.remote.site import Place, Site
from harness.clusters.remote.ssh import SshShell
from harness.node import Message, Task
from harness.runtime import Runtime
from harness.system import ClientEnv

COMMON: Final = frozenset({"partition", "kill", "pause", "events", "membership"})
"""What is done over SSH alone, and so works wherever a cluster stands."""

OBSERVE_TIMEOUT_S: Final = 1.0
NOT_FETCHED: Final = "not-fetched.txt"


class RemoteCluster:
    """See :class:`harness.cluster.Cluster`. Belongs to the event loop in which it is used."""

    def __init__(self, spec: ClusterSpec, runtime: Runtime, places: Sequence[Place], site: Site) -> None:
        self._spec, self._runtime, self._site = spec, runtime, site
        self._nodes = nodes = Nodes(spec, runtime, places, site)
        self._links, self._disks, self._clocks = RemoteLinks(nodes), RemoteDisks(nodes), RemoteClocks(nodes)
        self.degrade, self.degrade_each = self._links.degrade, self._links.degrade_each
        self.restore, self.slow, self.unslow = self._links.restore, self._links.slow, self._links.unslow
        self.power_loss, self.disk_heal = self._disks.power_loss, self._disks.disk_heal
        self.disk_full, self.disk_read_only, self.disk_eio = (
            self._disks.disk_full, self._disks.disk_read_only, self._disks.disk_eio
        )  # fmt: skip
        self.disk_stall, self.disk_slow, self.disk_wipe = (
            self._disks.disk_stall, self._disks.disk_slow, self._disks.disk_wipe
        )  # fmt: skip
        self.disk_flip, self.disk_truncate, self.disk_copy_chunk = (
            self._disks.disk_flip, self._disks.disk_truncate, self._disks.disk_copy_chunk
        )  # fmt: skip
        self.disk_save, self.disk_load = self._disks.disk_save, self._disks.disk_load
        self._machines, self._limits = RemoteMachines(nodes), RemoteLimits(nodes)
        self.stop, self.power_off, self.install = self._machines.stop, self._machines.power_off, self._machines.install
        self.limit_memory, self.limit_cpu = self._limits.limit_memory, self._limits.limit_cpu
        self.limit_fds, self.unlimit = self._limits.limit_fds, self._limits.unlimit
        self.clock_bend, self.clock_unbend = self._clocks.clock_bend, self._clocks.clock_unbend
        self.clock_offsets = self._clocks.clock_offsets
        self._parts: tuple[Part, ...] = (self._machines, self._links, self._disks, self._clocks, self._limits)
        if spec.capture:
            self._parts += (RemoteCapture(nodes),)
        self._blocked: Mapping[str, Sequence[str]] = {}
        self._mute: frozenset[str] = frozenset()
        self._dropped = dict.fromkeys(nodes.names, 0)
        self._waited: Counter[str] = Counter()  # node -> connections that had waited for it when it was resumed
        self._dialled: Counter[str] = Counter()  # what clients that dial have met
        self._clients: dict[int, ClientEndpoint] = {}
        self._watching: list[Task[None]] = []

    @property
    def nodes(self) -> tuple[str, ...]:
        return self._nodes.names

    @property
    def roles(self) -> Mapping[str, str]:
        return {name: place.spec.role for name, place in self._nodes.places.items()}

    @property
    def capabilities(self) -> frozenset[str]:
        found = self._site.capabilities.union(COMMON, *(part.capabilities for part in self._parts))
        return found - OUT_OF_REACH.keys() if self._spec.keepers else found

    def shell(self, node: str) -> SshShell:
        """Commands and files on one node, for what the verbs below do not cover."""
        return self._nodes[node].shell

    def entry(self, node: str) -> str:
        """The command that gives a person a shell on the node while the harness runs."""
        return self._site.entry(self._nodes.index(node))

    async def deploy(self, program: Path) -> None:
        """Bring program and configuration to all nodes. Once, before the first start."""
        key = secrets.token_hex(32)
        await self._nodes.each(self.nodes, lambda node: node.deploy(program, self._config(node.name, key)))
        await self._nodes.each(self.nodes, lambda node: node.put(self._spec.files))
        await self._booted(self.nodes)

    async def start(self, nodes: Sequence[str]) -> None:
        woken = await self._machines.turn_on(nodes)
        await self._booted(woken)
        for part in self._parts:
            await part.starting(nodes)
        await self._nodes.each(nodes, RemoteNode.start)
        self._nodes.silent.difference_update(nodes)
        for part in self._parts:
            await part.started(nodes)

    async def _booted(self, nodes: Sequence[str]) -> None:
        if nodes:
            await self._nodes.each(nodes, RemoteNode.boot)
            await self._nodes.each((node for node in nodes if node in self._blocked or node in self._mute), self._block)
            for part in self._parts:
                await part.booted(nodes)

    async def kill(self, nodes: Sequence[str]) -> None:
        self._nodes.silent.update(nodes)
        await self._nodes.each(nodes, RemoteNode.kill)

    async def pause(self, nodes: Sequence[str]) -> None:
        self._nodes.silent.update(nodes)
        await self._nodes.each(nodes, RemoteNode.pause)

    async def resume(self, nodes: Sequence[str]) -> None:
        resumed = await self._nodes.each(nodes, _resume)
        self._nodes.silent.difference_update(node for node, state, _ in resumed if state != "gone")
        self._waited.update({node: waiting for node, _, waiting in resumed})

    async def partition(self, drops: Mapping[str, Sequence[str]]) -> None:
        heard = {name: senders for name, senders in drops.items() if name != CLIENTS}
        self._blocked = {self._nodes[name].name: self._nodes.addresses(senders) for name, senders in heard.items()}
        self._mute = frozenset(self._nodes[name].name for name in drops.get(CLIENTS, ()))
        await self._nodes.each(self.nodes, self._block)

    async def _block(self, node: RemoteNode) -> None:
        untold = self._nodes.addresses([CLIENTS]) if node.name in self._mute else ()
        await node.block(self._blocked.get(node.name, ()), untold)

    async def heal(self) -> None:
        await self.partition({})

    async def status(self, node: str, timeout_ms: float = 1000) -> Message | None:
        return None if node in self._nodes.silent else await self._nodes[node].status(timeout_ms)

    async def ask(self, node: str, message: Message, timeout_ms: float = 1000) -> Message | None:
        question = {"type": "ask", "message": message}
        return None if node in self._nodes.silent else await self._nodes[node].ask(question, timeout_ms)

    def watch(self, notify: Callable[[NodeEvent], None], logs: Collection[str] = ()) -> None:
        for name in self.nodes:
            ask = partial(self._ask, self._nodes[name])
            task = self._runtime.spawn(follow(name, ask, notify, logs), f"events of {name}")
            self._watching.append(task)

    async def _ask(self, node: RemoteNode, question: Message) -> Message | None:
        return None if node.name in self._nodes.silent else await node.ask(question, ANSWER_MS_MAX)

    async def observe(self) -> Observation:
        answers, met = await asyncio.gather(
            asyncio.gather(*(self._observe(self._nodes[name]) for name in self.nodes)),
            asyncio.gather(*(part.met() for part in self._parts)),
        )
        statuses = {name: status for name, status in zip(self.nodes, answers, strict=True) if status is not None}
        return Observation(
            time_ns=self._runtime.now(),
            dropped=dict(self._dropped),
            counters={
                **{name: status["counters"] for name, status in statuses.items()},
                **({CLIENTS: dict(self._dialled)} if self._spec.keepers else {}),
            },
            incarnations={name: status["incarnation"] for name, status in statuses.items()},
            unanswered=tuple(name for name in self.nodes if name not in statuses),
            met=_sum(self.nodes, [*met, {name: {PAUSE: count} for name, count in self._waited.items()}]),
        )

    def client_env(self, client: int, name: str) -> ClientEnv:
        """A new client at the endpoint; the one that was there before is closed."""
        assert 0 <= client < self._spec.clients, f"client endpoint {client} of {self._spec.clients}"
        if client in self._clients:
            self._clients[client].close()
        addresses = {node: (place.data, remote_node.DATA_PORT) for node, place in self._nodes.places.items()}
        self._clients[client] = ClientEndpoint(
            self._runtime,
            name,
            addresses,
            self._spec.client_timeout_ms,
            self._site.connect_from(client),
            self._spec.regions,
            self._count_dialled,
        )
        return self._clients[client]

    def _count_dialled(self, name: str, by: int) -> None:
        self._dialled[name] += by

    async def fetch_logs(self, folder: Path) -> Mapping[str, Sequence[Path]]:
        """A node that does not let us read has a file there that says why."""
        fetched = await asyncio.gather(*(_fetch_logs(self._nodes[name], folder / name) for name in self.nodes))
        return dict(zip(self.nodes, fetched, strict=True))

    async def fetch_data(self, folder: Path) -> Mapping[str, str]:
        """Copy what is on each node's disk to ``folder/<node>/data.tar.gz``; says for each what is missing of it."""
        return await fetch_data(self._nodes, folder)

    async def down(self) -> None:
        for client in self._clients.values():
            client.close()
        self._clients.clear()
        for task in self._watching:
            task.cancel()
        self._watching.clear()
        await asyncio.to_thread(self.down_now)
        self._nodes.close()

    def down_now(self) -> None:
        """``down`` for a signal handler: needs no event loop, takes no lock, may interrupt anything, ``down`` too."""
        self._nodes.cut_connections()
        self._site.remove()

    async def _observe(self, node: RemoteNode) -> Message | None:
        """The node's status; its dropped packets go to ``_dropped``, where the last known number stays if it does not
        answer, since these are cumulative."""
        dropped, status = await asyncio.gather(
            node.dropped(OBSERVE_TIMEOUT_S), self.status(node.name, OBSERVE_TIMEOUT_S * 1000), return_exceptions=True
        )
        if isinstance(dropped, int):
            self._dropped[node.name] = dropped
        for result in (dropped, status):
            if isinstance(result, BaseException) and not isinstance(result, ShellError):
                raise result
        return None if isinstance(status, BaseException) else status

    def _config(self, name: str, key: str) -> dict[str, Any]:
        """What ``harness.node.config`` reads."""
        places = self._nodes.places
        place = places[name]
        return {
            "name": name,
            "role": place.spec.role,
            "program": place.spec.program,
            "nodes": {
                other: {"address": p.data, "port": remote_node.DATA_PORT, "role": p.spec.role}
                for other, p in places.items()
            },
            "options": dict(self._spec.options),
            "bugs": list(self._spec.bugs),
            "seed": self._spec.seed,
            "data": f"{remote_node.DATA_FOLDER}/disk",
            "log": remote_node.NODE_LOG,
            "events": remote_node.EVENTS,
            "listen": {"address": place.data, "port": remote_node.DATA_PORT},
            "control": {"address": "127.0.0.1", "port": remote_node.CONTROL_PORT},
            "key": key,
            "keeper": self._spec.keepers,
        }


def _sum(names: Sequence[str], parts: Sequence[Mapping[str, Mapping[str, int]]]) -> dict[str, dict[str, int]]:
    """What all parts have counted, per node."""
    totals = {name: Counter[str]() for name in names}
    for part in parts:
        for name, counts in part.items():
            totals[name].update(counts)
    return {name: dict(counts) for name, counts in totals.items()}


async def _resume(node: RemoteNode) -> tuple[str, str, int]:
    waiting = await node.resume()
    return node.name, await node.state(), waiting


async def _fetch_logs(node: RemoteNode, folder: Path) -> Sequence[Path]:
    try:
        return await node.fetch_logs(folder)
    except ShellError as error:
        return [_note(folder, str(error))]


def _note(folder: Path, text: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    note = folder / NOT_FETCHED
    note.write_text(f"{text}\n", "utf-8")
    return note
