"""The nodes of one cluster over SSH, and doing something on many of them at once."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Final, Protocol, TypeVar

from harness.cluster import ClusterError, ClusterSpec, ShellError
from harness.cluster_faults import CLIENTS
from harness.clusters.remote.agent import SshAgent
from harness.clusters.remote.node import PROGRAM, PYTHON, RemoteNode
from harness.clusters.remote.site import Place, Site
from harness.clusters.remote.ssh import Connection, SshShell
from harness.runtime import Runtime

T = TypeVar("T")

_THREADS_PER_NODE: Final = 6


class Nodes:
    """What every part of a remote cluster stands on. ``silent`` are those not started, killed, paused or turned off by
    us: asking them is in vain. ``off`` are the machines turned off by us: no command reaches them."""

    def __init__(self, spec: ClusterSpec, runtime: Runtime, places: Sequence[Place], site: Site) -> None:
        self.spec, self.runtime, self.site = spec, runtime, site
        self.places = {place.spec.name: place for place in places}
        self._pool = ThreadPoolExecutor(_THREADS_PER_NODE * len(places) + 4, thread_name_prefix="ssh")
        self._connections = [Connection(place.ssh) for place in places]
        self._nodes = {
            place.spec.name: RemoteNode(
                place.spec.name, SshShell(connection, self._pool), place.interface, keeper=spec.keepers
            )
            for place, connection in zip(places, self._connections, strict=True)
        }
        self.silent: set[str] = set(self._nodes)
        self.off: set[str] = set()

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(self._nodes)

    def __getitem__(self, name: str) -> RemoteNode:
        """Raises ValueError for a name that is no node's."""
        if name not in self._nodes:
            raise ValueError(f"read the node {name!r}; expected one of {', '.join(self.names)}")
        return self._nodes[name]

    def index(self, name: str) -> int:
        """The number by which the site knows it, from 1."""
        return self.names.index(name) + 1

    def agent(self, name: str) -> SshAgent:
        """Runs our own programs on the node."""
        return SshAgent(self[name].shell, PYTHON, PROGRAM)

    def addresses(self, senders: Iterable[str]) -> list[str]:
        """The data addresses of nodes, and of all client endpoints where "clients" is among them. Raises ValueError for
        a name that is no node's."""
        names = list(dict.fromkeys(senders))
        nodes = [self.places[self[name].name].data for name in names if name != CLIENTS]
        return [*nodes, *(self.site.client_addresses if CLIENTS in names else ())]

    async def each(self, names: Iterable[str], action: Callable[[RemoteNode], Awaitable[T]]) -> list[T]:
        """Do it on all nodes at once and wait for all, whatever happens on one; the results are in order. Those that
        are off are left out: what is in force is told to them when they are on again (``Part.booted``). Raises
        ClusterError naming each node on which it failed, ValueError for a name that is no node's."""
        nodes = [node for node in map(self.__getitem__, names) if node.name not in self.off]
        results = await asyncio.gather(*(action(node) for node in nodes), return_exceptions=True)
        failures = [result for result in results if isinstance(result, BaseException)]
        for failure in failures:
            if not isinstance(failure, ShellError | ClusterError):
                raise failure
        if failures:
            raise ClusterError("; ".join(map(str, failures))) from failures[0]
        return [result for result in results if not isinstance(result, BaseException)]

    def cut_connections(self) -> None:
        """End SSH to all nodes for good. Takes no lock and waits for nothing, so a signal handler may call it."""
        for connection in self._connections:
            connection.close()

    def close(self) -> None:
        self._pool.shutdown(wait=False, cancel_futures=True)


class Part(Protocol):
    """One family of what can be done to remote nodes; the cluster asks each in turn."""

    @property
    def capabilities(self) -> frozenset[str]:
        """Of ``harness.cluster_faults``: what works at this site."""

    async def booted(self, names: Sequence[str]) -> None:
        """These machines were made, or turned on again: what they forgot in between is to be set up once more."""

    async def starting(self, names: Sequence[str]) -> None:
        """These programs are about to be started, or run already: what they need is to be there."""

    async def started(self, names: Sequence[str]) -> None:
        """These programs were started, or ran already: what is in force on nodes must be told to new ones."""

    async def met(self) -> Mapping[str, Mapping[str, int]]:
        """Node -> fault -> how often it was met so far (``Observation.met``); cumulative, also where a node does not
        answer now."""
