"""The unique-ids workload: rows in several tables, each with an id, and ids given out twice that are found."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import pytest

from harness.generator import Draws, limit
from harness.generator.simulate import simulate
from harness.history import History, Op
from harness.workload import WorkloadOptions
from workloads.unique_ids import TABLES, WORKLOAD

OPTIONS = WorkloadOptions(("n1", "n2", "n3"), concurrency=6, rate_hz=200.0, time_limit_s=30.0)


class Tables:
    """Counters; after ``forgets_after`` rows each falls back by one."""

    def __init__(self, forgets_after: int | None = None) -> None:
        self.last, self.rows, self.forgets_after = Counter[int](), 0, forgets_after

    def __call__(self, op: Op, draws: Draws) -> Op:
        self.rows += 1
        if self.rows == self.forgets_after:
            self.last.subtract(range(TABLES))
        self.last[op.key] += 1
        return replace(op, type="ok", value=self.last[op.key], time=op.time + 1_000_000 + draws.below(20_000_000))


@pytest.mark.parametrize(("forgets_after", "anomalies"), [(None, set()), (50, {"duplicate"})])
def test_ids_given_out_twice(forgets_after: int | None, anomalies: set[str]) -> None:
    asked = limit(200, WORKLOAD.generator(OPTIONS))
    history = History(simulate(asked, concurrency=6, complete=Tables(forgets_after)))
    assert {op.key for op in history} == set(range(TABLES))
    assert {anomaly.type for anomaly in WORKLOAD.check(history, None).anomalies} == anomalies
