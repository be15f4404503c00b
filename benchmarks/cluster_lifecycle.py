"""How long a local cluster takes to come and go, and what a kill -9 of the harness leaves behind.

python -m benchmarks.cluster_lifecycle [--rounds 10] [--kills 20] [--nodes 5]

Prints one line a figure: medians over the rounds (the first, which also imports and examines, counted apart), then the
number of kills after which anything but an empty folder was left, and of folders left after the next start.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import sys
import tempfile
import time
from collections.abc import Awaitable, Sequence
from pathlib import Path
from statistics import median

from harness.clusters.local.provider import PROVIDER
from harness.clusters.remote.cluster import RemoteCluster
from tests.harness.clusters.local.test_provider import kill_a_harness
from tests.harness.clusters.local_clusters import make, missing, root_network, run_folders, traces_of

Round = dict[str, float]


async def timed(figures: Round, name: str, work: Awaitable[object]) -> object:
    begin = time.perf_counter()
    result = await work
    figures[name] = 1000 * (time.perf_counter() - begin)
    return result


async def one_round(folder: Path, nodes: int) -> Round:
    figures: Round = {}
    cluster = await timed(figures, "create (nodes reachable, program deployed)", make(folder, nodes))
    assert isinstance(cluster, RemoteCluster)
    try:
        await timed(figures, "start (all programs serve)", cluster.start(cluster.nodes))
        await timed(figures, "observe", cluster.observe())
        await timed(figures, "partition", cluster.partition({"n1": cluster.nodes[1:]}))
        await timed(figures, "heal", cluster.heal())
        await timed(figures, "pause all", cluster.pause(cluster.nodes))
        await timed(figures, "resume all", cluster.resume(cluster.nodes))
        await timed(figures, "kill all", cluster.kill(cluster.nodes))
        await timed(figures, "fetch logs", cluster.fetch_logs(folder / "logs"))
    finally:
        await timed(figures, "down", cluster.down())
    return figures


def print_figures(rounds: Sequence[Round]) -> None:
    print(f"first create in this process: {next(iter(rounds[0].values())):.0f} ms")
    for name in rounds[0]:
        values = sorted(figures[name] for figures in rounds[1:])
        print(f"{name}: median {median(values):.0f} ms, from {values[0]:.0f} to {values[-1]:.0f}, n = {len(values)}")


def kill_at_random(folder: Path, kills: int, seed: int) -> None:
    """Kill harnesses at random moments of their lives, then count what is left."""
    draw, network = random.Random(seed), root_network()
    unclean, runs, slowest = [], [], 0.0
    for number in range(kills):
        moment = draw.choice(["begin", "begin", "made", "running"])
        run, seconds = kill_a_harness(folder / str(number), moment, draw.uniform(0, 0.4))
        runs.append(run)
        slowest = max(slowest, seconds)
        if traces_of(run) or root_network() != network:
            unclean.append((run, moment))
    print(f"kill -9 at {kills} random moments: {len(unclean)} left something running, {unclean or 'none'}")
    print(f"slowest to vanish: {1000 * slowest:.0f} ms")
    removed = PROVIDER.remove_leftovers()
    folders = [folder for run in runs for folder in run_folders(int(run.rstrip("-")))]
    print(f"folders removed at the next start: {len(removed)}; left after it: {len(folders)}")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    for name, default in (("rounds", 10), ("kills", 20), ("nodes", 5), ("seed", 1)):
        parser.add_argument(f"--{name}", type=int, default=default)
    arguments = parser.parse_args()
    if reason := missing():
        print(f"the provider local cannot be used here: {reason}", file=sys.stderr)
        return 2
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        rounds = [asyncio.run(one_round(folder / f"r{n}", arguments.nodes)) for n in range(arguments.rounds + 1)]
        print_figures(rounds)
        kill_at_random(folder, arguments.kills, arguments.seed)
    return 0


if __name__ == "__main__":
    sys.exit(main())
