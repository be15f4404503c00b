"""The docker ``Site``: machines are containers, client endpoints have addresses in a container of their own."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence

from harness.clusters.docker.containers import Containers
from harness.clusters.local import cgroup
from harness.clusters.local.filesystem import DATA_FOLDER, DISK_DEVICE, DISK_SCRATCH
from harness.clusters.namespace import connect_from
from harness.clusters.remote.agent import EnteringAgent
from harness.clusters.remote.node import PROGRAM, PYTHON
from harness.clusters.remote.site import DiskPlace
from harness.node.link import Connect


class DockerSite:
    """See :class:`harness.clusters.remote.site.Site`."""

    def __init__(self, containers: Containers, names: Sequence[str]) -> None:
        self._containers, self._names = containers, tuple(names)
        self._controllers = cgroup.usable()
        self._machines: dict[int, cgroup.Machine] = {}

    @property
    def capabilities(self) -> frozenset[str]:
        return frozenset({"power-off", *(controller.name for controller in self._controllers)})

    @property
    def client_addresses(self) -> Sequence[str]:
        assert self._containers.subnet is not None, "started"
        return (self._containers.subnet.client_range,)

    def connect_from(self, client: int) -> Connect:
        assert self._containers.subnet is not None, "started"
        return connect_from(self._containers.subnet.client(client), self._containers.client_socket)

    def entry(self, index: int) -> str:
        return f"nsenter --target {self._containers.node_pid(index)} --all"

    async def switch(self, index: int, on: bool) -> None:
        await asyncio.to_thread(self._containers.switch, index, on)

    async def limit(self, index: int, resource: str, amount: float | None) -> None:
        """As in a local cluster, all is limited but sshd and what it runs for us."""
        machine = self._machine(index)
        if amount is not None and self._containers.is_on(index) and not self._in_one_hierarchy():
            machine.join(cgroup.programs_of(self._containers.node_pid(index)))
        if machine.joined:
            await asyncio.to_thread(machine.limit, resource, amount)

    async def felt(self, index: int) -> Mapping[str, int]:
        return self._machine(index).felt()

    def _machine(self, index: int) -> cgroup.Machine:
        """Groups of our own. In the one hierarchy of version 2, to leave the container's group would be to leave its
        other bounds too: there it is the container as a whole, and what was felt is forgotten when that is off."""
        if self._in_one_hierarchy() and self._containers.is_on(index):
            return cgroup.Machine.around(self._containers.node_pid(index), self._controllers)
        if index not in self._machines:
            self._machines[index] = cgroup.Machine(f"{self._containers.run}-n{index}", self._controllers)
        return self._machines[index]

    def _in_one_hierarchy(self) -> bool:
        return any(controller.version is cgroup.VERSION_2 for controller in self._controllers)

    def disk(self, index: int) -> DiskPlace | None:
        """The container may not mount: who does it enters from outside."""
        if not self._containers.has_disk(index):
            return None
        pid = self._containers.node_pid(index) if self._containers.is_on(index) else 0
        return DiskPlace(
            DISK_DEVICE, DATA_FOLDER, DISK_SCRATCH, EnteringAgent(self._names[index - 1], pid, PYTHON, PROGRAM)
        )

    def remove(self) -> None:
        self._containers.stop()
        for machine in list(self._machines.values()):
            machine.remove()
