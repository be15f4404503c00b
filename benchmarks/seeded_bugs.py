"""How soon does a search find each seeded bug, and does it ever cry wolf over the correct twin?

    python -m benchmarks.seeded_bugs [--bugs NAME,NAME] [--searches 3] [--runs-max 2000] [--twins 0] [--shrink 0]

Per bug: whether it was found in each of several searches (each from its own seed), the medians of runs and seconds,
and what showed it. With --twins N the same plans, without the bug, N of them: none may fail. With --shrink S the first
failing plan is shrunk for at most S seconds; the size of what is left, and when it was that small.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import replace
from statistics import median
from typing import Any, Final

from harness import catalog
from harness.plan import Plan
from harness.search.batch import Batch
from harness.search.shrink import NotDeterministicError, shrink
from harness.search.strategy import plan_of
from harness.search.worker import setup_of_plan
from harness.system import Bug, System

SEED_STEP: Final = 1_000_003
FAULTS: Final = catalog.faults()


def plan_for(system: System, bug: Bug, workload: str) -> Plan:
    options = {name: option.default for name, option in system.options.items()} | dict(bug.options)
    return Plan(system.name, workload, options, faults=bug.faults, provider="sim", rate_hz=20.0, time_limit_s=10.0)


def hunt(system: System, name: str, bug: Bug, searches: int, runs_max: int, shrink_s: float) -> dict[str, Any]:
    runs, seconds, shown, smallest = [], [], [], None
    for number in range(searches):
        base = replace(plan_for(system, bug, bug.workloads[0]), bugs=(name,))
        tally = Batch(base, 1 + number * SEED_STEP, runs_max, "uniform").execute()
        if tally.failures:
            runs.append(tally.runs)
            seconds.append(round(tally.seconds, 2))
            shown += tally.failures[0]["anomalies"]
            if shrink_s and smallest is None:
                smallest = shrunk(system, base, tally.failures[0]["seed"], shrink_s)
    return {
        "bug": name, "system": system.name, "row": bug.row, "faults": bug.faults, "found": len(runs), "of": searches,
        "median_runs": median(runs) if runs else None, "median_seconds": median(seconds) if seconds else None,
        "shows_as": sorted(set(shown)), "shrunk": smallest,
    }  # fmt: skip


def shrunk(system: System, base: Plan, seed: int, seconds: float) -> dict[str, Any]:
    setup = setup_of_plan(plan_of(base, system, FAULTS, seed, "uniform"), system, FAULTS)
    try:
        outcome = shrink(setup, seconds)
    except NotDeterministicError as error:
        return {"error": str(error)}
    plan = outcome.plan
    return {"faults": len(plan.schedule), "operations": len(plan.operations or ()), "nodes": plan.nodes,
            "reached_s": round(outcome.reached_s, 1), "tries": outcome.tries}  # fmt: skip


def twin(system: System, bug: Bug, plans: int) -> dict[str, Any]:
    tally = Batch(plan_for(system, bug, bug.workloads[0]), 1, plans, "uniform", keep_going=True).execute()
    alarms = [(failure["seed"], failure["anomalies"], failure["explanation"]) for failure in tally.failures]
    return {"plans": tally.runs, "false_alarms": alarms, "unknown": tally.reasons, "seconds": round(tally.seconds, 1)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bugs", default="")
    parser.add_argument("--searches", type=int, default=3)
    parser.add_argument("--runs-max", type=int, default=2000)
    parser.add_argument("--twins", type=int, default=0)
    parser.add_argument("--shrink", type=float, default=0.0)
    arguments = parser.parse_args()
    wanted = [name for name in arguments.bugs.split(",") if name]
    for system in map(catalog.system, catalog.names("systems")):
        for name, bug in sorted(system.bugs.items(), key=lambda item: item[1].row):
            if wanted and name not in wanted:
                continue
            line: dict[str, Any] = {"bug": name}
            if arguments.searches:
                line = hunt(system, name, bug, arguments.searches, arguments.runs_max, arguments.shrink)
            if arguments.twins:
                line["twin"] = twin(system, bug, arguments.twins)
            print(json.dumps(line), flush=True)


if __name__ == "__main__":
    main()
