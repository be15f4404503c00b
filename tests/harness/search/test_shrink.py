"""Shrinking whole: real systems in the simulated world, real bugs, real checkers."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from harness import catalog
from harness.history import History
from harness.plan import Plan
from harness.result import Result
from harness.search.shrink import NotDeterministicError, NothingToShrinkError, shrink
from harness.search.shrink_data import text
from harness.search.strategy import plan_of
from harness.search.trial import run_trial
from harness.search.worker import setup_of_plan
from harness.setup import Setup

ROOT = Path(__file__).resolve().parents[3]
FAULTS = catalog.faults()
FOR_ITSELF = str(ROOT / "examples" / "every_node_for_itself.py")


def setup_of(plan: Plan, seed: int = 0) -> Setup:
    system = catalog.system(plan.system)
    options = {**{name: option.default for name, option in system.options.items()}, **plan.options}
    drawn = plan_of(replace(plan, options=options), system, FAULTS, seed, "uniform")
    return setup_of_plan(drawn, system, FAULTS)


def failing(plan: Plan, tries: int = 20) -> Setup:
    """The first seed's setup that fails."""
    for seed in range(tries):
        setup = setup_of(plan, seed)
        if run_trial(setup).verdict.result.valid is False:
            return setup
    raise AssertionError(f"no failure within {tries} seeds")


def test_a_bug_without_faults_shrinks_to_a_write_and_a_read() -> None:
    plan = Plan(FOR_ITSELF, "register", time_limit_s=3.0, rate_hz=30.0, provider="sim")
    outcome = shrink(setup_of(plan), 30.0)
    assert outcome.explicit
    assert outcome.complete
    assert outcome.failure.type == "non-linearizable"
    assert outcome.before.operations is not None
    assert outcome.before.operations > 50
    assert (outcome.after.faults, outcome.after.operations) == (0, 2)
    first, second = outcome.plan.operations or ()
    assert (first.f, second.f) == ("write", "read")
    assert outcome.plan.nodes == 2
    assert outcome.seeds_failed == 10
    assert "null" in outcome.explanation


def test_a_bug_under_faults_shrinks_to_one_fault_and_replays() -> None:
    plan = Plan("single-leader", "set", bugs=("acknowledge-before-backup",), options={"replication": "sync"},
                faults="partition=isolate-leader, kill=leader", time_limit_s=8.0, rate_hz=30.0,
                provider="sim")  # fmt: skip
    setup = failing(plan)
    tries: list[int] = []
    outcome = shrink(setup, 20.0, watch=lambda oracle: tries.append(oracle.tries))
    assert outcome.after.faults == 1
    assert outcome.after.operations is not None
    assert outcome.after.operations <= 2
    assert tries == list(range(1, len(tries) + 1))
    assert sum(stage.tries for stage in outcome.stages.values()) == len(tries)
    again = Plan.from_json(json.loads(text(outcome.plan)))
    trial = run_trial(setup_of_plan(again, setup.system, FAULTS))
    assert "lost" in trial.anomalies
    honest = run_trial(setup_of_plan(replace(again, bugs=()), setup.system, FAULTS))
    assert honest.verdict.result.valid is not False, "it is the bug that was shrunk, and nothing else"


def test_what_was_lost_was_asked_for_by_the_plan_and_not_by_the_probe() -> None:
    plan = Plan("single-leader", "set", faults="partition=isolate-leader", options={"replication": "async"},
                time_limit_s=6.0, rate_hz=20.0, provider="sim")  # fmt: skip
    outcome = shrink(failing(plan), 8.0)
    assert outcome.failure.type == "lost"
    assert outcome.after.faults <= 1
    added = {operation.value for operation in outcome.plan.operations or ()}
    assert outcome.anomaly is not None
    assert added & set(outcome.anomaly.details["elements"])


def test_a_plan_that_does_not_fail_is_not_shrunk() -> None:
    plan = Plan("single-leader", "set", time_limit_s=2.0, rate_hz=30.0, provider="sim")
    with pytest.raises(NothingToShrinkError) as caught:
        shrink(setup_of(plan), 5.0)
    assert caught.value.trial.verdict.result.valid is True


def test_a_person_in_a_hurry_gets_the_best_so_far() -> None:
    plan = Plan(FOR_ITSELF, "register", time_limit_s=3.0, rate_hz=30.0, provider="sim")
    tries: list[int] = []
    outcome = shrink(setup_of(plan), 30.0, watch=lambda oracle: tries.append(1), stopped=lambda: len(tries) >= 3)
    assert len(tries) == 3
    assert not outcome.complete
    assert outcome.anomaly is not None
    assert outcome.after.operations is not None
    assert outcome.after.operations < (outcome.before.operations or 0)


def test_what_fails_and_then_does_not_is_named_and_nothing_is_returned() -> None:
    """The verdict depends on how many came before it, as if the world were not the same every time."""
    setup = setup_of(Plan(FOR_ITSELF, "register", time_limit_s=3.0, rate_hz=30.0, provider="sim"))
    checks: list[History] = []

    def check(history: History, time_limit_s: float | None) -> Result:
        checks.append(history)
        found = setup.workload.check(history, time_limit_s)
        return found if len(checks) <= 6 else replace(found, valid=True, anomalies=())

    moody = replace(setup, workload=replace(setup.workload, check=check))
    with pytest.raises(NotDeterministicError, match="check-determinism"):
        shrink(moody, 5.0)
