"""Whole runs of the reference store: serializable holds whatever happens, a weaker level shows what it permits."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest

from checkers.transactional import check
from checkers.transactional.lattice import proscribed
from harness.result import Reason
from harness.search.determinism import compare
from harness.search.trial import Trial, run_trial
from systems_under_test.reference_store.level import KEPT, LEVELS
from tests.harness.search.plans import base_plan, setup_for

WORKLOADS = ("list-append", "rw-register")

# level -> the weakest model that it breaks, and anomalies that it shows in lists
WEAKER: dict[str, tuple[str, frozenset[str]]] = {
    "snapshot-isolation": ("strict-serializable", frozenset({"write-skew", "G2-item"})),
    "parallel-snapshot-isolation": (
        "strong-snapshot-isolation",
        frozenset({"write-skew", "G2-item", "G-single-realtime"}),
    ),
    "read-committed": ("read-atomic", frozenset({"lost-update", "G-single", "write-skew"})),
    "read-uncommitted": ("read-committed", frozenset({"G0", "G1b", "G1c"})),
}


def trials(level: str, workload: str, seeds: Iterable[int], faults: str = "none", **options: str) -> list[Trial]:
    fields: dict[str, Any] = {"rate_hz": 40.0, "time_limit_s": 4.0, "options": {"isolation": level, **options}}
    plan = base_plan("reference-store", workload=workload, faults=faults, **fields)
    return [run_trial(setup_for(plan, seed)) for seed in seeds]


@pytest.mark.parametrize(("workload", "faults"), [
    *((workload, "none") for workload in WORKLOADS), ("rw-register", "pause"), ("list-append", "partition=clients"),
    ("list-append", "loss=clients,delay=clients"), ("list-append", "duplicate=clients,reorder=clients"),
])  # fmt: skip
def test_serializable_is_strictly_serializable(workload: str, faults: str) -> None:
    result = trials("serializable", workload, (1,), faults)[0].verdict.result
    assert result.valid is True, str(result)


def test_repeatable_read_has_phantoms_only_and_these_workloads_ask_for_no_ranges() -> None:
    for workload in WORKLOADS:
        assert [trial.verdict.result.valid for trial in trials("repeatable-read", workload, (1,))] == [True]


@pytest.mark.parametrize("workload", WORKLOADS)
@pytest.mark.parametrize("level", WEAKER)
def test_a_weaker_level_is_caught_and_keeps_what_it_promises(level: str, workload: str) -> None:
    broken, anomalies = WEAKER[level]
    found = [*trials(level, workload, (1,)), *trials(level, workload, (2,), "loss=clients,pause")]
    assert {trial.verdict.result.valid for trial in found} == {False}
    assert any(check(trial.history, expect=broken).valid is False for trial in found)
    if level in KEPT:
        assert all(check(trial.history, expect=KEPT[level]).valid is True for trial in found)
    if workload == "list-append":
        shown = {type_ for trial in found for type_ in trial.anomalies}
        assert anomalies <= shown
        assert level not in KEPT or not shown & set(proscribed(KEPT[level]))


def test_transactions_that_are_aborted_are_read_uncommitted() -> None:
    found = trials("read-uncommitted", "list-append", (1, 2), "delay=clients")
    assert any("G1a" in trial.anomalies for trial in found)


def test_sites_that_learn_of_each_other_late_fork() -> None:
    found = trials("parallel-snapshot-isolation", "list-append", (1, 2), **{"replication-ms": "400"})
    assert any(check(trial.history, expect="snapshot-isolation").valid is False for trial in found)
    assert all(check(trial.history, expect="parallel-snapshot-isolation").valid is True for trial in found)


def test_a_kill_loses_everything_and_the_run_says_nothing() -> None:
    trial = trials("serializable", "list-append", (1,), "kill")[0]
    assert (trial.verdict.result.valid, trial.verdict.result.reason) == ("unknown", Reason.NO_RECOVERY)


def test_a_seed_gives_the_same_run_in_two_processes() -> None:
    plan = base_plan("reference-store", faults="duplicate=clients,partition=clients", rate_hz=40.0, time_limit_s=2.0)
    assert compare(setup_for(plan, 4).plan).same


def test_the_levels_are_those_of_the_checker() -> None:
    from checkers.transactional import MODELS

    assert set(LEVELS) <= set(MODELS)
    assert set(KEPT.values()) <= set(MODELS)
    assert set(LEVELS) - set(KEPT) == {"read-uncommitted"}
