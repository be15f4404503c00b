"""Makes local clusters for tests and looks for what one may have left on the machine."""

from __future__ import annotations

import asyncio
import subprocess
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path

from harness.cluster import ClusterSpec, NodeSpec, Provider
from harness.clusters.local import leftovers
from harness.clusters.local.provider import PROVIDER
from harness.clusters.remote.cluster import RemoteCluster
from harness.real_runtime import RealRuntime

RELAY = Path(__file__).parent / "relay.py"


def missing(provider: Provider = PROVIDER) -> str:
    """What a provider lacks on this machine; empty if it can be used."""
    return ", ".join(finding.name for finding in provider.examine() if finding.required and not finding.present)


def spec(folder: Path, nodes: int = 3, options: Mapping[str, str] | None = None) -> ClusterSpec:
    return ClusterSpec(
        nodes=tuple(NodeSpec(f"n{i}", "server", "relay:Relay", disk=i != 3) for i in range(1, nodes + 1)),
        options=options or {}, bugs=(), seed=1, clients=4, client_timeout_ms=1000, folder=folder,
        modules=(RELAY,),
    )  # fmt: skip


async def make(folder: Path, nodes: int = 3, options: Mapping[str, str] | None = None) -> RemoteCluster:
    return await PROVIDER.create(spec(folder, nodes, options), RealRuntime(1))


async def eventually(check: Callable[[], Awaitable[bool]], seconds: float = 5.0) -> float:
    """Ask again and again until it holds; the seconds it took."""
    begin = time.monotonic()
    while not await check():
        assert time.monotonic() < begin + seconds, f"not so after {seconds} s"
        await asyncio.sleep(0.02)
    return time.monotonic() - begin


def run_folders(pid: int) -> list[Path]:
    return sorted(leftovers.RUNS.glob(f"{pid}-*"))


def processes_of(run: str) -> list[int]:
    """Every process that belongs to a run (or to any run whose name begins so): by its environment, or by a mount."""
    return [
        int(folder.name)
        for folder in Path("/proc").glob("[0-9]*")
        if f"SPLITBRAIN_RUN={run}" in _read(folder / "environ") or f"/{run}" in _read(folder / "mountinfo")
    ]


def traces_of(run: str) -> dict[str, Sequence[object]]:
    """What the host can see of a run, empty if nothing: processes, mounts, loop devices."""
    found: dict[str, Sequence[object]] = {
        "processes": processes_of(run),
        "mounts": [line for line in _read(Path("/proc/mounts")).splitlines() if run in line],
        "loops": [line for line in _output("losetup", "-a").splitlines() if run in line],
    }
    return {kind: things for kind, things in found.items() if things}


def root_network() -> tuple[str, ...]:
    """Interfaces, routes, named namespaces, firewall rules and settings of the namespace the harness runs in."""
    commands = ("ip -brief link", "ip route", "ip netns list", "nft list ruleset", "sysctl --values net.ipv4")
    return tuple(_output(*command.split()) for command in commands)


def _read(path: Path) -> str:
    try:
        return path.read_bytes().decode("utf-8", "replace")
    except OSError:  # the process has ended meanwhile
        return ""


def _output(*command: str) -> str:
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout
