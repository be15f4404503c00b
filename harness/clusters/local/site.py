"""The local ``Site``: clients' sockets are made in the run's client namespace, removal kills its supervisor."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence

from harness.clusters.local import addresses, cgroup
from harness.clusters.local.fabric import Fabric
from harness.clusters.local.filesystem import DATA_FOLDER, DISK_DEVICE, DISK_SCRATCH
from harness.clusters.namespace import connect_from
from harness.clusters.remote.site import DiskPlace
from harness.node.link import Connect


class LocalSite:
    """See :class:`harness.clusters.remote.site.Site`."""

    client_addresses: Sequence[str] = (addresses.CLIENT_RANGE,)

    def __init__(self, fabric: Fabric) -> None:
        self._fabric = fabric
        self._controllers = cgroup.usable()
        self._machines: dict[int, cgroup.Machine] = {}

    @property
    def capabilities(self) -> frozenset[str]:
        return frozenset({"power-off", *(controller.name for controller in self._controllers)})

    def connect_from(self, client: int) -> Connect:
        return connect_from(addresses.client_data(client), lambda: self._fabric.socket("clients"))

    def entry(self, index: int) -> str:
        return f"nsenter --target {self._fabric.node_pid(index)} --all"

    async def switch(self, index: int, on: bool) -> None:
        await asyncio.to_thread(self._fabric.switch, index, on)

    async def limit(self, index: int, resource: str, amount: float | None) -> None:
        """All that runs there is limited but for sshd and what it runs for us: the harness's own commands must not be
        what is killed, nor what makes others be killed, nor be counted."""
        machine = self._machine(index)
        if amount is not None:
            machine.join(cgroup.programs_of(self._fabric.node_pid(index)))
        if machine.joined:
            await asyncio.to_thread(machine.limit, resource, amount)

    async def felt(self, index: int) -> Mapping[str, int]:
        return self._machine(index).felt()

    def _machine(self, index: int) -> cgroup.Machine:
        if index not in self._machines:
            self._machines[index] = cgroup.Machine(f"{self._fabric.folder.name}-n{index}", self._controllers)
        return self._machines[index]

    def disk(self, index: int) -> DiskPlace | None:
        return DiskPlace(DISK_DEVICE, DATA_FOLDER, DISK_SCRATCH) if self._fabric.has_disk(index) else None

    def remove(self) -> None:
        self._fabric.stop()
        for machine in list(self._machines.values()):
            machine.remove()
