"""A harness in a process of its own, for tests to kill: makes a cluster, starts its programs, says so, waits.

python -m tests.harness.clusters.local.harness_process FOLDER RUNS

RUNS takes the place of /run/splitbrain, so that no other harness's start tidies up after the one that was killed.
"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from harness.clusters.local import leftovers
from tests.harness.clusters.local_clusters import make


async def main(folder: Path, runs: Path) -> None:
    leftovers.RUNS = runs  # type: ignore[misc]
    print("begin", flush=True)
    cluster = await make(folder, nodes=3)
    print("made", flush=True)
    await cluster.start(cluster.nodes)
    await cluster.partition({"n1": ["n2", "clients"]})
    await cluster.pause(["n2"])
    await cluster.limit_cpu(["n1"], 0.5)
    await cluster.power_off(["n3"])
    print("running", flush=True)
    await asyncio.sleep(60)


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), Path(sys.argv[2])))
