"""A harness in a process of its own, for tests to kill while its nodes' disks are frozen.

python -m tests.harness.clusters.local.frozen_process FOLDER RUNS stall|slow
"""

from __future__ import annotations

import asyncio
import signal
import sys
from pathlib import Path

from harness.cluster import ShellError
from harness.clusters.local import leftovers
from harness.clusters.remote.cluster import RemoteCluster
from harness.clusters.remote.node import DATA_FOLDER
from tests.harness.clusters.local_clusters import make


async def main(folder: Path, runs: Path, what: str) -> None:
    leftovers.RUNS = runs  # type: ignore[misc]
    cluster = await make(folder, nodes=2)
    await cluster.start(cluster.nodes)
    if what == "stall":
        await cluster.disk_stall(cluster.nodes)
        print("waits" if await waits(cluster) else "does not wait", flush=True)
    elif what == "slow":
        await cluster.disk_slow(cluster.nodes, 50)
    print("running", flush=True)
    await asyncio.sleep(60)


async def waits(cluster: RemoteCluster) -> bool:
    """Whether a process is left that waits for a node's disk, and cannot be killed."""
    try:
        await cluster.shell("n1").run("touch", f"{DATA_FOLDER}/file", timeout_s=0.5)
    except ShellError:
        return True
    return False


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background jobs are begun deaf to it
    asyncio.run(main(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3]))
