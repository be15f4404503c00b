"""How far behind single-leader's followers are without faults, on a real local cluster.

python -m benchmarks.replication_lag [--replication async|sync] [--rate 100] [--seconds 10] [--runs 5]

The lag is what the leader itself measures: from its own append to the follower's acknowledgement, which is sent after
the follower's fsync; the median over the latest thousand. Needs what `splitbrain run` needs.
"""

from __future__ import annotations

import argparse
import asyncio
import tempfile
from pathlib import Path
from statistics import median

from harness import catalog
from harness.cluster import Cluster, ClusterSpec
from harness.faults.leader import statuses
from harness.history import Op
from harness.readiness import until_ready
from harness.real_runtime import RealRuntime
from harness.setup import node_specs

CLIENTS = 10


async def lag_ms(options: dict[str, str], rate_hz: float, seconds: float, folder: Path) -> float:
    system, runtime = catalog.system("single-leader"), RealRuntime(1)
    spec = ClusterSpec(node_specs(system, 5), options, (), 1, CLIENTS, 1000, folder)
    cluster: Cluster = await catalog.provider("local").create(spec, runtime)
    try:
        await cluster.start(cluster.nodes)
        await until_ready(system, cluster, runtime, lambda: False)

        async def client(number: int) -> None:
            own = system.client(cluster.client_env(number, f"c{number}"), options)
            await own.open(cluster.nodes[0])
            for element in range(int(rate_hz * seconds / CLIENTS)):
                await own.invoke(Op("invoke", number, "add", number + CLIENTS * element))
                await runtime.sleep(1000 * CLIENTS / rate_hz)

        await asyncio.gather(*(client(number) for number in range(CLIENTS)))
        found = await statuses(cluster, runtime)
        leader = system.leader(found)
        assert leader is not None, "a cluster without faults keeps its leader"
        return float(found[leader]["replication_lag_ms"])
    finally:
        await cluster.down()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--replication", choices=("async", "sync"), default="async")
    parser.add_argument("--rate", type=float, default=100.0, help="operations a second over all clients")
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--runs", type=int, default=5)
    args = parser.parse_args()
    options = {name: option.default for name, option in catalog.system("single-leader").options.items()}
    options["replication"] = args.replication
    found = []
    for _ in range(args.runs):
        with tempfile.TemporaryDirectory(prefix="splitbrain-") as folder:
            found.append(asyncio.run(lag_ms(options, args.rate, args.seconds, Path(folder))))
            print(f"median lag {found[-1]:.2f} ms", flush=True)
    print(f"{args.replication}, {args.rate:g}/s: median of {args.runs} runs {median(found):.2f} ms")


if __name__ == "__main__":
    main()
