"""Who has which address in a cluster of containers: one subnet each, in 198.19.128.0/17, on one bridge.

* .0.1  the bridge itself, on this machine: from there the harness comes by SSH     * .0.2 ..  nodes, from the first on
* .0.254  the container whose network is the clients'     * .1.0 - .3.253  client endpoints
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network
from pathlib import Path
from random import SystemRandom
from typing import Final

BLOCK: Final = IPv4Network("198.19.128.0/17")  # the upper half of the block for benchmarks (RFC 2544)
PREFIX_BITS: Final = 22
NODES_MAX: Final = 200
CLIENTS_MAX: Final = 766

_CLIENTS: Final = 256
_ROUTES: Final = Path("/proc/net/route")


@dataclass(frozen=True, slots=True)
class Subnet:
    """The addresses of one cluster."""

    network: IPv4Network

    @property
    def gateway(self) -> str:
        return str(self.network[1])

    @property
    def client_host(self) -> str:
        return str(self.network[254])

    @property
    def client_range(self) -> str:
        return f"{self.network[_CLIENTS]}-{self.network[_CLIENTS + CLIENTS_MAX - 1]}"

    def node(self, index: int) -> str:
        """The address of the ``index``-th node, counted from 1."""
        assert 1 <= index <= NODES_MAX
        return str(self.network[1 + index])

    def client(self, index: int) -> str:
        """The address of client endpoint ``index``, counted from 0."""
        assert 0 <= index < CLIENTS_MAX
        return str(self.network[_CLIENTS + index])


def free_subnets() -> Iterator[Subnet]:
    """Subnets that this machine has no route to, in random order; the engine has the last word on each."""
    subnets = list(BLOCK.subnets(new_prefix=PREFIX_BITS))
    SystemRandom().shuffle(subnets)
    routed = _routed()
    return (Subnet(subnet) for subnet in subnets if not any(subnet.overlaps(other) for other in routed))


def _routed() -> list[IPv4Network]:
    """Where this machine's routes go, apart from the default route (proc(5): hexadecimal, in the machine's order)."""
    rows = [line.split() for line in _ROUTES.read_text("ascii").splitlines()[1:]]
    routes = [(_address(row[1]), _address(row[7])) for row in rows]
    return [IPv4Network(f"{to}/{mask}") for to, mask in routes if int(mask)]


def _address(text: str) -> IPv4Address:
    return IPv4Address(int.from_bytes(bytes.fromhex(text), "little"))
