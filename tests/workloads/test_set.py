"""The set workload: distinct elements, final reads by everybody, and losses that are found."""

from __future__ import annotations

from dataclasses import replace

import pytest

from harness.generator import Draws, limit, phases
from harness.generator.simulate import simulate
from harness.history import History, Op
from harness.result import Reason
from harness.sufficiency import shortfall
from harness.workload import WorkloadOptions
from workloads.final import READS_MAX
from workloads.set import WORKLOAD

OPTIONS = WorkloadOptions(("n1", "n2", "n3"), concurrency=6, rate_hz=200.0, time_limit_s=30.0)


class Elements:
    """A set that forgets the elements in ``forgets``, and fails the first ``failing_reads`` reads."""

    def __init__(self, forgets: tuple[int, ...] = (), failing_reads: int = 0) -> None:
        self.forgets, self.failing_reads = forgets, failing_reads
        self.elements: set[int] = set()

    def __call__(self, op: Op, draws: Draws) -> Op:
        ended = replace(op, type="ok", time=op.time + 1_000_000 + draws.below(20_000_000))
        if op.f == "add":
            self.elements.add(op.value)
            return ended
        if self.failing_reads:
            self.failing_reads -= 1
            return replace(ended, type="fail")
        return replace(ended, value=sorted(self.elements - set(self.forgets)))


class Lagging(Elements):
    """A set whose reads come from a replica that is ``lag_s`` behind."""

    def __init__(self, lag_s: float) -> None:
        super().__init__()
        self.lag_ns, self.added_ns = lag_s * 1e9, dict[int, int]()

    def __call__(self, op: Op, draws: Draws) -> Op:
        ended = super().__call__(op, draws)
        if op.f == "add":
            self.added_ns[op.value] = op.time
            return ended
        return replace(ended, value=[e for e, added_ns in self.added_ns.items() if added_ns + self.lag_ns <= op.time])


def recorded(elements: Elements) -> History:
    assert WORKLOAD.final_generator is not None
    whole = phases(limit(400, WORKLOAD.generator(OPTIONS)), WORKLOAD.final_generator(OPTIONS))
    return History(simulate(whole, concurrency=6, complete=elements))


def test_elements_are_distinct_and_everybody_reads_last() -> None:
    history = recorded(Elements())
    adds = [call for call in history.calls() if call.f == "add"]
    reads = [call for call in history.calls() if call.f == "read"]
    assert sorted(call.argument for call in adds) == list(range(400))
    assert {call.process for call in reads} == set(range(6))
    assert min(call.invoke for call in reads) > max(call.complete or 0 for call in adds)


def test_all_there_is_valid_and_one_lost_is_not() -> None:
    whole = recorded(Elements())
    assert WORKLOAD.check(whole, 10.0).valid is True
    assert shortfall(whole, WORKLOAD.thresholds) is None
    result = WORKLOAD.check(recorded(Elements(forgets=(123,))), 10.0)
    assert result.valid is False
    assert "123" in result.anomalies[0].explanation


def test_a_replica_that_is_behind_has_lost_nothing() -> None:
    assert WORKLOAD.check(recorded(Lagging(1.5)), 10.0).valid is True
    assert WORKLOAD.check(recorded(Lagging(60.0)), 10.0).valid is False


@pytest.mark.parametrize("failing", [1, 20])
def test_failed_reads_are_asked_again(failing: int) -> None:
    history = recorded(Elements(failing_reads=failing))
    reads = [call for call in history.calls() if call.f == "read"]
    assert len(reads) == 6 + failing
    assert WORKLOAD.check(history, 10.0).valid is True


def test_reads_that_never_succeed_end_and_leave_the_verdict_open() -> None:
    history = recorded(Elements(failing_reads=10_000))
    reads = [call for call in history.calls() if call.f == "read"]
    assert len(reads) == 6 * READS_MAX
    result = WORKLOAD.check(history, 10.0)
    assert (result.valid, result.reason) == ("unknown", Reason.MISSING_FINAL_READ)


def test_probes_add_what_the_main_phase_never_adds() -> None:
    assert [WORKLOAD.probe(attempt).value for attempt in range(3)] == [-1, -2, -3]
