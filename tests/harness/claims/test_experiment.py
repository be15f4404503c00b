"""From an experiment to a plan."""

from __future__ import annotations

import pytest

from harness import catalog
from harness.claim import Experiment, Variant
from harness.claims.experiment import plan_of
from harness.plan import Plan

SYSTEM = catalog.system("single-leader")
FAULTS = catalog.faults()


def plan(experiment: Experiment, seed: int = 1) -> Plan:
    return plan_of(experiment, SYSTEM, FAULTS, seed, "sim")


def test_options_that_are_not_named_have_their_defaults() -> None:
    options = plan(Experiment("set", {"replication": "sync"})).options
    assert options["replication"] == "sync"
    assert options["failover"] == SYSTEM.options["failover"].default


def test_faults_are_drawn_from_the_seed() -> None:
    experiment = Experiment("set", faults="kill")
    assert plan(experiment) == plan(experiment)
    assert plan(experiment).schedule != plan(experiment, 2).schedule


def test_windows_place_each_fault() -> None:
    placed = plan(
        Experiment("set", faults="partition=isolate-leader, kill=leader", windows=((1, 2), (1.5, 4)))
    ).schedule
    assert [(entry.fault, entry.start_ns, entry.stop_ns) for entry in placed] == [
        ("partition", 1_000_000_000, 2_000_000_000), ("kill", 1_500_000_000, 4_000_000_000)]  # fmt: skip


def test_a_window_for_a_trigger_arms_it() -> None:
    (entry,) = plan(Experiment("set", faults="after 50th operation add: kill=leader", windows=((2, 5),))).schedule
    assert entry.trigger is not None
    assert entry.trigger["count"] == 50
    (entry,) = plan(Experiment("set", faults="after any leader-change: kill=leader", windows=((2, 5),))).schedule
    assert entry.trigger is not None
    assert 1 <= entry.trigger["count"] <= 8


def test_as_many_windows_as_faults() -> None:
    with pytest.raises(ValueError, match="1 windows for 2 faults"):
        plan(Experiment("set", faults="kill, pause", windows=((1, 2),)))


def test_a_variant_changes_nothing_but_what_it_says() -> None:
    experiment = Experiment("set", {"replication": "sync", "reads": "any"}, faults="kill", nodes=5)
    varied = experiment.varied(Variant("x", {"replication": "async"}, ("no-generation",), {"nodes": 3}))
    assert dict(varied.options) == {"replication": "async", "reads": "any"}
    assert (varied.bugs, varied.nodes, varied.faults) == (("no-generation",), 3, "kill")
