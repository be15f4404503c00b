"""The local ``Site``: clients' sockets are made in the run's client namespace, removal kills its supervisor."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Mapping, Sequence
from typing import Final

from harness.clusters.local import addresses
from harness.clusters.local.fabric import Fabric
from harness.node.link import Connect

_IP_BIND_ADDRESS_NO_PORT: Final = 24  # linux/in.h: choose the port at connect, when the destination is known


class LocalSite:
    """See :class:`harness.clusters.remote.site.Site`."""

    capabilities: frozenset[str] = frozenset()
    client_addresses: Sequence[str] = (addresses.CLIENT_RANGE,)

    def __init__(self, fabric: Fabric) -> None:
        self._fabric = fabric

    def connect_from(self, client: int) -> Connect:
        source = addresses.client_data(client)

        async def connect(address: str, port: int) -> socket.socket:
            sock = self._fabric.socket("clients")
            try:
                sock.setblocking(False)
                sock.setsockopt(socket.IPPROTO_IP, _IP_BIND_ADDRESS_NO_PORT, 1)
                sock.bind((source, 0))
                await asyncio.get_running_loop().sock_connect(sock, (address, port))
            except BaseException:
                sock.close()
                raise
            return sock

        return connect

    def entry(self, index: int) -> str:
        return f"nsenter --target {self._fabric.node_pid(index)} --all"

    async def switch(self, index: int, on: bool) -> None:
        raise NotImplementedError("power-off is not among the capabilities")

    async def limit(self, index: int, resource: str, amount: float | None) -> None:
        raise NotImplementedError("memory and cpu are not among the capabilities")

    async def felt(self, index: int) -> Mapping[str, int]:
        return {}

    def remove(self) -> None:
        self._fabric.stop()
