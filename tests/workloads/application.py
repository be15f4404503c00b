"""Workloads of applications: played on a store that takes one transaction at a time, and run in the simulated world."""

from __future__ import annotations

from dataclasses import replace

from harness.generator import Draws, limit, phases
from harness.generator.simulate import simulate
from harness.history import History, Op
from harness.search.trial import Trial, run_trial
from harness.workload import Workload, WorkloadOptions
from tests.harness.search.plans import base_plan, setup_for
from tests.systems_under_test.blocks.serial_transactions import SerialStore

OPTIONS = WorkloadOptions(("n1",), concurrency=6, rate_hz=200.0, time_limit_s=30.0)
SYSTEM = "reference-store"
OPERATIONS = 240


class Serial:
    """Takes effect at the invocation, and answers when others have been asked; of operations ``mute`` nobody hears."""

    def __init__(self, mute: frozenset[str] = frozenset()) -> None:
        self.store, self.mute = SerialStore(), mute

    def __call__(self, op: Op, draws: Draws) -> Op:
        ended = replace(self.store.ask(op), time=op.time + 1_000_000 + draws.below(20_000_000))
        return replace(ended, type="info", value=op.value) if op.f in self.mute else ended


def recorded(workload: Workload, *mute: str) -> History:
    """What comes of OPERATIONS operations and the final ones, on a store that is right."""
    assert workload.final_generator is not None
    whole = phases(limit(OPERATIONS, workload.generator(OPTIONS)), workload.final_generator(OPTIONS))
    return History(simulate(whole, concurrency=6, complete=Serial(frozenset(mute))))


def run(workload: Workload, isolation: str, seed: int, **fields: object) -> Trial:
    """A short run on the reference store."""
    plan = base_plan(SYSTEM, workload=workload.name, options={"isolation": isolation}, **fields)
    return run_trial(setup_for(plan, seed))
