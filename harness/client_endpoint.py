"""The real ``ClientEnv``: a client's own connections to the nodes, from its own address."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from random import Random

from harness.node import Message, Refused, Timeout
from harness.node.link import Connect, Count, Link, connect, connect_in_round, no_count
from harness.node.wire import WireError, encode_body
from harness.relay import Relay
from harness.runtime import Runtime


class ClientEndpoint:
    """See :class:`harness.system.ClientEnv`. ``nodes`` gives each node's data address and port.

    ``connect`` makes a connected, non-blocking TCP socket to an address and port; a cluster passes its own, which makes
    the socket in the client's network. It must close the socket when it fails or is cancelled, and raise OSError. What
    connections of :meth:`dial` meet is told to ``count``: "net.refused", "net.closed", "net.timeout".
    """

    def __init__(self, runtime: Runtime, name: str, nodes: Mapping[str, tuple[str, int]], timeout_ms: float,
                 connect: Connect = connect, regions: Mapping[str, str] | None = None,
                 count: Count = no_count) -> None:  # fmt: skip
        self._regions = regions or {}
        self._runtime, self._name, self._timeout_ms = runtime, name, timeout_ms
        self._connect, self._addresses = connect, {node: address for node, (address, _) in nodes.items()}
        self._relays: list[Relay] = []
        self._count = count
        self._links = {node: Link(name, node, address, connect, no_count) for node, address in nodes.items()}

    @property
    def name(self) -> str:
        return self._name

    @property
    def nodes(self) -> tuple[str, ...]:
        return tuple(self._links)

    @property
    def addresses(self) -> Mapping[str, str]:
        return self._addresses

    @property
    def regions(self) -> Mapping[str, str]:
        return self._regions

    @property
    def timeout_ms(self) -> float:
        return self._timeout_ms

    def now(self) -> int:
        return self._runtime.now()

    async def call(self, node: str, message: Message, timeout_ms: float) -> Message:
        """Send and await the reply. Raises Refused (also for a message too large to send), Timeout or Closed."""
        try:
            body = encode_body(message)
        except WireError as error:
            raise Refused(str(error)) from error
        return await self._links[node].call(body, timeout_ms)

    async def dial(self, node: str, port: int) -> tuple[str, int]:
        """See ``ClientEnv.dial``. A library that does not come within ``harness.relay.ACCEPT_S`` comes in vain."""
        self._relays = [relay for relay in self._relays if relay.is_open]
        try:
            async with asyncio.timeout(self._timeout_ms / 1000):
                outward = await connect_in_round(self._connect, self._addresses[node], port)
        except TimeoutError:
            self._count("net.timeout", 1)
            raise Timeout(f"no connection to port {port} of {node}") from None
        except OSError as error:
            self._count("net.refused", 1)
            raise Refused(f"no connection to port {port} of {node}: {error}") from error
        relay = Relay(outward, self._count)
        try:
            address = relay.open()
        except OSError as error:
            raise Refused(f"no way to port {port} of {node}: {error}") from error
        self._relays.append(relay)
        return address

    async def sleep(self, ms: float) -> None:
        await self._runtime.sleep(ms)

    def random(self, stream: str) -> Random:
        return self._runtime.random(f"client/{self._name}/{stream}")

    def close(self) -> None:
        """End the connections; calls under way end as Closed or Refused."""
        for link in self._links.values():
            link.close()
        for relay in self._relays:
            relay.close()
        self._relays.clear()
