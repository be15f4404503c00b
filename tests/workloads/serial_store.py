"""A store of transactions for the tests of workloads: serial, and wrong once if that is wanted."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

from harness.generator import Draws, limit
from harness.generator.simulate import simulate
from harness.history import History, Op
from harness.workload import Workload, WorkloadOptions

OPTIONS = WorkloadOptions(("n1",), concurrency=6, rate_hz=200.0, time_limit_s=30.0)


@dataclass
class SerialStore:
    """Each transaction happens as it is asked for, and its answer takes up to ``took_ms``. From transaction number
    ``stale`` on, the first read of a key that has a value, and that its transaction does not write, misses the last."""

    lists: bool
    stale: int | None = None
    took_ms: int = 20
    count: int = 0
    values: dict[Any, list[Any]] = field(default_factory=dict)

    def __call__(self, op: Op, draws: Draws) -> Op:
        written = [key for f, key, _ in op.value if f != "r"]
        done = [[f, key, self._step(f, key, value, key in written)] for f, key, value in op.value]
        self.count += 1
        return replace(op, type="ok", value=done, time=op.time + 1_000_000 * (1 + draws.below(self.took_ms)))

    def _step(self, f: str, key: Any, value: Any, own: bool) -> Any:
        values = self.values.setdefault(key, [])
        if f != "r":
            values.append(value)
            return value
        seen = list(values)
        if seen and not own and self.stale is not None and self.count >= self.stale:
            seen.pop()
            self.stale = None
        return seen if self.lists else seen[-1] if seen else None


def recorded(workload: Workload, store: SerialStore, count: int = 400) -> History:
    """What ``count`` transactions of the workload make of the store."""
    return History(simulate(limit(count, workload.generator(OPTIONS)), concurrency=6, complete=store))
