"""How long a cluster takes to come and go, and what a kill -9 of the harness leaves behind.

python -m benchmarks.cluster_lifecycle [--provider local|docker] [--rounds 10] [--kills 20] [--nodes 5]

Prints one line a figure: medians over the rounds (the first, which also imports and examines, and with docker may start
an engine and build an image, counted apart), then the number of kills after which anything was left: with local
anything but an empty folder, at once; with docker anything at all, after the next start has tidied up.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Sequence
from pathlib import Path
from statistics import median

from harness.cluster import Provider
from harness.clusters.docker.provider import PROVIDER as DOCKER
from harness.clusters.local.leftovers import start_time
from harness.clusters.local.provider import PROVIDER as LOCAL
from harness.clusters.remote.cluster import RemoteCluster
from harness.real_runtime import RealRuntime
from tests.harness.clusters.docker.test_provider import traces_of as containers_of
from tests.harness.clusters.local.test_provider import kill_a_harness
from tests.harness.clusters.local_clusters import missing, root_network, run_folders, spec, traces_of

PROVIDERS: dict[str, Provider] = {"local": LOCAL, "docker": DOCKER}

Round = dict[str, float]


async def timed(figures: Round, name: str, work: Awaitable[object]) -> object:
    begin = time.perf_counter()
    result = await work
    figures[name] = 1000 * (time.perf_counter() - begin)
    return result


async def one_round(provider: Provider, folder: Path, nodes: int) -> Round:
    figures: Round = {}
    making = provider.create(spec(folder, nodes), RealRuntime(1))
    cluster = await timed(figures, "create (nodes reachable, program deployed)", making)
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
    removed = LOCAL.remove_leftovers()
    folders = [folder for run in runs for folder in run_folders(int(run.rstrip("-")))]
    print(f"folders removed at the next start: {len(removed)}; left after it: {len(folders)}")


def kill_containers_at_random(folder: Path, kills: int, seed: int) -> None:
    """The same for harnesses with containers; each time the next start tidies up at once."""
    draw, unclean, times = random.Random(seed), [], []
    command = [sys.executable, "-m", "tests.harness.clusters.docker.harness_process"]
    for number in range(kills):
        with subprocess.Popen([*command, str(folder / str(number))], stdout=subprocess.PIPE) as harness:
            run = f"{harness.pid}-{start_time(harness.pid)}-"
            time.sleep(draw.uniform(0, 5))
            harness.kill()
        begin = time.perf_counter()
        DOCKER.remove_leftovers()
        times.append(1000 * (time.perf_counter() - begin))
        if left := containers_of(run):
            unclean.append((run, left))
    print(f"kill -9 at {kills} random moments: {len(unclean)} left something after the next start, {unclean or 'none'}")
    if times:
        print(f"tidying up: median {median(times):.0f} ms, at most {max(times):.0f}")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--provider", choices=PROVIDERS, default="local")
    for name, default in (("rounds", 10), ("kills", 20), ("nodes", 5), ("seed", 1)):
        parser.add_argument(f"--{name}", type=int, default=default)
    arguments = parser.parse_args()
    provider = PROVIDERS[arguments.provider]
    if reason := missing(provider):
        print(f"the provider {provider.name} cannot be used here: {reason}", file=sys.stderr)
        return 2
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        rounds = [
            asyncio.run(one_round(provider, folder / f"r{n}", arguments.nodes)) for n in range(arguments.rounds + 1)
        ]
        print_figures(rounds)
        kill = kill_at_random if provider is LOCAL else kill_containers_at_random
        kill(folder, arguments.kills, arguments.seed)
    return 0


if __name__ == "__main__":
    sys.exit(main())
