"""The counter workload: what it asks, and that what is lost or counts twice is found."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import pytest

from checkers.counter import HIGH, LOW
from harness.generator import Draws, limit, phases
from harness.generator.simulate import simulate
from harness.history import History, Op
from harness.plan import Plan
from harness.result import Reason
from harness.sufficiency import asked, shortfall
from harness.workload import WorkloadOptions
from workloads.counter import COUNTERS, DELTA_MAX, WORKLOAD

OPTIONS = WorkloadOptions(("n1", "n2", "n3"), concurrency=6, rate_hz=200.0, time_limit_s=30.0)


class Counters:
    """Counters that take the ``odd``-th increment ``times`` times, and fail all reads if ``mute``."""

    def __init__(self, odd: int = -1, times: int = 1, mute: bool = False) -> None:
        self.odd, self.times, self.mute, self.incs = odd, times, mute, 0
        self.sums: Counter[object] = Counter()

    def __call__(self, op: Op, draws: Draws) -> Op:
        ended = replace(op, type="ok", time=op.time + 1_000_000 + draws.below(20_000_000))
        if op.f == "read":
            return replace(ended, type="fail") if self.mute else replace(ended, value=self.sums[op.key])
        self.sums[op.key] += op.value * (self.times if self.incs == self.odd else 1)
        self.incs += 1
        return ended


def recorded(counters: Counters) -> History:
    assert WORKLOAD.final_generator is not None
    whole = phases(limit(400, WORKLOAD.generator(OPTIONS)), WORKLOAD.final_generator(OPTIONS))
    return History(simulate(whole, concurrency=6, complete=counters))


def test_increments_and_reads_of_a_few_counters_and_everybody_reads_each_last() -> None:
    history = recorded(Counters())
    main = history.calls()[:400]
    assert set(Counter(call.f for call in main)) == WORKLOAD.operations
    assert {call.key for call in main} == set(range(COUNTERS))
    assert {call.argument for call in main if call.f == "inc"} <= set(range(1, DELTA_MAX + 1))
    finals = history.calls()[400:]
    assert {(call.f, call.key, call.process) for call in finals} == {
        ("read", key, process) for key in range(COUNTERS) for process in range(6)
    }
    assert WORKLOAD.probe(3) == Op("invoke", -1, "inc", 1, key=1)


def test_right_counters_are_valid_and_enough_happens() -> None:
    history = recorded(Counters())
    assert WORKLOAD.check(history, 10.0).valid is True
    plan = Plan("play", "counter", rate_hz=200.0, time_limit_s=2.0)
    assert shortfall(history, WORKLOAD.thresholds, plan=asked(plan, WORKLOAD.thresholds)) is None


@pytest.mark.parametrize(("times", "type_"), [(0, LOW), (2, HIGH)])
def test_an_increment_that_is_lost_or_repeated_is_found(times: int, type_: str) -> None:
    result = WORKLOAD.check(recorded(Counters(odd=50, times=times)), 10.0)
    assert result.valid is False
    assert type_ in {anomaly.type for anomaly in result.anomalies}


def test_nobody_read_last() -> None:
    result = WORKLOAD.check(recorded(Counters(mute=True)), 10.0)
    assert (result.valid, result.reason) == ("unknown", Reason.MISSING_FINAL_READ)
