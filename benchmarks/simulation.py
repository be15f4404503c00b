"""How fast is the simulated world, on one core, and where does the time go?

    python -m benchmarks.simulation [--runs 30]

Prints deliveries/s, whole checked runs/s (raft, 5 nodes, 10 clients, 200 operations, 10 virtual seconds, all faults),
short plans/s (4 virtual seconds), each as a ratio to a fixed piece of pure Python in the same process, so that figures
of different machines, or of a busy one, can be compared; and the shares of the time by package.
"""

from __future__ import annotations

import argparse
import cProfile
import pstats
from collections import Counter
from dataclasses import replace
from heapq import heappop, heappush
from pathlib import Path
from statistics import median
from time import process_time
from typing import Final

from harness import catalog
from harness.faults.profile import Means, left_out
from harness.plan import Plan
from harness.search.strategy import plan_of
from harness.search.trial import Trial, run_trial
from harness.search.worker import setup_of_plan
from harness.simulation.cluster import CAPABILITIES

ROOT: Final = Path(__file__).resolve().parents[1]
FAULTS: Final = catalog.faults()
_LEFT_OUT: Final = left_out(Means(FAULTS, CAPABILITIES, catalog.system("raft").withstands))
ALL: Final = ",".join(name for name in FAULTS if name not in _LEFT_OUT)
FULL: Final = Plan("raft", "register", faults=ALL, provider="sim", rate_hz=20.0, time_limit_s=10.0)
SHORT: Final = Plan("raft", "register", faults=ALL, provider="sim", rate_hz=10.0, time_limit_s=4.0)


def yardstick() -> float:
    """CPU seconds of a fixed piece of Python: 200,000 pushes and pops of a heap."""
    started = process_time()
    heap: list[tuple[int, int]] = []
    for number in range(200_000):
        heappush(heap, (number * 7919 % 10_007, number))
    while heap:
        heappop(heap)
    return process_time() - started


def trial(base: Plan, seed: int) -> Trial:
    system = catalog.system(base.system)
    options = {name: option.default for name, option in system.options.items()}
    plan = plan_of(replace(base, options=options), system, FAULTS, seed, "swarm")
    return run_trial(setup_of_plan(plan, system, FAULTS))


def measure(name: str, base: Plan, runs: int) -> None:
    seconds, deliveries, unit = [], [], []
    trial(base, 0)
    for seed in range(1, runs + 1):
        started = process_time()
        done = trial(base, seed)
        seconds.append(process_time() - started)
        deliveries.append(done.deliveries)
        unit.append(yardstick() if seed % 10 == 1 else unit[-1])
    one = median(unit)
    print(f"{name}: {1 / median(seconds):6.1f} runs/s, {sum(deliveries) / sum(seconds):8.0f} deliveries/s, "
          f"{median(deliveries):.0f} deliveries a run; a run takes {median(seconds) / one:.2f} yardsticks "
          f"(of {one * 1000:.0f} ms)")  # fmt: skip


def shares(runs: int) -> None:
    """Where the time of whole runs goes: the share of each package, by the time inside its own functions."""
    profile = cProfile.Profile()
    profile.enable()
    for seed in range(1, runs + 1):
        trial(FULL, seed)
    profile.disable()
    spent: Counter[str] = Counter()
    for (file, _, _), (_, _, own_s, _, _) in pstats.Stats(profile).stats.items():  # type: ignore[attr-defined]
        path = Path(file)
        inside = path.is_relative_to(ROOT) and ".venv" not in file
        spent["/".join(path.relative_to(ROOT).parts[:2]) if inside else "Python itself"] += own_s
    total = sum(spent.values())
    print("shares (under a profiler, which favours long functions):")
    for package, own_s in spent.most_common(10):
        print(f"  {own_s / total:6.1%}  {package}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=30)
    runs = parser.parse_args().runs
    measure("whole checked runs", FULL, runs)
    measure("short plans       ", SHORT, 3 * runs)
    shares(max(2, runs // 5))


if __name__ == "__main__":
    main()
