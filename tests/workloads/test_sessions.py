"""The sessions workload: one writer per key, whoever has looked looks again, and each broken guarantee by its name."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import replace
from itertools import pairwise

import pytest

from checkers.session.verdict import session_guarantees
from checkers.session.violation import MONOTONIC_READS, PRAM, READ_YOUR_WRITES
from harness.generator import Draws, limit, phases
from harness.generator.simulate import simulate
from harness.history import History, Op
from harness.plan import Plan, ScheduledFault
from harness.search.trial import Trial, run_trial
from harness.sufficiency import asked, shortfall
from harness.workload import WorkloadOptions
from tests.harness.search.plans import base_plan, setup_for
from workloads.sessions import READ_BY_ALL, WORKLOAD

CONCURRENCY = 6
OPTIONS = WorkloadOptions(("n1", "n2", "n3"), concurrency=CONCURRENCY, rate_hz=200.0, time_limit_s=30.0)
LAGS_MS = (0, 40, 80)


class Replicas:
    """Copies of a store that are behind by LAGS_MS; reads are served as ``reads`` says, as by ``single-leader``. Every
    ``unknown``-th write has an unknown outcome, and happens."""

    def __init__(self, reads: str, unknown: int = 0) -> None:
        self.reads, self.unknown = reads, unknown
        self.versions: defaultdict[object, list[tuple[int, int]]] = defaultdict(list)
        self.writes = 0

    def __call__(self, op: Op, draws: Draws) -> Op:
        ended = replace(op, type="ok", time=op.time + 1_000_000 + draws.below(5_000_000))
        if op.f == "write":
            self.versions[op.key].append((op.time, op.value))
            self.writes += 1
            return replace(ended, type="info") if self.unknown and self.writes % self.unknown == 0 else ended
        replica = {"leader": 0, "any": draws.below(3), "sticky": int(op.process) % 3}[self.reads]
        seen = [value for time, value in self.versions[op.key] if time + LAGS_MS[replica] * 1_000_000 <= op.time]
        return replace(ended, value=seen[-1] if seen else None)


def recorded(replicas: Replicas, count: int = 600) -> History:
    assert WORKLOAD.final_generator is not None
    whole = phases(limit(count, WORKLOAD.generator(OPTIONS)), WORKLOAD.final_generator(OPTIONS))
    return History(simulate(whole, concurrency=CONCURRENCY, complete=replicas))


def types(history: History) -> set[str]:
    result = WORKLOAD.check(history, 10.0)
    assert result.valid is (not result.anomalies)
    return {anomaly.type for anomaly in result.anomalies}


@pytest.mark.parametrize("unknown", [0, 7])
def test_every_process_writes_growing_versions_to_its_own_key(unknown: int) -> None:
    calls = recorded(Replicas("leader", unknown)).calls()
    writes, reads = ([call for call in calls if call.f == f] for f in ("write", "read"))
    assert len(writes) + len(reads) == len(calls)
    assert all(write.key == write.process for write in writes)
    assert len({write.key for write in writes}) >= CONCURRENCY
    assert all(before.argument < after.argument for before, after in pairwise(writes))
    alive = {process % CONCURRENCY for process in range(READ_BY_ALL)}
    assert {int(read.key) % CONCURRENCY for read in reads if read.key != read.process} == alive
    assert 0.1 < len(writes) / len(calls) < 0.4


def test_who_has_written_or_read_looks_again_at_once() -> None:
    history = recorded(Replicas("leader"))
    latest: dict[object, tuple[int, object]] = {}
    at_once: Counter[str] = Counter()
    for call in history.calls():
        before = latest.get(call.process)
        if before is not None and call.f == "read" and before == (history.times[call.invoke], call.key):
            at_once["own" if call.key == call.process else "others"] += 1
        assert call.complete is not None
        latest[call.process] = (history.times[call.complete], call.key)
    assert at_once["own"] > 200
    assert at_once["others"] > 60


def test_a_process_that_is_no_more_is_asked_nothing() -> None:
    history = recorded(Replicas("leader", unknown=5))
    ended: set[object] = set()
    for op in history:
        assert op.process not in ended
        ended |= {op.process} if op.type == "info" else set()
    assert len(ended) > 10


@pytest.mark.parametrize("unknown", [0, 9])
def test_reads_that_are_not_stale_are_valid_and_enough_happens(unknown: int) -> None:
    history = recorded(Replicas("leader", unknown))
    assert types(history) == set()
    plan = Plan("play", "sessions", rate_hz=200.0, time_limit_s=3.0)
    assert shortfall(history, WORKLOAD.thresholds, plan=asked(plan, WORKLOAD.thresholds)) is None


@pytest.mark.parametrize("unknown", [0, 9])
def test_stale_reads_break_each_guarantee_by_its_name(unknown: int) -> None:
    assert types(recorded(Replicas("any", unknown))) == {READ_YOUR_WRITES, MONOTONIC_READS, PRAM}
    assert types(recorded(Replicas("sticky", unknown))) == {READ_YOUR_WRITES, PRAM}


def test_few_operations_are_no_evidence() -> None:
    plan = Plan("play", "sessions", rate_hz=200.0, time_limit_s=3.0)
    short = shortfall(
        recorded(Replicas("leader"), count=20), WORKLOAD.thresholds, plan=asked(plan, WORKLOAD.thresholds)
    )
    assert short is not None
    assert "operations 'write' succeeded" in short[1]


def late(second: int) -> History:
    """Process 1 writes version 5 and does not know; then ``second`` writes 9; a reader sees 9, and then 5."""
    ops = [Op("invoke", 1, "write", 5, key=1), Op("info", 1, "write", 5, key=1),
           Op("invoke", second, "write", 9, key=1), Op("ok", second, "write", 9, key=1),
           Op("invoke", 2, "read", key=1), Op("ok", 2, "read", 9, key=1),
           Op("invoke", 2, "read", key=1), Op("ok", 2, "read", 5, key=1)]  # fmt: skip
    return History(ops)


def test_a_repeated_plan_may_have_two_writers_of_a_key_and_then_versions_are_no_order() -> None:
    assert session_guarantees(late(second=11), versions=True).valid is False, "a write came true late, and that is all"
    assert WORKLOAD.check(late(second=11), 10.0).valid == "unknown"


def played(
    seed: int, faults: str, options: Mapping[str, str], schedule: tuple[ScheduledFault, ...] | None = None
) -> Trial:
    setup = setup_for(base_plan("single-leader", workload="sessions", faults=faults, options=options), seed)
    if schedule is None:
        return run_trial(setup)
    return run_trial(replace(setup, plan=replace(setup.plan, schedule=schedule)))


def broken(runs: int, faults: str, **options: str) -> Counter[str]:
    """Which guarantees were broken, and in how many runs."""
    return Counter(name for seed in range(runs) for name in played(seed, faults, options).anomalies)


def test_single_leader_breaks_what_its_reads_say() -> None:
    """A leader without failover breaks none, one follower per session only read-your-writes."""
    found = {reads: broken(6, "delay", reads=reads) for reads in ("leader", "any", "sticky")}
    assert found["leader"] == Counter()
    assert set(found["any"]) == {READ_YOUR_WRITES, MONOTONIC_READS, PRAM}
    assert set(found["sticky"]) == {READ_YOUR_WRITES, PRAM}
    assert min(found[reads][READ_YOUR_WRITES] for reads in ("any", "sticky")) >= 5


def test_a_session_whose_follower_dies_moves_and_may_move_back_in_time() -> None:
    """Node n4 hears nothing of what is written; then all followers but it are killed."""
    second = 1_000_000_000
    apart = {"n4": ["n1", "n2", "n3", "n5"], **{node: ["n4"] for node in ("n1", "n2", "n3", "n5")}}
    alone = ScheduledFault("partition", second, 5 * second, {"shape": "one", "drops": apart})
    deaths = ScheduledFault("kill", 3 * second, 5 * second, {"shape": "one", "nodes": ["n2", "n3", "n5"]})
    options = {"reads": "sticky", "failover": "none"}
    moved, stayed = (
        Counter(name for seed in range(4) for name in
                played(seed, "partition=one,kill=one", options, schedule).anomalies)
        for schedule in ((alone, deaths), (alone,))
    )  # fmt: skip
    assert set(moved) == {READ_YOUR_WRITES, MONOTONIC_READS, PRAM}
    assert set(stayed) == {READ_YOUR_WRITES, PRAM}
