"""``set``: adds of distinct numbers, then reads of everything; what was acknowledged must be there.

The simplest way to see acknowledged writes disappear: each element is added once, so one that is missing from the
final reads was lost, and one that was never added came from nowhere.
"""

from __future__ import annotations

from typing import Final

from harness.generator import Context, Generator, clients, function, invoke, phases, rate
from harness.history import History, Op
from harness.result import Result
from harness.workload import Thresholds, Workload, WorkloadOptions
from workloads.final import dumps, final_reads

NAME: Final = "set"


def add(context: Context, position: int) -> Op:
    return invoke("add", position)


def generator(options: WorkloadOptions) -> Generator:
    return clients(rate(options.rate_hz, function(add)))


def final_generator(options: WorkloadOptions) -> Generator:
    return clients(phases(final_reads(invoke("read")), dumps(options)))


def probe(attempt: int) -> Op:
    """An element like any other, and one that the main phase never adds."""
    return invoke("add", -1 - attempt)


def check(history: History, time_limit_s: float | None) -> Result:
    from checkers.set import check as check_set

    return check_set(history, time_limit_s=time_limit_s)


WORKLOAD: Final = Workload(
    name=NAME,
    summary="add distinct elements, read them all at the end; nothing acknowledged may be missing",
    operations=frozenset({"add", "read"}),
    expect="set",
    model=None,
    generator=generator,
    final_generator=final_generator,
    probe=probe,
    check=check,
    thresholds=Thresholds(counted=("add",), writes=("add",)),
)
