"""The set-full workload: what any read has shown is missed if it disappears, and what is not there yet is not."""

from __future__ import annotations

from dataclasses import replace

import pytest

from harness.generator import Draws, limit, phases
from harness.generator.simulate import simulate
from harness.history import History, Op
from harness.workload import WorkloadOptions
from workloads.set_full import WORKLOAD

OPTIONS = WorkloadOptions(("n1", "n2", "n3"), concurrency=6, rate_hz=200.0, time_limit_s=30.0)
SHOWN_NS = 300_000_000


class Replica:
    """A set that shows elements ``lag_s`` late. Nobody learns what became of every tenth add; with ``forgets`` such an
    element is shown for a while and then gone."""

    def __init__(self, lag_s: float = 0.0, forgets: bool = False) -> None:
        self.lag_ns, self.forgets = lag_s * 1e9, forgets
        self.added_ns = dict[int, int]()

    def __call__(self, op: Op, draws: Draws) -> Op:
        ended = replace(op, type="ok", time=op.time + 1_000_000 + draws.below(20_000_000))
        if op.f == "add":
            self.added_ns[op.value] = op.time
            return replace(ended, type="info") if op.value % 10 == 0 else ended
        return replace(ended, value=[each for each in self.added_ns if self._shows(each, op.time)])

    def _shows(self, element: int, time: int) -> bool:
        age_ns = time - self.added_ns[element]
        gone = self.forgets and element % 10 == 0 and age_ns > self.lag_ns + SHOWN_NS
        return age_ns >= self.lag_ns and not gone


def recorded(replica: Replica) -> History:
    assert WORKLOAD.final_generator is not None
    whole = phases(limit(400, WORKLOAD.generator(OPTIONS)), WORKLOAD.final_generator(OPTIONS))
    return History(simulate(whole, concurrency=6, complete=replica))


def test_adds_and_reads_are_mixed() -> None:
    fs = [op.f for op in recorded(Replica()) if op.type == "invoke"]
    assert 200 < fs.count("add") < 330
    assert fs.count("read") > 80
    assert fs[-1] == "read"


@pytest.mark.parametrize("lag_s", [0.0, 0.5])
def test_a_replica_that_is_behind_loses_nothing(lag_s: float) -> None:
    assert WORKLOAD.check(recorded(Replica(lag_s)), None).valid is True


@pytest.mark.parametrize("lag_s", [0.0, 0.5])
def test_what_was_shown_and_is_gone_is_lost_though_nobody_acknowledged_it(lag_s: float) -> None:
    result = WORKLOAD.check(recorded(Replica(lag_s, forgets=True)), None)
    assert (result.valid, {anomaly.type for anomaly in result.anomalies}) == (False, {"lost"})
