"""Hunts and twins: what counts as found, and how many runs a find takes."""

from __future__ import annotations

from harness import catalog
from harness.claims.finding import Finding
from harness.exam.code import BY_WORKLOAD, CODES, codes
from harness.exam.hunt import Hunt, correct_twin, experiment
from harness.system import System
from tests.harness.claims.findings import bad, good

SYSTEM: System = catalog.system("single-leader")
NAME = "acknowledge-before-backup"  # shows as SET, LIN, CNT


def hunt(*findings: Finding, runs: int = 100, finds: int | None = 3) -> Hunt:
    found = Hunt(SYSTEM, NAME, runs, finds)
    for finding in findings:
        asked = found.next()
        assert asked is not None
        found.add(asked[0], finding)
    return found


def test_every_workload_and_every_bug_has_its_codes() -> None:
    assert set(BY_WORKLOAD) >= set(catalog.names("workloads"))
    for name in catalog.names("systems"):
        for bug in catalog.system(name).bugs.values():
            assert set(bug.shows_as) <= set(CODES), bug
            assert ("AVL" in bug.shows_as) == (bug.gap_s is not None), bug


def test_what_a_run_shows() -> None:
    assert codes(bad(anomaly="lost"), "set") == {"SET"}
    assert codes(bad(anomaly="divergence"), "set") == {"DIV"}
    assert codes(bad(anomaly="assertion"), "set") == {"assertion"}
    assert codes(good(), "set") == set()
    assert codes(good(longest_gap_s=5.0), "set", 4.0) == {"AVL"}
    assert codes(good(longest_gap_s=3.9), "set", 4.0) == set()
    assert codes(bad(valid="unknown", reason="no-recovery"), "set") == set()


def test_an_assertion_is_no_find() -> None:
    assert not hunt(bad(1, "assertion")).detections
    assert hunt(bad(1, "assertion")).checkers() == {"assertion": 1}


def test_a_find_counts_its_runs_from_the_one_before() -> None:
    found = hunt(*(bad(seed, seconds=0.5) if seed in (2, 3, 9) else good(seed, seconds=0.5) for seed in range(1, 10)))
    assert found.searches() == [(2, 1.0), (1, 0.5), (6, 3.0)]
    assert (found.median_runs, found.median_seconds) == (2, 1.0)
    assert found.next() is None, "three finds are enough"
    assert found.wanted == found.runs == 9


def test_a_fixed_number_of_runs_is_made_whatever_is_found() -> None:
    found = hunt(bad(1), bad(2), bad(3), runs=5, finds=None)
    assert found.next() is not None
    assert found.wanted == 5


def test_runs_are_dealt_out_to_the_workloads_in_turn() -> None:
    found = Hunt(SYSTEM, NAME, 5, None)
    asked = [found.next() for _ in range(6)]
    assert asked[5] is None
    workloads = SYSTEM.bugs[NAME].workloads
    for number, turn in enumerate(asked[:5]):
        assert turn is not None
        arm, seed = turn
        assert (arm.experiment.workload, seed) == (workloads[number % len(workloads)], number + 1)
        assert found.arm_of(seed) is arm
    assert found.wanted == 5


def test_what_a_find_shows_as_depends_on_the_workload_of_its_run() -> None:
    assert hunt(bad(1), bad(2)).checkers() == {"SET": 1, "LIN": 1}


def test_a_bug_with_a_directed_schedule_is_looked_for_among_random_faults_besides() -> None:
    raft = catalog.system("raft")
    directed, at_random = (Hunt(raft, "commit-earlier-term-by-count", 5, 3, at_random=there) for there in (False, True))
    assert directed.name != at_random.name
    assert directed.arms[0].experiment.faults == directed.bug.faults
    assert at_random.arms[0].experiment.faults == directed.bug.random_faults
    assert directed.arms[0].experiment.windows
    assert not at_random.arms[0].experiment.windows
    assert at_random.arms[0].experiment.bugs == ("commit-earlier-term-by-count",)


def test_never_found() -> None:
    assert (hunt(good()).median_runs, hunt(good()).median_seconds) == (None, None)


def test_the_twin_differs_in_nothing_but_the_bug() -> None:
    bug = SYSTEM.bugs[NAME]
    own, other = experiment(bug, NAME), experiment(bug, None)
    assert (own.bugs, other.bugs) == ((NAME,), ())
    assert (own.workload, own.options, own.faults, own.rate_hz) == (
        other.workload, other.options, other.faults, other.rate_hz)  # fmt: skip


def test_every_alarm_of_a_twin_is_told() -> None:
    quiet = correct_twin(SYSTEM, NAME, 3)
    for finding in (good(1), bad(2, "assertion"), good(3, valid="unknown", reason="timeout")):
        assert quiet.next() is not None
        quiet.add(quiet.arm, finding)
    assert [(alarm.seed, alarm.codes) for alarm in quiet.alarms()] == [(2, ("assertion",))]
    assert quiet.unknown == {"timeout": 1}
    assert quiet.next() is None
