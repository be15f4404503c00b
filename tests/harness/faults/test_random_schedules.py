"""Random composed schedules on a correct system: never invalid, back to work after the heal, and many of them bite.

The same on real nodes, fifty times: ``python -m benchmarks.composed_faults --runs 50 --provider local``.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from harness import catalog
from harness.plan import Plan
from harness.search.strategy import plan_of
from harness.search.trial import Trial, run_trial
from harness.setup import Setup, scheduled
from harness.simulation.cluster import CAPABILITIES, PROVIDER

FAULTS = catalog.faults()
RAFT = catalog.system("raft")
STORM = Path(__file__).resolve().parents[3] / "examples" / "faults" / "storm.toml"
BASE = Plan("raft", "register", {name: option.default for name, option in RAFT.options.items()}, provider="sim",
            rate_hz=20.0, time_limit_s=12.0)  # fmt: skip


def trial(faults: str, seed: int, **changes: Any) -> Trial:
    plan = replace(BASE, faults=faults, seed=seed, **changes)
    plan = replace(plan, schedule=scheduled(plan, RAFT, FAULTS, CAPABILITIES))
    return run_trial(Setup(plan, RAFT, catalog.workload("register"), PROVIDER, FAULTS))


@pytest.mark.parametrize("profile", ["swarm", "brutal", "typical", "calm"])
def test_whatever_is_composed_the_system_holds_and_comes_back(profile: str) -> None:
    bit = 0
    for seed in range(2):
        verdict = trial(profile, seed).verdict
        assert verdict.result.valid is not False, (seed, verdict.result.anomalies)
        assert verdict.record.recovered, seed
        assert (verdict.record.unhealed, verdict.record.troubles) == ((), ()), seed
        bit += sum(line["bit"] for line in verdict.faults)
        for line in verdict.record.applications:
            assert line["applied"] or "is held by" in line["effect"]["explanation"] or line["errors"], line
            assert line["applied"] or not line["bit"]
    assert bit >= 2


def test_what_overlaps_is_healed_layer_by_layer_and_a_replay_does_the_same() -> None:
    first, again = (trial("brutal", 2) for _ in range(2))
    assert list(first.history) == list(again.history)
    spans = [(line["started_ns"], line["stopped_ns"]) for line in first.verdict.record.applications if line["applied"]]
    assert any(a[0] < b[0] < a[1] for a in spans for b in spans), "some overlap"
    assert all(stop is not None for _, stop in spans)


def test_the_example_of_a_fault_file_runs() -> None:
    found = trial(str(STORM), 3, time_limit_s=20.0).verdict
    assert found.result.valid is True, found.result.explanation
    assert {line["name"]: line["bit"] for line in found.faults} == dict.fromkeys(
        ("pause", "kill", "partition", "restart"), True
    )


@pytest.mark.parametrize("strategy", ["uniform", "swarm", "pct"])
def test_a_search_draws_profiles_and_files_anew_for_every_seed(strategy: str) -> None:
    for faults in ("brutal", str(STORM)):
        base = replace(BASE, faults=faults, time_limit_s=20.0)
        one, other = (plan_of(base, RAFT, FAULTS, seed, strategy) for seed in (1, 2))
        assert one.faults == faults
        assert one.schedule != other.schedule
        assert one == plan_of(base, RAFT, FAULTS, 1, strategy)
