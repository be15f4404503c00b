"""The addresses of a cluster of containers: in the test block, none twice, and none that is routed already."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Network

import pytest

from harness.clusters.docker import addresses
from harness.clusters.docker.addresses import Subnet, free_subnets


def test_nobody_has_another_s_address() -> None:
    subnet = Subnet(IPv4Network("198.19.132.0/22"))
    nodes = [subnet.node(i) for i in range(1, addresses.NODES_MAX + 1)]
    clients = [subnet.client(i) for i in range(addresses.CLIENTS_MAX)]
    everybody = [subnet.gateway, subnet.client_host, *nodes, *clients]
    assert len(set(everybody)) == len(everybody)
    assert all(IPv4Address(address) in IPv4Network("198.18.0.0/15") for address in everybody)
    assert all(IPv4Address(address) in subnet.network for address in everybody)
    assert str(subnet.network.broadcast_address) not in everybody
    first, last = map(IPv4Address, subnet.client_range.split("-"))
    assert [address for address in everybody if first <= IPv4Address(address) <= last] == clients


def test_what_is_routed_is_not_free(monkeypatch: pytest.MonkeyPatch) -> None:
    assert len({subnet.network for subnet in free_subnets()}) == 32
    monkeypatch.setattr(addresses, "_routed", lambda: [IPv4Network("198.19.192.0/18"), IPv4Network("10.0.0.0/8")])
    assert {subnet.network[0] < IPv4Address("198.19.192.0") for subnet in free_subnets()} == {True}
    assert len(list(free_subnets())) == 16


def test_routes_are_read_as_the_kernel_writes_them() -> None:
    assert addresses._address("0084C6C6") == IPv4Address("198.198.132.0")
