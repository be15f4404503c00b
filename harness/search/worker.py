"""A worker process of a batch: reads one request as JSON, makes its trials, prints one line of JSON for each.

Processes, not threads, because a trial is all computation; JSON over pipes, because nothing else has to cross.
"""

from __future__ import annotations

import gc
import json
import sys
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from harness import catalog
from harness.fault import Fault
from harness.plan import Plan
from harness.search.coverage import cells
from harness.search.strategy import plan_of
from harness.search.trial import Trial, TrialError, run_trial
from harness.setup import Setup
from harness.simulation.cluster import PROVIDER
from harness.system import System

EXPLANATION_CHARACTERS_MAX: Final = 600
COLLECT_AFTER: Final = (50_000, 20, 50)
"""New objects before the youngest are looked through, and how often that is done before the older ones are."""


def request(base: Plan, seeds: range, strategy: str, checker_s: float | None) -> dict[str, Any]:
    """What a worker is asked: the plans of these seeds."""
    return {"plan": base.as_json(), "seeds": [seeds.start, seeds.stop, seeds.step], "strategy": strategy,
            "checker_s": checker_s}  # fmt: skip


def setup_of_plan(plan: Plan, system: System, faults: Mapping[str, Fault]) -> Setup:
    modules = (Path(plan.system),) if catalog.is_file(plan.system) else ()
    plan = replace(plan, options=system.completed(plan.options))
    return Setup(plan, system, catalog.workload(plan.workload), PROVIDER, faults, modules)


def outcomes(asked: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """One object per trial, in order of seeds."""
    base = Plan.from_json(asked["plan"])
    system = catalog.system(base.system)
    faults = catalog.faults()
    for seed in range(*asked["seeds"]):
        plan = plan_of(base, system, faults, seed, asked["strategy"])
        try:
            trial = run_trial(setup_of_plan(plan, system, faults), time_limit_s=asked["checker_s"])
        except TrialError as error:
            yield {"seed": seed, "valid": "unknown", "reason": "harness-error", "explanation": str(error)[:2000]}
        else:
            yield outcome(trial)


def outcome(trial: Trial) -> dict[str, Any]:
    """A trial in one line. In a batch a run counts though some of its faults had no effect, if others had: which
    faults never had one is said of the batch."""
    result, plan, idle = trial.verdict.result, trial.setup.plan, trial.verdict.idle_faults
    explanation = result.anomalies[0].explanation if result.anomalies else result.explanation
    return {
        "seed": plan.seed,
        "valid": True if idle else result.valid,
        "reason": str(result.reason) if result.reason else None,
        "explanation": (explanation or "")[:EXPLANATION_CHARACTERS_MAX],
        "anomalies": list(trial.anomalies),
        "faults": plan.faults,
        "bit": {line["name"]: line["bit"] for line in trial.verdict.faults},
        "operations": trial.verdict.record.counts.ok,
        "recovery_s": trial.verdict.record.recovery_s,
        "cells": [[*cell, count] for cell, count in cells(trial.history).items()],
        "rare": {name: list(times) for name, times in trial.rare.items()},
        "deliveries": trial.deliveries,
        "virtual_s": round(trial.virtual_s, 3),
        "seconds": round(trial.seconds, 4),
    }


def collect_seldom() -> None:
    """For a process that does nothing but run trials. What is imported stays; and a trial makes hardly any cycles, so
    that looking for them as often as Python does takes a tenth of all time. (Other Pythons collect in their own way.)
    """
    if sys.implementation.name == "cpython":
        gc.freeze()
        gc.set_threshold(*COLLECT_AFTER)


def main() -> None:
    collect_seldom()
    for line in outcomes(json.loads(sys.stdin.readline())):
        print(json.dumps(line), flush=True)


if __name__ == "__main__":
    main()
