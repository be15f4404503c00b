"""What the engine of degraded links carries, and what it costs: packets, bytes, round trips, processor, latency.

python -m benchmarks.network_engine [--rounds 5] [--packets 20000] [--megabytes 50]

Two local nodes. Each measurement is made without the engine and with it (a delay of a microsecond, so that every packet
is decided about and none has to wait; with a loss of nothing beside it, which needs large packets split before they are
looked at), in turn; medians over the rounds. Processor time is the engine's own, user and
system, over the packets it counted. The last lines are how long it takes to begin, change and end a degradation.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
import tempfile
import time
from collections.abc import Awaitable, Sequence
from pathlib import Path
from statistics import median
from typing import Any, Final

from harness.cluster_faults import Link
from harness.clusters.remote.cluster import RemoteCluster
from tests.harness.clusters.local_clusters import make, missing
from tests.harness.clusters.remote.test_links import ON_NODE, PROBE, probe, with_listener

BOTH: Final[Sequence[Link]] = (("n1", "n2"), ("n2", "n1"))
PASSING: Final = {"delay_ms": 0.001, "jitter_ms": 0.0}
ROUND_TRIPS: Final = 2000
TO: Final = "198.18.0.2"

Figures = dict[str, float]


async def packets_hz(cluster: RemoteCluster, count: int) -> float:
    """Datagrams of 200 bytes, sent as fast as one process can, that arrive per second."""
    heard, _ = await with_listener(
        cluster,
        "n2",
        ("listen", "9001", "10"),
        lambda: probe(cluster, "n1", "send", TO, "9001", str(count), "0", "200"),
    )
    return 1000 * len(heard["numbers"]) / heard["ms"]


async def round_trips_hz(cluster: RemoteCluster) -> float:
    _, asked = await with_listener(
        cluster,
        "n2",
        ("echo", "9000", "10"),
        lambda: probe(cluster, "n1", "ask", TO, "9000", str(ROUND_TRIPS), "0"),
    )
    return 1000 * len(asked["ms"]) / sum(asked["ms"])


async def megabytes_hz(cluster: RemoteCluster, megabytes: int) -> float:
    """Over one TCP connection."""
    _, moved = await with_listener(
        cluster,
        "n2",
        ("serve", "9002"),
        lambda: probe(cluster, "n1", "move", TO, "9002", str(megabytes * 1_000_000)),
    )
    return 1000 * megabytes / float(moved["ms"])


async def engine_cpu_us(cluster: RemoteCluster) -> float:
    """Processor time of n2's engine so far."""
    script = 'read -r pid started < /run/splitbrain/links.pid && cat "/proc/$pid/stat"'
    stat = (await cluster.shell("n2").run("sh", "-c", script)).stdout.rpartition(")")[2].split()
    return 1e6 * (int(stat[11]) + int(stat[12])) / os.sysconf("SC_CLK_TCK")


async def met(cluster: RemoteCluster) -> int:
    return (await cluster.observe()).met["n2"].get("delay", 0)


async def measured(cluster: RemoteCluster, count: int, megabytes: int) -> Figures:
    return {
        "packets/s": await packets_hz(cluster, count),
        "round trips/s": await round_trips_hz(cluster),
        "MB/s": await megabytes_hz(cluster, megabytes),
    }


async def timed_ms(work: Awaitable[Any]) -> float:
    begin = time.perf_counter()
    await work
    return 1000 * (time.perf_counter() - begin)


async def one_round(cluster: RemoteCluster, count: int, megabytes: int) -> tuple[Figures, ...]:
    """Without the engine, with it, with packets split, and what it costs."""
    without = await measured(cluster, count, megabytes)
    begin_ms = await timed_ms(cluster.degrade("delay", BOTH, PASSING))
    before, spent_us = await met(cluster), await engine_cpu_us(cluster)
    inside = await measured(cluster, count, megabytes)
    await asyncio.sleep(0.1)  # the counts are written that often
    touched, spent_us = await met(cluster) - before, await engine_cpu_us(cluster) - spent_us
    change_ms = await timed_ms(cluster.degrade("loss", BOTH, {"probability": 0.0}))
    split = await measured(cluster, count, megabytes)
    await cluster.restore("loss")
    end_ms = await timed_ms(cluster.restore("delay"))
    costs = {"CPU us/packet": spent_us / touched, "begin ms": begin_ms, "change ms": change_ms, "end ms": end_ms}
    return without, inside, split, costs


async def rounds(folder: Path, number: int, count: int, megabytes: int) -> list[tuple[Figures, ...]]:
    cluster = await make(folder, nodes=2)
    try:
        await cluster.start(cluster.nodes)
        for node in cluster.nodes:
            await cluster.shell(node).upload(PROBE, ON_NODE)
        return [await one_round(cluster, count, megabytes) for _ in range(number)]
    finally:
        await cluster.down()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name, default in (("rounds", 5), ("packets", 20_000), ("megabytes", 50)):
        parser.add_argument(f"--{name}", type=int, default=default)
    arguments = parser.parse_args()
    if reason := missing():
        print(f"the provider local cannot be used here: {reason}", file=sys.stderr)
        return 2
    with tempfile.TemporaryDirectory() as place:
        found = asyncio.run(rounds(Path(place), arguments.rounds, arguments.packets, arguments.megabytes))
    for name in found[0][0]:
        without, inside, split = (median(entry[side][name] for entry in found) for side in (0, 1, 2))
        print(f"{name}: {without:,.0f} without, {inside:,.0f} with the engine ({inside / without:.2f} of it), "
              f"{split:,.0f} with packets split ({split / without:.2f})")  # fmt: skip
    for name in found[0][3]:
        print(f"{name}: {median(entry[3][name] for entry in found):.1f}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
