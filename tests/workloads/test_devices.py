"""The devices workload: one device writes, the other looks, and what is judged is what their user finds."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import replace
from itertools import pairwise

import pytest

from checkers.session.violation import READ_YOUR_WRITES
from harness.generator import Draws, limit, phases
from harness.generator.simulate import simulate
from harness.history import History, Op
from harness.plan import Plan
from harness.search.trial import run_trial
from harness.sufficiency import asked, shortfall
from harness.workload import WorkloadOptions
from tests.harness.search.plans import base_plan, setup_for
from workloads.devices import WORKLOAD

CONCURRENCY = 6
LAG_MS = 60


class Store:
    """A store in which a device finds its own writes at once, and others' too, if not ``late``, or else after LAG_MS.
    Every ``unknown``-th write has an unknown outcome, and happens."""

    def __init__(self, late: bool = False, unknown: int = 0) -> None:
        self.late, self.unknown = late, unknown
        self.versions: defaultdict[object, list[tuple[int, int, object]]] = defaultdict(list)
        self.writes = 0

    def __call__(self, op: Op, draws: Draws) -> Op:
        ended = replace(op, type="ok", time=op.time + 1_000_000 + draws.below(5_000_000))
        if op.f == "write":
            self.versions[op.key].append((op.time, op.value, op.process))
            self.writes += 1
            return replace(ended, type="info") if self.unknown and self.writes % self.unknown == 0 else ended
        seen = [
            value
            for time, value, writer in self.versions[op.key]
            if not self.late or writer == op.process or time + LAG_MS * 1_000_000 <= op.time
        ]
        return replace(ended, value=seen[-1] if seen else None)


def recorded(store: Store, count: int = 600, concurrency: int = CONCURRENCY) -> History:
    options = WorkloadOptions(("n1", "n2", "n3"), concurrency=concurrency, rate_hz=200.0, time_limit_s=30.0)
    assert WORKLOAD.final_generator is not None
    whole = phases(limit(count, WORKLOAD.generator(options)), WORKLOAD.final_generator(options))
    return History(simulate(whole, concurrency=concurrency, complete=store))


@pytest.mark.parametrize("unknown", [0, 7])
def test_a_user_has_two_devices_of_which_one_writes(unknown: int) -> None:
    history = recorded(Store(unknown=unknown))
    devices: defaultdict[object, set[object]] = defaultdict(set)
    writers: defaultdict[object, set[object]] = defaultdict(set)
    asked_of: Counter[str] = Counter()
    for op in history:
        if op.type == "invoke":
            assert op.key == op.session
            thread = int(op.process) % CONCURRENCY
            devices[op.session].add(thread)
            asked_of[f"{op.f} {thread % 2}"] += 1
            if op.f == "write":
                writers[op.session].add(op.process)
    assert all(len(processes) == 1 for processes in writers.values())
    assert all(len({thread // 2 for thread in threads}) == 1 for threads in devices.values())
    assert asked_of["write 1"] == 0
    assert asked_of["write 0"] > 150
    assert asked_of["read 1"] > 150
    assert asked_of["read 0"] > 60
    assert (len(devices) > CONCURRENCY / 2) is bool(unknown), "who writes no more is no more"


def test_versions_grow_and_the_other_device_mostly_looks_at_once() -> None:
    history = recorded(Store())
    by_user: defaultdict[object, list[int]] = defaultdict(list)
    ended: dict[object, tuple[int, object]] = {}
    followed = 0
    for op in history:
        if op.type == "invoke" and op.f == "write":
            by_user[op.session].append(op.value)
        if op.type == "invoke" and op.f == "read" and op.session in ended:
            time, process = ended[op.session]
            followed += op.time == time and op.process != process
        if op.type == "ok":
            ended[op.session] = (op.time, op.process)
    assert all(before < after for versions in by_user.values() for before, after in pairwise(versions))
    assert followed > 250


@pytest.mark.parametrize("unknown", [0, 9])
def test_what_every_device_finds_is_valid_and_enough_happens(unknown: int) -> None:
    history = recorded(Store(unknown=unknown))
    assert WORKLOAD.check(history, 10.0).valid is True
    plan = Plan("play", WORKLOAD.name, rate_hz=200.0, time_limit_s=3.0)
    assert shortfall(history, WORKLOAD.thresholds, plan=asked(plan, WORKLOAD.thresholds)) is None


def test_what_only_the_writing_device_finds_breaks_the_users_guarantee_and_no_device_s() -> None:
    history = recorded(Store(late=True))
    result = WORKLOAD.check(history, 10.0)
    assert result.valid is False
    assert {anomaly.type for anomaly in result.anomalies} == {READ_YOUR_WRITES}
    alone = History([replace(op, session=None) for op in history])
    assert WORKLOAD.check(alone, 10.0).valid is True


def test_a_device_left_over_is_a_user_s_only_one() -> None:
    history = recorded(Store(), concurrency=3)
    of_last = {(op.f, op.session) for op in history if op.process == 2}
    assert of_last == {("write", "user-2"), ("read", "user-2")}


def broken(runs: int, options: Mapping[str, str]) -> Counter[str]:
    plan = base_plan("single-leader", workload=WORKLOAD.name, faults="delay", options=options)
    return Counter(name for seed in range(runs) for name in run_trial(setup_for(plan, seed)).anomalies)


def test_single_leader_devices_must_share_the_position() -> None:
    each = {"reads": "position", "failover": "none"}
    assert broken(3, each)[READ_YOUR_WRITES] == 3
    assert broken(4, {**each, "shared-position": "on"}) == Counter()
