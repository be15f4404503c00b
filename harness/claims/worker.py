"""A worker process: reads plans, one line of JSON each, runs them, and prints what each comes to (``finding``).

In the simulated world a run is made here; on real nodes by the command line, as a person would, in a process of its
own, and its folder is read.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path
from time import perf_counter
from typing import Any, Final

from harness import catalog
from harness.claims.finding import Finding, failed, finding
from harness.claims.observed import Observed, recorded
from harness.fault import Fault
from harness.plan import Plan
from harness.search.trial import TrialError, run_trial
from harness.search.worker import collect_seldom, setup_of_plan

SIM: Final = "sim"
CHECKER_S: Final = 60.0
REAL_S_SPARE: Final = 300.0


def request(
    plan: Plan, figures: Sequence[str] = (), told: Sequence[str] = (), store: str | None = None
) -> dict[str, Any]:
    """What a worker is asked: to run the plan, and to look for these figures and events. A real run is kept below
    ``store``."""
    return {"plan": plan.as_json(), "figures": list(figures), "told": list(told), "store": store}


@cache
def _faults() -> Mapping[str, Fault]:
    return catalog.faults()


def answer(asked: Mapping[str, Any]) -> Finding:
    plan = Plan.from_json(asked["plan"])
    if plan.provider == SIM:
        return _simulated(plan, asked["figures"], asked["told"])
    return _real(plan, asked["figures"], asked["told"], Path(asked["store"]))


def _simulated(plan: Plan, figures: Sequence[str], told: Sequence[str]) -> Finding:
    begin = perf_counter()
    try:
        trial = run_trial(setup_of_plan(plan, catalog.system(plan.system), _faults()), time_limit_s=CHECKER_S)
    except TrialError as error:
        return replace(failed(plan.seed, str(error)), seconds=round(perf_counter() - begin, 3))
    run = Observed(plan, trial.setup.system, trial.verdict.as_json(), trial.history, trial.events)
    return finding(run, figures, told, perf_counter() - begin)


def _real(plan: Plan, figures: Sequence[str], told: Sequence[str], store: Path) -> Finding:
    """One run that hangs, or leaves what cannot be read, has come to no verdict; the other runs go on."""
    begin = perf_counter()
    try:
        run, place = _run(plan, told, store)
    except (TrialError, OSError, ValueError, subprocess.TimeoutExpired) as error:
        return replace(failed(plan.seed, str(error)), seconds=round(perf_counter() - begin, 3))
    return finding(run, figures, told, perf_counter() - begin, place)


def _run(plan: Plan, told: Sequence[str], store: Path) -> tuple[Observed, str]:
    """By the command line; what was recorded, and where. Raises TrialError with what the command says."""
    store.mkdir(parents=True, exist_ok=True)
    path = store / f"plan-{plan.seed}.json"
    path.write_text(json.dumps(plan.as_json()), encoding="utf-8")
    command = [sys.executable, "-m", "harness.cli", "run", "--replay", str(path), "--store", str(store), "--json"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL,
                          timeout=plan.time_limit_s + REAL_S_SPARE)  # fmt: skip
    said: Any = json.loads(done.stdout.splitlines()[-1]) if done.stdout.strip() else {"error": done.stderr[-1000:]}
    if "error" in said:
        raise TrialError(str(said["error"]))
    return recorded(plan, catalog.system(plan.system), Path(said["store"]), told), said["store"]


def main() -> None:
    collect_seldom()
    for line in sys.stdin:
        print(json.dumps(answer(json.loads(line)).as_json()), flush=True)


if __name__ == "__main__":
    main()
