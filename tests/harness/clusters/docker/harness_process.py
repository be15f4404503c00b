"""A harness in a process of its own, for tests to kill: makes a cluster of containers, breaks it, says so, waits.

python -m tests.harness.clusters.docker.harness_process FOLDER
"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from harness.clusters.docker.provider import PROVIDER
from harness.real_runtime import RealRuntime
from tests.harness.clusters.local_clusters import spec


async def main(folder: Path) -> None:
    print("begin", flush=True)
    cluster = await PROVIDER.create(spec(folder, nodes=2), RealRuntime(1))
    await cluster.start(cluster.nodes)
    await cluster.partition({"n1": ["n2", "clients"]})
    await cluster.pause(["n2"])
    await cluster.disk_stall(["n1"])
    print("running", flush=True)
    await asyncio.sleep(60)


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1])))
