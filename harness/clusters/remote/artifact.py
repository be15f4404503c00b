"""What a run keeps of its nodes besides their logs: what was on their disks at the end, and their packets.

Packets are written on each node into its log folder while the run lasts (``harness.agent.capture``), and so come with
the logs. Data is packed on the node (``harness.agent.archive``) and fetched when the run is over; that costs a few
milliseconds a node, so it is done before anybody knows whether it will be wanted.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from harness.cluster import ClusterError, ShellError
from harness.clusters.remote.node import DATA_FOLDER, LOG_FOLDER, PID_FILE
from harness.clusters.remote.nodes import Nodes

DATA: Final = "data.tar.gz"
DATA_BYTES_MAX: Final = 64 << 20
PACKETS: Final = "data.pcap"
PACKETS_BYTES_MAX: Final = 32 << 20
FETCH_TIMEOUT_S: Final = 20.0

_SCRATCH: Final = str(Path(PID_FILE).parent / DATA)


class RemoteCapture:
    """The packets of each node's data interface. See :class:`harness.clusters.remote.nodes.Part`."""

    capabilities: frozenset[str] = frozenset()

    def __init__(self, nodes: Nodes) -> None:
        self._nodes = nodes

    async def booted(self, names: Sequence[str]) -> None:
        """From the beginning, and again whenever a machine comes up: the file goes on where it ended."""
        await asyncio.gather(*map(self._start, names))

    async def _start(self, name: str) -> None:
        interface = self._nodes.places[name].interface or "-"
        path = f"{LOG_FOLDER}/{PACKETS}"
        await self._nodes.agent(name).run("capture", interface, path, str(PACKETS_BYTES_MAX))

    async def starting(self, names: Sequence[str]) -> None:
        """Nothing to prepare."""

    async def started(self, names: Sequence[str]) -> None:
        """Nothing to tell."""

    async def met(self) -> Mapping[str, Mapping[str, int]]:
        return {}


async def fetch_data(nodes: Nodes, folder: Path) -> dict[str, str]:
    """Copy what is on each node's disk to ``folder/<node>/data.tar.gz``. Returns for each node what is not there of it,
    in words; "" if all is."""
    told = await asyncio.gather(*(_fetch(nodes, name, folder / name) for name in nodes.names))
    return dict(zip(nodes.names, told, strict=True))


async def _fetch(nodes: Nodes, name: str, folder: Path) -> str:
    folder.mkdir(parents=True, exist_ok=True)  # noqa: ASYNC240 (a moment, as where logs are fetched)
    try:
        packed = await nodes.agent(name).run(
            "archive", DATA_FOLDER, _SCRATCH, str(DATA_BYTES_MAX), timeout_s=FETCH_TIMEOUT_S
        )
        await nodes[name].shell.download(_SCRATCH, folder / DATA)
        await nodes[name].shell.run("rm", "-f", _SCRATCH)
    except (ShellError, ClusterError) as error:
        return f"node {name}: its data was not fetched: {error}"
    left_out = packed.get("left_out", [])
    return f"node {name}: {len(left_out)} files or more were left out of {DATA}, beyond its bound" if left_out else ""
