"""The wires of a local cluster: one fabric that routes, one data and one control interface per node, the clients.

Every network namespace is unnamed and held by a file descriptor of the supervisor. Nodes and clients are joined to the
fabric by veth pairs and reach each other through it, so a packet between any two endpoints is forwarded exactly once.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from harness.clusters.local import addresses, syscalls
from harness.clusters.local.protocol import NodeRequest
from harness.clusters.local.syscalls import CLONE_NEWNET

DATA_INTERFACE: Final = "eth0"
CONTROL_INTERFACE: Final = "ctl0"

# A machine without power says nothing, not even that its connections have ended; only the harness still hears it.
SILENCE: Final = f"""\
add table inet splitbrain_off
delete table inet splitbrain_off
table inet splitbrain_off {{
    chain arriving {{ type filter hook prerouting priority -310; policy accept; iifname "{DATA_INTERFACE}" drop; }}
    chain leaving {{ type filter hook postrouting priority 310; policy accept; oifname "{DATA_INTERFACE}" drop; }}
}}
"""
SPEECH: Final = "add table inet splitbrain_off\ndelete table inet splitbrain_off\n"

# Ends a partition's aftermath within a second: an established connection resumes that soon after the heal. Only
# recent kernels (6.15) have it; without it the wait is 0.7-3.3 s.
_RTO_MAX: Final = ("net/ipv4/tcp_rto_max_ms", "1000")
_NO_IPV6: Final = (("net/ipv6/conf/all/disable_ipv6", "1"), ("net/ipv6/conf/default/disable_ipv6", "1"))
# A node's bytes must be able to leave on the interface they should: no strict reverse-path filter of the host's.
_LOOSE: Final = (("net/ipv4/conf/all/rp_filter", "0"), ("net/ipv4/conf/default/rp_filter", "0"))
_FORWARD: Final = (("net/ipv4/ip_forward", "1"),)


@dataclass(frozen=True, slots=True)
class Networks:
    """File descriptors of the run's network namespaces."""

    fabric: int
    clients: int
    nodes: tuple[int, ...]


def build(nodes: Sequence[NodeRequest], clients: Sequence[str]) -> Networks:
    """Make and wire all namespaces; the caller's own becomes the fabric. Raises OSError naming what failed."""
    fabric = os.open("/proc/self/ns/net", os.O_RDONLY | os.O_CLOEXEC)
    networks = Networks(fabric, _new(fabric), tuple(_new(fabric) for _ in nodes))
    _set((*_NO_IPV6, *_LOOSE, *_FORWARD))
    _run_ip([(None, "the fabric", _fabric_lines(networks, nodes))], fabric)
    batches = [(fd, node.name, _node_lines(node)) for fd, node in zip(networks.nodes, nodes, strict=True)]
    _run_ip([*batches, (networks.clients, "the clients", _client_lines(clients))], fabric)
    return networks


def _new(fabric: int) -> int:
    """A new network namespace; this process comes back to the fabric."""
    syscalls.unshare(CLONE_NEWNET)
    try:
        _set((*_NO_IPV6, *_LOOSE, _RTO_MAX))
        return os.open("/proc/self/ns/net", os.O_RDONLY | os.O_CLOEXEC)
    finally:
        syscalls.setns(fabric, CLONE_NEWNET)


def _set(settings: Sequence[tuple[str, str]]) -> None:
    for name, value in settings:
        path = Path("/proc/sys", name)
        if path.exists():  # an older kernel, or one without IPv6
            path.write_text(value)


def _fabric_lines(networks: Networks, nodes: Sequence[NodeRequest]) -> list[str]:
    lines = ["link set lo up"]
    lines += [f"address add {gateway}/32 dev lo" for gateway in (addresses.DATA_GATEWAY, addresses.CONTROL_GATEWAY)]
    for index, (fd, node) in enumerate(zip(networks.nodes, nodes, strict=True), 1):
        lines += _pair(f"d{index}", DATA_INTERFACE, fd, f"{node.data}/32", addresses.DATA_GATEWAY)
        lines += _pair(f"c{index}", CONTROL_INTERFACE, fd, f"{node.control}/32", addresses.CONTROL_GATEWAY)
    return lines + _pair("dc", DATA_INTERFACE, networks.clients, addresses.CLIENT_ROUTE, addresses.DATA_GATEWAY)


def _pair(near: str, far: str, fd: int, route: str, source: str) -> list[str]:
    """A veth pair from the fabric to the namespace behind ``fd``, and the fabric's route to what lies there."""
    return [
        f"link add {near} type veth peer name {far} netns /proc/{os.getpid()}/fd/{fd}",
        f"link set {near} up",
        f"route add {route} dev {near} src {source}",
    ]


def _node_lines(node: NodeRequest) -> list[str]:
    return [
        *_end(DATA_INTERFACE, [node.data]),
        f"address add {node.control}/32 dev {CONTROL_INTERFACE}",
        f"link set {CONTROL_INTERFACE} up",
        f"route add {addresses.CONTROL_GATEWAY}/32 dev {CONTROL_INTERFACE} src {node.control}",
    ]


def _client_lines(clients: Sequence[str]) -> list[str]:
    return _end(DATA_INTERFACE, clients)


def _end(interface: str, own: Sequence[str]) -> list[str]:
    return [
        "link set lo up",
        *(f"address add {address}/32 dev {interface}" for address in own),
        f"link set {interface} up",
        f"route add {addresses.DATA_NETWORK} via {addresses.DATA_GATEWAY} dev {interface} onlink",
    ]


def _run_ip(batches: Sequence[tuple[int | None, str, list[str]]], fabric: int) -> None:
    """Run one ``ip -batch`` in each namespace (None: this one), all at once."""
    running = []
    for fd, name, lines in batches:
        with contextlib.nullcontext() if fd is None else syscalls.inside(fd, fabric, CLONE_NEWNET):
            running.append((name, lines, _start_ip()))
    failures = []
    for name, lines, process in running:
        _, stderr = process.communicate("\n".join(lines) + "\n")
        if process.returncode:
            failures.append(f"ip in {name}: {stderr.strip()}")
    if failures:
        raise OSError("; ".join(failures))


def _start_ip() -> subprocess.Popen[str]:
    pipe = subprocess.PIPE
    return subprocess.Popen(["ip", "-batch", "-"], stdin=pipe, stdout=subprocess.DEVNULL, stderr=pipe, text=True)
