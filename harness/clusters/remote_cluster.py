"""A cluster of nodes reached over SSH: the ``Cluster`` verbs, done on all named nodes at once, for every provider.

What differs between providers is behind ``Site``: where clients' sockets are made, and how everything is removed.
Nothing here knows whether a node is a namespace, a container or a machine.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Awaitable, Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Final, Protocol, TypeVar

from harness.client_endpoint import ClientEndpoint
from harness.cluster import ClusterError, ClusterSpec, NodeEvent, NodeSpec, Observation, ShellError
from harness.clusters import remote_node
from harness.clusters.node_events import ANSWER_MS_MAX, follow
from harness.clusters.remote_node import RemoteNode
from harness.clusters.ssh import Connection, SshAddress, SshShell
from harness.node import Message, Task
from harness.node.link import Connect
from harness.runtime import Runtime
from harness.system import ClientEnv

T = TypeVar("T")

CLIENTS: Final = "clients"  # the sender that stands for all client endpoints
OBSERVE_TIMEOUT_S: Final = 1.0
_THREADS_PER_NODE: Final = 6
EVENTS: Final = "events"  # whatever a site is, its nodes' control ports are ours
NOT_FETCHED: Final = "not-fetched.txt"


class Site(Protocol):
    """Where a cluster stands, as far as providers differ."""

    @property
    def capabilities(self) -> frozenset[str]: ...
    @property
    def client_addresses(self) -> Sequence[str]:
        """Addresses or ranges ``a-b`` that packets of all client endpoints come from."""

    def connect_from(self, client: int) -> Connect:
        """How client endpoint ``client`` connects to a node."""

    def entry(self, index: int) -> str:
        """The command by which a person on this machine gets a shell on the ``index``-th node (from 1)."""

    def remove(self) -> None:
        """Remove all nodes, at once, in any state, any number of times. Takes no lock."""


@dataclass(frozen=True, slots=True)
class Place:
    """One node: how it is reached over SSH, its address on the data network and the interface that carries it."""

    spec: NodeSpec
    ssh: SshAddress
    data: str
    interface: str | None


class RemoteCluster:
    """See :class:`harness.cluster.Cluster`. Belongs to the event loop in which it is used."""

    def __init__(self, spec: ClusterSpec, runtime: Runtime, places: Sequence[Place], site: Site) -> None:
        self._spec, self._runtime, self._site = spec, runtime, site
        self._places = {place.spec.name: place for place in places}
        self._pool = ThreadPoolExecutor(_THREADS_PER_NODE * len(places) + 4, thread_name_prefix="ssh")
        self._connections = [Connection(place.ssh) for place in places]
        self._nodes = {
            place.spec.name: RemoteNode(place.spec.name, SshShell(connection, self._pool), place.interface)
            for place, connection in zip(places, self._connections, strict=True)
        }
        self._silent: set[str] = set(self._nodes)  # not started, killed or paused by us: asking them is in vain
        self._dropped = dict.fromkeys(self._nodes, 0)
        self._clients: dict[int, ClientEndpoint] = {}
        self._watching: list[Task[None]] = []

    @property
    def nodes(self) -> tuple[str, ...]:
        return tuple(self._nodes)

    @property
    def roles(self) -> Mapping[str, str]:
        return {name: place.spec.role for name, place in self._places.items()}

    @property
    def capabilities(self) -> frozenset[str]:
        return self._site.capabilities | {EVENTS}

    def shell(self, node: str) -> SshShell:
        """Commands and files on one node, for what the verbs below do not cover."""
        return self._nodes[node].shell

    def entry(self, node: str) -> str:
        """The command that gives a person a shell on the node while the harness runs."""
        return self._site.entry(self.nodes.index(node) + 1)

    async def deploy(self, program: Path) -> None:
        """Bring program and configuration to all nodes. Once, before the first start."""
        key = secrets.token_hex(32)
        await self._each(self.nodes, lambda node: node.deploy(program, self._config(node.name, key)))

    async def start(self, nodes: Sequence[str]) -> None:
        await self._each(nodes, RemoteNode.start)
        self._silent.difference_update(nodes)

    async def kill(self, nodes: Sequence[str]) -> None:
        self._silent.update(nodes)
        await self._each(nodes, RemoteNode.kill)

    async def pause(self, nodes: Sequence[str]) -> None:
        self._silent.update(nodes)
        await self._each(nodes, RemoteNode.pause)

    async def resume(self, nodes: Sequence[str]) -> None:
        states = await self._each(nodes, _resume)
        self._silent.difference_update(node for node, state in zip(nodes, states, strict=True) if state != "gone")

    async def partition(self, drops: Mapping[str, Sequence[str]]) -> None:
        for name in [*drops, *(sender for senders in drops.values() for sender in senders if sender != CLIENTS)]:
            if name not in self._nodes:
                raise ValueError(f"read the node {name!r}; expected one of {', '.join(self.nodes)}")
        await self._each(self.nodes, lambda node: node.block(self._addresses(drops.get(node.name, ()))))

    async def heal(self) -> None:
        await self.partition({})

    async def status(self, node: str, timeout_ms: float = 1000) -> Message | None:
        return None if node in self._silent else await self._nodes[node].status(timeout_ms)

    def watch(self, notify: Callable[[NodeEvent], None]) -> None:
        for name, node in self._nodes.items():
            task = self._runtime.spawn(follow(name, partial(self._ask, node), notify), f"events of {name}")
            self._watching.append(task)

    async def _ask(self, node: RemoteNode, question: Message) -> Message | None:
        return None if node.name in self._silent else await node.ask(question, ANSWER_MS_MAX)

    async def observe(self) -> Observation:
        answers = await asyncio.gather(*(self._observe(node) for node in self._nodes.values()))
        statuses = {name: status for name, status in zip(self._nodes, answers, strict=True) if status is not None}
        return Observation(
            time_ns=self._runtime.now(),
            dropped=dict(self._dropped),
            counters={name: status["counters"] for name, status in statuses.items()},
            incarnations={name: status["incarnation"] for name, status in statuses.items()},
            unanswered=tuple(name for name in self._nodes if name not in statuses),
        )

    def client_env(self, client: int, name: str) -> ClientEnv:
        """A new client at the endpoint; the one that was there before is closed."""
        assert 0 <= client < self._spec.clients, f"client endpoint {client} of {self._spec.clients}"
        if client in self._clients:
            self._clients[client].close()
        addresses = {node: (place.data, remote_node.DATA_PORT) for node, place in self._places.items()}
        self._clients[client] = ClientEndpoint(
            self._runtime, name, addresses, self._spec.client_timeout_ms, self._site.connect_from(client)
        )
        return self._clients[client]

    async def fetch_logs(self, folder: Path) -> Mapping[str, Sequence[Path]]:
        """A node that does not let us read has a file there that says why."""
        fetched = await asyncio.gather(*(_fetch_logs(node, folder / name) for name, node in self._nodes.items()))
        return dict(zip(self._nodes, fetched, strict=True))

    async def down(self) -> None:
        for client in self._clients.values():
            client.close()
        self._clients.clear()
        for task in self._watching:
            task.cancel()
        self._watching.clear()
        await asyncio.to_thread(self.down_now)
        self._pool.shutdown(wait=False, cancel_futures=True)

    def down_now(self) -> None:
        """``down`` for a signal handler: needs no event loop, takes no lock, may interrupt anything, ``down`` too."""
        for connection in self._connections:
            connection.close()
        self._site.remove()

    async def _each(self, nodes: Sequence[str], action: Callable[[RemoteNode], Awaitable[T]]) -> list[T]:
        """Do it on all nodes at once and wait for all, whatever happens on one. Raises ClusterError naming each node
        on which it failed, ValueError for a name that is no node's."""
        if strange := [name for name in nodes if name not in self._nodes]:
            raise ValueError(f"read the node {strange[0]!r}; expected one of {', '.join(self.nodes)}")
        results = await asyncio.gather(*(action(self._nodes[name]) for name in nodes), return_exceptions=True)
        failures = [result for result in results if isinstance(result, BaseException)]
        for failure in failures:
            if not isinstance(failure, ShellError | ClusterError):
                raise failure
        if failures:
            raise ClusterError("; ".join(map(str, failures))) from failures[0]
        return [result for result in results if not isinstance(result, BaseException)]

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

    def _addresses(self, senders: Sequence[str]) -> list[str]:
        nodes = [self._places[name].data for name in dict.fromkeys(senders) if name != CLIENTS]
        return [*nodes, *(self._site.client_addresses if CLIENTS in senders else ())]

    def _config(self, name: str, key: str) -> dict[str, Any]:
        """What ``harness.node.config`` reads."""
        place = self._places[name]
        return {
            "name": name,
            "role": place.spec.role,
            "program": place.spec.program,
            "nodes": {
                other: {"address": p.data, "port": remote_node.DATA_PORT, "role": p.spec.role}
                for other, p in self._places.items()
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
        }


async def _resume(node: RemoteNode) -> str:
    await node.resume()
    return await node.state()


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
