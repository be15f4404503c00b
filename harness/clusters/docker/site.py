"""The docker ``Site``: machines are containers, client endpoints have addresses in a container of their own."""

from __future__ import annotations

import asyncio
from collections import Counter
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
        self._limits: dict[int, dict[str, float]] = {}
        self._felt_before = {index: Counter[str]() for index in range(1, len(names) + 1)}

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
        """A container that comes up again has new control groups: limits that were in force are so again, and what was
        counted before is remembered."""
        if not on:
            self._felt_before[index].update(self._machine_felt(index))
        await asyncio.to_thread(self._containers.switch, index, on)
        for resource, amount in self._limits.get(index, {}).items() if on else ():
            await asyncio.to_thread(self._machine(index).limit, resource, amount)

    async def limit(self, index: int, resource: str, amount: float | None) -> None:
        limits = self._limits.setdefault(index, {})
        if amount is None:
            limits.pop(resource, None)
        else:
            limits[resource] = amount
        if self._containers.is_on(index):
            await asyncio.to_thread(self._machine(index).limit, resource, amount)

    async def felt(self, index: int) -> Mapping[str, int]:
        return dict(self._felt_before[index] + Counter(self._machine_felt(index)))

    def _machine_felt(self, index: int) -> Mapping[str, int]:
        return self._machine(index).felt() if self._containers.is_on(index) else {}

    def _machine(self, index: int) -> cgroup.Machine:
        return cgroup.Machine.around(self._containers.node_pid(index), self._controllers)

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
