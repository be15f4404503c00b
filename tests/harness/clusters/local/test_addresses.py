"""The address plan: inside 198.18.0.0/15, no address twice, clients inside the range that stands for them."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Network

from harness.clusters.local import addresses


def test_no_two_endpoints_share_an_address_and_none_is_outside_the_test_block() -> None:
    nodes = range(1, addresses.NODES_MAX + 1)
    clients = [addresses.client_data(i) for i in range(addresses.CLIENTS_MAX)]
    everything = [
        *map(addresses.node_data, nodes), *map(addresses.node_control, nodes), *clients,
        addresses.DATA_GATEWAY, addresses.CONTROL_GATEWAY,
    ]  # fmt: skip
    assert len(set(everything)) == len(everything)
    block = IPv4Network("198.18.0.0/15")
    assert all(IPv4Address(address) in block for address in everything)


def test_the_clients_range_holds_all_clients_and_no_node() -> None:
    first, last = map(IPv4Address, addresses.CLIENT_RANGE.split("-"))

    def covered(address: str) -> bool:
        return first <= IPv4Address(address) <= last

    assert all(covered(addresses.client_data(i)) for i in range(addresses.CLIENTS_MAX))
    assert not any(covered(addresses.node_data(i)) for i in range(1, addresses.NODES_MAX + 1))
    assert not covered(addresses.DATA_GATEWAY)
