"""Real databases on local nodes: how long set-up takes, how many operations a second they answer, what they weigh.

``python -m benchmarks.databases [NAME...]``. Layers of packages are made first, and apart. Every figure is of one
cluster of three nodes; the ratio is that of ten clients to one.
"""

from __future__ import annotations

import asyncio
import sys
import tempfile
from pathlib import Path
from time import perf_counter
from typing import Final

from harness import catalog
from harness.cluster import ClusterSpec
from harness.clusters.local.layer import CACHE, ensure
from harness.clusters.local.provider import PROVIDER
from harness.history import Op
from harness.readiness import until_ready
from harness.real_runtime import RealRuntime
from harness.setup import node_specs, packages_of

NODES: Final = 3
SECONDS: Final = 4.0
CLIENTS: Final = (1, 10)
OPERATIONS: Final = ("write", "read")
SYSTEMS: Final = {"postgres": {"replication": "sync", "think-ms": "0"}, "etcd": {}, "redis": {}}
_MEMORY: Final = "cat /proc/[0-9]*/smaps_rollup 2>/dev/null | awk '/^Pss:/ {s += $2} END {print s / 1024}'"


async def measure(name: str) -> str:
    system, runtime = catalog.system(name), RealRuntime(1)
    began = perf_counter()
    await ensure(packages_of(system), lambda text: None, CACHE)
    layer_s = perf_counter() - began
    with tempfile.TemporaryDirectory() as folder:
        options = system.completed(SYSTEMS[name])
        spec = ClusterSpec(
            nodes=node_specs(system, NODES + (name == "postgres")), options=options, bugs=(), seed=1,
            clients=sum(CLIENTS) * len(OPERATIONS), client_timeout_ms=5000, folder=Path(folder),
            packages=packages_of(system), keepers=True,
        )  # fmt: skip
        began = perf_counter()
        cluster = await PROVIDER.create(spec, runtime)
        try:
            await cluster.start(cluster.nodes)
            await until_ready(system, cluster, runtime, stopped=lambda: False)
            ready_s = perf_counter() - began
            rates, endpoint = {}, 0
            for f in OPERATIONS:
                for count in CLIENTS:
                    envs = [cluster.client_env(endpoint + each, f"c{endpoint + each}") for each in range(count)]
                    endpoint += count
                    made = [system.client(env, options) for env in envs]
                    for each, client in enumerate(made):
                        await client.open(cluster.nodes[each % NODES])
                    until = perf_counter() + SECONDS
                    done = await asyncio.gather(*(_ask(client, f, each, until) for each, client in enumerate(made)))
                    rates[f, count] = sum(done) / SECONDS
            pss_mb = float((await cluster.shell(cluster.nodes[0]).run("sh", "-c", _MEMORY)).stdout)
        finally:
            await cluster.down()
    told = "; ".join(
        f"{f} {rates[f, 1]:.0f}/s by 1 client, {rates[f, 10]:.0f} by 10 (x {rates[f, 10] / rates[f, 1]:.1f})"
        for f in OPERATIONS
    )
    return f"{name:<9} layer {layer_s:.2f} s, set-up {ready_s:.2f} s; {told}; a node {pss_mb:.0f} MB (PSS, all of it)"


async def _ask(client: object, f: str, key: int, until: float) -> int:
    """How many operations succeeded."""
    done = 0
    while perf_counter() < until:
        answer = await client.invoke(Op("invoke", 0, f, done if f == "write" else None, key=key))  # type: ignore[attr-defined]
        done += answer.type == "ok"
    return done


def main() -> None:
    for name in sys.argv[1:] or SYSTEMS:
        print(asyncio.run(measure(name)), flush=True)


if __name__ == "__main__":
    main()
