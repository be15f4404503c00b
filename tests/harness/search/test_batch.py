"""Batches: tallies, strategies, coverage, and the workers behind them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from harness import catalog
from harness.faults.grammar import parse
from harness.search.batch import Batch, Tally, WorkerError
from harness.search.coverage import cells
from harness.search.strategy import STRATEGIES, plan_of
from harness.search.trial import run_trial
from tests.harness.search.plans import FAULTS, base_plan, setup_for


def outcome(seed: int, valid: Any, reason: str | None = None) -> dict[str, Any]:
    return {"seed": seed, "valid": valid, "reason": reason, "explanation": "", "anomalies": [], "faults": "none"}


def tally_of(*valid: Any) -> Tally:
    tally = Tally()
    for seed, word in enumerate(valid):
        tally.add(outcome(seed, word, "too-few-ok" if word == "unknown" else None))
    return tally


def test_the_worst_counts_and_a_few_unknown_ones_are_borne() -> None:
    assert tally_of(True, True).valid is True
    assert tally_of(*[True] * 9, "unknown").valid is True
    assert tally_of(*[True] * 8, "unknown").valid == "unknown"
    assert tally_of(*["unknown"] * 9, False).valid is False
    assert tally_of().valid == "unknown", "no run, no evidence"
    assert tally_of(True, "unknown", "unknown").reasons == {"too-few-ok": 2}


def test_a_batch_runs_all_seeds_on_all_workers() -> None:
    plan = base_plan("raft", faults="kill,partition", time_limit_s=3.0)
    seen: list[int] = []
    tally = Batch(plan, first=10, runs=4, workers=2).execute(lambda tally: seen.append(tally.runs))
    assert tally.runs == 4
    assert not tally.failures
    assert tally.deliveries > 1000
    assert tally.virtual_s > 12
    assert seen[-1] == 4
    assert any(phase == "in-force" for _, phase, _ in tally.cells)


@pytest.mark.parametrize(("keep_going", "runs"), [(False, range(1, 9)), (True, range(8, 9))])
def test_a_batch_stops_at_the_first_failure_or_counts_them_all(keep_going: bool, runs: range) -> None:
    plan = base_plan("single-leader", options={"replication": "async"}, workload="set", time_limit_s=6.0,
                     faults="partition=isolate-leader")  # fmt: skip
    tally = Batch(plan, first=1, runs=8, workers=2, keep_going=keep_going).execute()
    assert tally.failures
    assert tally.failures[0]["anomalies"] == ["lost"]
    assert tally.runs in runs


def test_a_worker_that_breaks_is_an_error() -> None:
    plan = base_plan("raft", faults="kill=nobody")
    with pytest.raises(WorkerError, match="nobody"):
        Batch(plan, first=1, runs=1).execute()


def drawn(strategy: str) -> Iterator[Any]:
    base = base_plan("raft", faults="partition,kill,pause,loss,delay,clock")
    for seed in range(60):
        yield plan_of(base, catalog.system("raft"), FAULTS, seed, strategy)


def test_uniform_names_every_fault_and_swarm_a_few() -> None:
    assert {plan.faults for plan in drawn("uniform")} == {"partition,kill,pause,loss,delay,clock"}
    assert {plan.order for plan in drawn("pct")} == {"pct"}
    swarm = list(drawn("swarm"))
    counts = {len(parse(plan.faults, FAULTS)) for plan in swarm}
    assert counts == {1, 2, 3}
    assert {plan.order for plan in swarm} == {"uniform", "pct"}
    assert len({plan.rate_hz for plan in swarm}) == 3
    for plan in swarm:
        assert {entry.fault for entry in plan.schedule} <= {spec.name for spec in parse(plan.faults, FAULTS)}


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_the_plan_of_a_seed_is_always_the_same(strategy: str) -> None:
    assert list(drawn(strategy)) == list(drawn(strategy))


def test_coverage_says_what_was_under_way_when_a_fault_struck() -> None:
    trial = run_trial(setup_for(base_plan("raft", faults="kill=leader", time_limit_s=6.0, rate_hz=100.0), 1))
    hit = cells(trial.history)
    assert {fault for fault, _, _ in hit} == {"kill=leader"}
    assert {phase for _, phase, _ in hit} == {"strikes", "in-force", "heals"}
    assert hit["kill=leader", "in-force", "read"] > 5
