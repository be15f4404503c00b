"""Where a cluster stands, as far as providers differ, and where each of its nodes is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from harness.cluster import NodeSpec
from harness.clusters.remote.agent import Agent
from harness.clusters.remote.ssh import SshAddress
from harness.node.link import Connect


@dataclass(frozen=True, slots=True)
class DiskPlace:
    """The ext4 file system with a node's data: the block device, where it is mounted, and a folder not on it that
    outlives a reboot, for what is to be put back; all as the node sees them.

    ``agent`` works on it, there, with the rights to mount; None: the node's own, over SSH.
    """

    device: str
    folder: str
    scratch: str
    agent: Agent | None = None


class Site(Protocol):
    """What only a provider knows how to do. Nodes are counted from 1."""

    @property
    def capabilities(self) -> frozenset[str]:
        """What it can break by its own means, and which of the common means work here (``Part``)."""

    @property
    def client_addresses(self) -> Sequence[str]:
        """Addresses or ranges ``a-b`` that packets of all client endpoints come from."""

    def connect_from(self, client: int) -> Connect:
        """How client endpoint ``client`` connects to a node."""

    def entry(self, index: int) -> str:
        """The command by which a person on this machine gets a shell on the ``index``-th node."""

    async def switch(self, index: int, on: bool) -> None:
        """Turn a whole machine off (all its processes are gone when this returns) or on (its sshd accepts). Its
        addresses and its disk stay; what is in ``/run`` and ``/tmp`` does not. Capability "power-off"."""

    async def limit(self, index: int, resource: str, amount: float | None) -> None:
        """Limit all that runs there, if possible without what serves the harness: ``memory`` to bytes more than is used
        now, ``cpu`` to a share of one processor (None: no limit). Capabilities "memory" and "cpu"."""

    async def felt(self, index: int) -> Mapping[str, int]:
        """How often limits were felt so far: ``memory``, processes killed for want of it; ``cpu``, periods in which
        the machine had to wait for its share."""

    def disk(self, index: int) -> DiskPlace | None:
        """Where the ``index``-th node's data file system is; None if it has none of its own, but memory."""

    def remove(self) -> None:
        """Remove all nodes, at once, in any state, any number of times. Takes no lock."""


@dataclass(frozen=True, slots=True)
class Place:
    """One node: how it is reached over SSH, its address on the data network and the interface that carries it."""

    spec: NodeSpec
    ssh: SshAddress
    data: str
    interface: str | None
