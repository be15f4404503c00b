"""The register workload: what it asks, and that its checker is the right one."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import replace

import pytest

from harness.generator import Draws
from harness.generator.simulate import simulate
from harness.history import History, Op
from harness.sufficiency import shortfall
from harness.workload import WorkloadOptions
from workloads.register import OPERATIONS_PER_KEY, PROBE_KEY, VALUES, WORKLOAD

OPTIONS = WorkloadOptions(("n1", "n2", "n3"), concurrency=10, rate_hz=100.0, time_limit_s=30.0)


class Registers:
    """Registers that are perfect, and take effect at the invocation."""

    def __init__(self) -> None:
        self.values: dict[object, object] = defaultdict(lambda: None)

    def __call__(self, op: Op, draws: Draws) -> Op:
        ended = replace(op, type="ok", time=op.time + 1_000_000 + draws.below(20_000_000))
        if op.f == "read":
            return replace(ended, value=self.values[op.key])
        if op.f == "cas" and self.values[op.key] != op.value[0]:
            return replace(ended, type="fail")
        self.values[op.key] = op.value[1] if op.f == "cas" else op.value
        return ended


def recorded(concurrency: int = 10, seed: int = 1) -> list[Op]:
    options = replace(OPTIONS, concurrency=concurrency)
    return simulate(WORKLOAD.generator(options), concurrency=concurrency, seed=seed, complete=Registers(),
                    operations_max=4000)  # fmt: skip


def test_operations_are_mixed_on_independent_keys_and_each_key_is_bounded() -> None:
    invocations = [op for op in recorded() if op.type == "invoke"]
    fs = Counter(op.f for op in invocations)
    assert set(fs) == WORKLOAD.operations
    assert min(fs.values()) > 0.28 * len(invocations)
    per_key = Counter(op.key for op in invocations)
    assert max(per_key.values()) == OPERATIONS_PER_KEY
    assert len(per_key) > 10
    assert all(op.value in range(VALUES) for op in invocations if op.f == "write")


def test_the_rate_is_the_plans() -> None:
    invocations = [op for op in recorded() if op.type == "invoke"]
    seconds = (invocations[-1].time - invocations[0].time) / 1e9
    assert len(invocations) / seconds == pytest.approx(100, rel=0.1)


@pytest.mark.parametrize("concurrency", [2, 5, 10, 13])
def test_a_perfect_register_is_valid_and_enough_happens(concurrency: int) -> None:
    history = History(recorded(concurrency))
    result = WORKLOAD.check(history, 30.0)
    assert result.valid is True, result
    assert shortfall(history, WORKLOAD.thresholds) is None


def test_a_stale_read_is_found() -> None:
    ops = recorded()
    index = max(i for i, op in enumerate(ops[:1000]) if op.f == "read" and op.type == "ok" and op.value is not None)
    ops[index] = replace(ops[index], value=99)
    result = WORKLOAD.check(History(ops), 30.0)
    assert result.valid is False


def test_the_probe_has_a_key_of_its_own() -> None:
    assert {WORKLOAD.probe(attempt).key for attempt in range(20)} == {PROBE_KEY}
    assert PROBE_KEY not in {op.key for op in recorded()}
