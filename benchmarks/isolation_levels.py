"""What each isolation level of the reference store shows, and whether what it keeps holds: a campaign in virtual time.

    python -m benchmarks.isolation_levels [--levels NAME,NAME] [--workloads W,W] [--seeds 20] [--rate 40]

A line per level, workload and fault: verdicts, how often the promised level held, how many runs showed each anomaly.
Exit status 1 if a promise was broken.
"""

from __future__ import annotations

import argparse
import json
from collections import Counter
from time import process_time
from typing import Any, Final

from checkers.transactional import check
from harness import catalog
from harness.plan import Plan
from harness.search.strategy import plan_of
from harness.search.trial import Trial, run_trial
from harness.search.worker import setup_of_plan
from systems_under_test.reference_store import SYSTEM
from systems_under_test.reference_store.level import KEPT, LEVELS

PLUG_INS: Final = catalog.faults()
FAULTS: Final = ("none", "partition=clients,pause", "delay=clients,loss=clients", "duplicate=clients,reorder=clients")
WORKLOADS: Final = ("list-append", "rw-register")
TIME_LIMIT_S: Final = 10.0


def trial(level: str, workload: str, faults: str, seed: int, rate_hz: float) -> Trial:
    options = {name: option.default for name, option in SYSTEM.options.items()} | {"isolation": level}
    base = Plan(SYSTEM.name, workload, options, faults=faults, provider="sim", rate_hz=rate_hz,
                time_limit_s=TIME_LIMIT_S)  # fmt: skip
    return run_trial(setup_of_plan(plan_of(base, SYSTEM, PLUG_INS, seed, "uniform"), SYSTEM, PLUG_INS))


def campaign(level: str, workload: str, faults: str, seeds: int, rate_hz: float) -> dict[str, Any]:
    began, ok = process_time(), 0
    verdicts: Counter[str] = Counter()
    kept: Counter[str] = Counter()
    shown: Counter[str] = Counter()
    for seed in range(1, seeds + 1):
        made = trial(level, workload, faults, seed, rate_hz)
        result = made.verdict.result
        verdicts[str(result.reason or result.valid)] += 1
        shown.update(made.anomalies)
        ok += made.verdict.record.counts.ok
        if level in KEPT:
            kept[str(check(made.history, expect=KEPT[level]).valid)] += 1
    return {"level": level, "workload": workload, "faults": faults, "verdicts": dict(verdicts), "ok": ok,
            "kept": {KEPT[level]: dict(kept)} if level in KEPT else None, "shown": dict(shown.most_common()),
            "cpu_s": round(process_time() - began, 1)}  # fmt: skip


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--levels", default=",".join(LEVELS))
    parser.add_argument("--workloads", default=",".join(WORKLOADS))
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--rate", type=float, default=40.0)
    arguments = parser.parse_args()
    broken = False
    for level in arguments.levels.split(","):
        for workload in arguments.workloads.split(","):
            for faults in FAULTS:
                line = campaign(level, workload, faults, arguments.seeds, arguments.rate)
                print(json.dumps(line), flush=True)
                broken = broken or bool(line["kept"] and set(line["kept"][KEPT[level]]) != {"True"})
    return int(broken)


if __name__ == "__main__":
    raise SystemExit(main())
