"""Trials: whole checked runs in virtual time, good ones and bad ones."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from harness.plan import ScheduledFault
from harness.search.trial import TrialError, run_trial
from harness.store import create_folder
from harness.trace import Trace
from tests.harness.search.plans import base_plan, setup_for

FAULTS = ("none", "partition", "kill", "pause", "power-loss", "loss,reorder", "duplicate,delay", "slow-node,slow-link",
          "restart,torn-write", "disk-full,eio", "bit-flip")  # fmt: skip


@pytest.mark.parametrize("faults", FAULTS)
def test_raft_holds_and_its_faults_bite(faults: str) -> None:
    for workload in ("register", "set"):
        plan = base_plan("raft", faults=faults, workload=workload, time_limit_s=10.0)
        verdicts = [run_trial(setup_for(plan, seed)).verdict for seed in (1, 2)]
        for verdict in verdicts:
            assert verdict.result.valid is not False, [anomaly.explanation for anomaly in verdict.result.anomalies]
        assert any(verdict.result.valid is True for verdict in verdicts), verdicts[0].result.explanation


def test_asynchronous_replication_loses_what_it_acknowledged() -> None:
    plan = base_plan("single-leader", options={"replication": "async"}, faults="partition=isolate-leader,kill=leader",
                     workload="set", time_limit_s=10.0)  # fmt: skip
    results = [run_trial(setup_for(plan, seed)) for seed in range(1, 4)]
    assert any("lost" in trial.anomalies for trial in results)


def test_the_same_seed_gives_the_same_history() -> None:
    plan = base_plan("raft", faults="partition,kill", time_limit_s=3.0)
    first, second = (run_trial(setup_for(plan, 5)) for _ in range(2))
    assert list(first.history) == list(second.history)
    assert first.events == second.events
    assert first.deliveries == second.deliveries > 500


def test_a_run_in_a_folder_leaves_what_a_real_one_leaves(tmp_path: Path) -> None:
    setup = setup_for(base_plan("raft", faults="kill", time_limit_s=4.0), 3)
    folder, trace = create_folder(tmp_path, setup.plan), Trace()
    trial = run_trial(setup, folder=folder, trace=trace)
    in_memory = run_trial(setup)
    assert [str(op) for op in trial.history] == [str(op) for op in in_memory.history]
    assert trial.verdict.result.valid == in_memory.verdict.result.valid
    assert json.loads((folder.path / "results.json").read_text())["valid"] == trial.verdict.result.valid
    for name in ("history.jsonl", "faults.jsonl", "nodes/n1/events.jsonl", "nodes/n1/node.log"):
        assert (folder.path / name).stat().st_size > 0, name
    kinds = {row[1] for row in trace.rows}
    assert {"send", "recv", "event", "start", "stop", "fault"} <= kinds


def test_a_system_that_never_is_ready_is_an_error_that_says_so() -> None:
    setup = setup_for(base_plan("raft", time_limit_s=1.0), 1)
    setup = replace(setup, system=replace(setup.system, ready=lambda statuses: False))
    with pytest.raises(TrialError, match="seed 1: raft was not ready after 30 s"):
        run_trial(setup)


def test_power_loss_of_all_keeps_what_was_synced() -> None:
    """Every node loses power together, in the middle of the load; what was acknowledged is there afterwards."""
    plan = base_plan("raft", faults="none", workload="set", time_limit_s=6.0, rate_hz=50.0)
    action = {"shape": "all", "nodes": ["n1", "n2", "n3", "n4", "n5"], "torn": True, "reordered": True, "keep": "none"}
    for seed in range(3):
        setup = setup_for(plan, seed)
        fault = ScheduledFault("power-loss", 2_000_000_000, 2_500_000_000, action)
        trial = run_trial(replace(setup, plan=replace(setup.plan, schedule=(fault,), faults="power-loss=all")))
        assert trial.verdict.result.valid is not False, trial.verdict.result.anomalies
        assert trial.verdict.record.recovered
