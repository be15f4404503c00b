"""Who has which address in a local cluster.

All are in 198.18.0.0/15, the block for benchmarks (RFC 2544), which no LAN or VPN uses. Every run has a fabric of its
own in an unnamed network namespace, so runs that overlap in time use the same addresses and never meet.

* 198.18.0.i  data address of node i (1, 2, ...)     * 198.18.(1+).c  data address of client endpoint c (0, 1, ...)
* 198.19.0.i  control address of node i (SSH only)   * .255.254       the fabric itself, in both blocks
"""

from __future__ import annotations

from ipaddress import IPv4Address
from typing import Final

DATA_NETWORK: Final = "198.18.0.0/16"
DATA_GATEWAY: Final = "198.18.255.254"
CONTROL_GATEWAY: Final = "198.19.255.254"
CLIENT_ROUTE: Final = "198.18.0.0/20"  # the nodes' own /32 routes are longer and win
CLIENT_RANGE: Final = "198.18.1.0-198.18.15.255"

NODES_MAX: Final = 200
CLIENTS_MAX: Final = 15 * 256 - 1

_NODE_DATA = IPv4Address("198.18.0.0")
_NODE_CONTROL = IPv4Address("198.19.0.0")
_CLIENTS = IPv4Address("198.18.1.1")


def node_data(index: int) -> str:
    """The data address of the ``index``-th node, counted from 1."""
    assert 1 <= index <= NODES_MAX
    return str(_NODE_DATA + index)


def node_control(index: int) -> str:
    """The control address of the ``index``-th node, counted from 1."""
    assert 1 <= index <= NODES_MAX
    return str(_NODE_CONTROL + index)


def client_data(index: int) -> str:
    """The data address of client endpoint ``index``, counted from 0 (as in ``Cluster.client_env``)."""
    assert 0 <= index < CLIENTS_MAX
    return str(_CLIENTS + index)
