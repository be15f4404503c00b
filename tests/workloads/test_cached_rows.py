"""The cached-rows workload: whoever inserted a row looks it up next, and another's row in its place is found."""

from __future__ import annotations

from dataclasses import replace

import pytest

from harness.generator import Draws, limit
from harness.generator.simulate import simulate
from harness.history import History, Op
from harness.workload import WorkloadOptions
from workloads.cached_rows import LOOK_UP, WORKLOAD

OPTIONS = WorkloadOptions(("n1", "n2", "n3"), concurrency=6, rate_hz=200.0, time_limit_s=30.0)


class Cached:
    """Tables that fall back by five rows at the ``forgets``-th, and a cache that does not hear of it; ``loses`` if it
    forgets, too."""

    def __init__(self, forgets: int | None = None, *, loses: bool = False) -> None:
        self.last: dict[object, int] = {}
        self.cache: dict[tuple[object, int], object] = {}
        self.rows, self.forgets, self.loses = 0, forgets, loses

    def __call__(self, op: Op, draws: Draws) -> Op:
        done = replace(op, type="ok", time=op.time + 1_000_000 + draws.below(5_000_000))
        if op.f == LOOK_UP:
            number, _ = op.value
            return replace(done, value=[number, self.cache.get((op.key, number))])
        self.rows += 1
        if self.rows == self.forgets:
            self.last = {key: max(0, last - 5) for key, last in self.last.items()}
            self.cache = {} if self.loses else self.cache
        self.last[op.key] = self.last.get(op.key, 0) + 1
        self.cache.setdefault((op.key, self.last[op.key]), op.value)
        return replace(done, value=self.last[op.key])


def history(tables: Cached) -> History:
    return History(simulate(limit(200, WORKLOAD.generator(OPTIONS)), concurrency=6, complete=tables))


@pytest.mark.parametrize(
    ("tables", "anomalies"),
    [
        (Cached(), set()),
        (Cached(50), {"duplicate", "mismatch"}),
        (Cached(50, loses=True), {"duplicate"}),
    ],
)
def test_anothers_row_is_found(tables: Cached, anomalies: set[str]) -> None:
    result = WORKLOAD.check(history(tables), None)
    assert {anomaly.type for anomaly in result.anomalies} == anomalies


def test_everybody_looks_up_what_he_inserted_and_once() -> None:
    calls = history(Cached()).calls()
    inserted = [(call.process, call.key, call.result, call.argument) for call in calls if call.f == "generate"]
    looked = [(call.process, call.key, *call.argument) for call in calls if call.f == LOOK_UP]
    assert len(looked) >= 95
    assert len(set(looked)) == len(looked)
    assert set(looked) <= set(inserted)
