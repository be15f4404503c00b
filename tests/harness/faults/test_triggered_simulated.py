"""Faults that something sets off in the simulated world: in the very moment, again and again the same."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from harness import catalog
from harness.fault import ordinal
from harness.faults.grammar import parse
from harness.faults.schedule import schedule
from harness.generator.script import operations_of
from harness.plan import Plan
from harness.search.trial import Trial, run_trial
from harness.setup import Setup, node_specs
from harness.simulation.cluster import PROVIDER

FAULTS = catalog.faults()


def trial(faults: str, seed: int = 3, **changes: Any) -> Trial:
    system = catalog.system("raft")
    options = {name: option.default for name, option in system.options.items()}
    plan = Plan(system="raft", workload="register", options=options, faults=faults, provider="sim", concurrency=4,
                rate_hz=30, time_limit_s=5.0, seed=seed)  # fmt: skip
    nodes = tuple(spec.name for spec in node_specs(system, plan.nodes))
    drawn = schedule(parse(faults, FAULTS), FAULTS, nodes, plan.time_limit_s, seed)
    plan = replace(plan, schedule=drawn, **changes)
    return run_trial(Setup(plan, system, catalog.workload("register"), PROVIDER, FAULTS))


@pytest.mark.parametrize("count", [1, 2, 3])
def test_a_node_that_is_killed_at_its_event_does_nothing_after_it(count: int) -> None:
    found = trial(f"kill=leader, after {ordinal(count)} vote-granted: kill its node")
    (application,) = (line for line in found.verdict.record.applications if line["trigger"] is not None)
    node = application["trigger"]["node"]
    votes = sorted(
        (event for event in found.events if event["name"] == "vote-granted"
         and event["time_monotonic_ns"] > found.verdict.record.main_start_ns),
        key=lambda event: event["time_monotonic_ns"],
    )  # fmt: skip
    vote = votes[count - 1]
    assert application["started_ns"] == vote["time_monotonic_ns"]
    assert application["done"]["nodes"] == [node]
    last = [e for e in found.events if (e["node"], e["incarnation"]) == (node, vote["incarnation"])][-1]
    assert (last["name"], last["time_monotonic_ns"]) == ("vote-granted", vote["time_monotonic_ns"])
    assert application["bit"], application


def test_the_same_plan_strikes_the_same_moments() -> None:
    faults = "partition, after any vote-granted: pause its node, after 5th operation write: kill=leader"
    first, again = trial(faults), trial(faults)
    assert list(first.history) == list(again.history)
    assert first.verdict.record.applications == again.verdict.record.applications


def test_a_recorded_run_is_replayed_operation_by_operation() -> None:
    faults = "partition, after 5th operation write: kill=leader"
    first = trial(faults)
    record = first.verdict.record
    operations = operations_of(first.history, record.main_start_ns, 4, record.main_end_ns)
    assert len(operations) > 50
    again = trial(faults, operations=operations)
    record = again.verdict.record
    assert operations_of(again.history, record.main_start_ns, 4, record.main_end_ns) == operations
    assert [line["bit"] for line in record.applications] == [
        line["bit"] for line in first.verdict.record.applications
    ]  # fmt: skip


def test_a_log_line_sets_off_a_fault() -> None:
    found = trial('kill=one, after log "serv": partition its node')
    killed, cut = sorted(found.verdict.record.applications, key=lambda line: line["fault"])
    assert (killed["fault"], cut["fault"]) == ("kill", "partition")
    assert cut["trigger"] == {"on": "log", "name": "serv", "count": 1, "node": killed["done"]["nodes"][0]}
    assert cut["started_ns"] > killed["stopped_ns"] - 100_000_000, "it serves again when it is healed"
    assert cut["done"]["nodes"] == killed["done"]["nodes"]
