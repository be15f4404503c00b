"""Option sets: what is promised is tested, and agrees with what claims and seeded bugs say of the same options."""

from __future__ import annotations

import pytest

from harness import catalog
from harness.claim import Violates
from harness.claims.experiment import plan_of
from harness.exam.option_set import has_to_bear, option_sets
from harness.faults.profile import BEYOND
from tests.harness.claims.findings import bad, good

SYSTEMS = catalog.names("systems")


@pytest.mark.parametrize("name", SYSTEMS)
def test_only_workloads_of_the_system_are_promised(name: str) -> None:
    system = catalog.system(name)
    for each in option_sets(system):
        assert system.promises(each.options) <= set(system.workloads)
        tried = {question.arm.experiment.workload for question in each.questions}
        assert tried == set(each.promises) == system.promises(each.options), "each of them gets runs"


@pytest.mark.parametrize("name", SYSTEMS)
def test_what_a_claim_expects_to_break_is_not_promised(name: str) -> None:
    system = catalog.system(name)
    for claim in system.claims:
        experiment = claim.experiment
        if isinstance(claim.expect, Violates) and not experiment.bugs and has_to_bear(system, experiment):
            assert experiment.workload not in system.promises(system.completed(experiment.options)), claim.id


def test_nothing_is_promised_under_faults_that_no_system_has_to_bear() -> None:
    """Clocks that run at any rate, for a lease; but clocks that jump it has to bear."""
    raft = catalog.system("raft")
    experiments = {claim.id: claim.experiment for claim in raft.claims}
    assert has_to_bear(raft, experiments["CO-1g"])
    assert not has_to_bear(raft, experiments["CO-1s"])


@pytest.mark.parametrize("name", SYSTEMS)
def test_what_a_bug_breaks_is_promised_without_it(name: str) -> None:
    system = catalog.system(name)
    for bug_name, bug in system.bugs.items():
        assert bug.workloads[0] in system.promises(system.completed(bug.options)), bug_name


def test_the_runs_of_a_set_are_dealt_out_to_its_workloads() -> None:
    each = option_sets(catalog.system("chain"), runs=8)[0]
    assert [(question.arm.experiment.workload, question.wanted) for question in each.questions] == [
        ("register", 3), ("set", 3), ("counter", 2)]  # fmt: skip


def test_a_set_that_promises_nothing_has_no_runs() -> None:
    broken = [each for each in option_sets(catalog.system("single-leader")) if each.options["generation"] == "off"]
    assert broken
    assert not any(each.questions for each in broken)


def test_alarms_and_unknowns_are_counted_over_all_workloads() -> None:
    each = option_sets(catalog.system("chain"), runs=3)[0]
    for question, finding in zip(
        each.questions, (bad(1, "non-linearizable"), good(1, valid="unknown", reason="timeout"), good(1)), strict=True
    ):
        wanted = question.next()
        assert wanted is not None
        question.add(wanted[0], finding)
    assert (each.runs, each.false_alarms, each.unknown) == (3, 1, {"timeout": 1})


def test_the_faults_are_of_all_sorts_but_none_that_the_system_need_not_withstand() -> None:
    system = catalog.system("chain")
    arm = option_sets(system)[0].questions[0].arm
    plans = [plan_of(arm.experiment, system, catalog.faults(), seed, "sim") for seed in range(1, 30)]
    drawn = {entry.fault for plan in plans for entry in plan.schedule}
    assert {"partition", "kill", "pause", "power-loss", "delay", "loss", "clock", "duplicate"} <= drawn
    assert not drawn & (BEYOND - system.withstands)


def test_nothing_stops_the_nodes_of_a_system_without_a_disk() -> None:
    """Each of its runs would end without a verdict."""
    system = catalog.system("reference-store")
    arm = option_sets(system)[0].questions[0].arm
    plans = [plan_of(arm.experiment, system, catalog.faults(), seed, "sim") for seed in range(1, 10)]
    drawn = {entry.fault for plan in plans for entry in plan.schedule}
    assert {"partition", "loss", "delay", "duplicate", "pause", "clock"} == drawn
