"""The applications on every isolation level of the reference store: caught where the level allows it, else it holds.

    python -m benchmarks.application_levels [--levels NAME,NAME] [--workloads W,W] [--seeds 20] [--faults TEXT]

A line per workload and level: verdicts, anomalies, operations. Exit status 1 if a level did not keep what it promises,
2 if one that allows an anomaly was not caught in more than half of its runs.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from time import process_time
from typing import Any, Final

from harness import catalog
from harness.plan import Plan
from harness.search.strategy import plan_of
from harness.search.trial import Trial, run_trial
from harness.search.worker import setup_of_plan

SYSTEM: Final = "reference-store"
PLUG_INS: Final = catalog.faults()
TIME_LIMIT_S: Final = 10.0
RATE_HZ: Final = 20.0

ALLOWS: Final[Mapping[str, tuple[str, ...]]] = {
    "bank": ("read-committed", "read-uncommitted"),
    "write-skew": ("read-committed", "read-uncommitted", "snapshot-isolation", "parallel-snapshot-isolation"),
    "booking": (
        "read-committed",
        "read-uncommitted",
        "snapshot-isolation",
        "parallel-snapshot-isolation",
        "repeatable-read",
    ),
    "long-fork": ("parallel-snapshot-isolation",),
}
"""By workload, the levels at which its anomaly is to be expected."""

RARELY: Final[Mapping[str, tuple[str, ...]]] = {"long-fork": ("read-committed", "read-uncommitted")}
"""Those that allow it, and show it by chance: reads without a snapshot have to cross in just the right way."""


def trial(workload: str, level: str, faults: str, seed: int) -> Trial:
    system = catalog.system(SYSTEM)
    options = {name: option.default for name, option in system.options.items()} | {"isolation": level}
    base = Plan(SYSTEM, workload, options, faults=faults, provider="sim", rate_hz=RATE_HZ, time_limit_s=TIME_LIMIT_S)
    return run_trial(setup_of_plan(plan_of(base, system, PLUG_INS, seed, "uniform"), system, PLUG_INS))


def campaign(workload: str, level: str, faults: str, seeds: int) -> dict[str, Any]:
    """The runs of one line; ``status`` is what it adds to the exit status."""
    began, counts = process_time(), Counter[str]()
    verdicts: Counter[str] = Counter()
    shown: Counter[str] = Counter()
    for seed in range(1, seeds + 1):
        made = trial(workload, level, faults, seed)
        result, record = made.verdict.result, made.verdict.record
        verdicts[str(result.reason or result.valid)] += 1
        shown.update(made.anomalies)
        counts += Counter(ok=record.counts.ok, fail=record.counts.fail, info=record.counts.info)
    return {"workload": workload, "level": level, "faults": faults, "verdicts": dict(verdicts), "shown": dict(shown),
            **counts, "cpu_s": round(process_time() - began, 1),
            "status": _status(workload, level, verdicts[str(False)], seeds)}  # fmt: skip


def _status(workload: str, level: str, caught: int, seeds: int) -> int:
    if level in RARELY.get(workload, ()):
        return 0
    if level in ALLOWS[workload]:
        return 0 if caught > seeds / 2 else 2
    return 1 if caught else 0


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--levels", default=",".join(catalog.system(SYSTEM).options["isolation"].values or ()))
    parser.add_argument("--workloads", default=",".join(ALLOWS))
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--faults", default="none")
    chosen = parser.parse_args(arguments)
    statuses = set()
    for workload in chosen.workloads.split(","):
        for level in chosen.levels.split(","):
            line = campaign(workload, level, chosen.faults, chosen.seeds)
            print(json.dumps(line), flush=True)
            statuses.add(line["status"])
    return 1 if 1 in statuses else max(statuses, default=0)


if __name__ == "__main__":
    sys.exit(main())
