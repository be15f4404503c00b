"""``counter``: increments of a few counters, and reads; every read must be a sum that was possible when it was made.

An increment that was acknowledged and is missing was lost; one that is there twice was repeated by somebody. Amounts
are drawn from 1 to DELTA_MAX, so that few sets of increments have the same sum.
"""

from __future__ import annotations

from typing import Final

from harness.generator import Context, Generator, clients, function, invoke, mix, phases, rate
from harness.history import History, Op
from harness.result import Result
from harness.workload import Thresholds, Workload, WorkloadOptions
from workloads.final import dumps, final_reads

NAME: Final = "counter"
COUNTERS: Final = 2
DELTA_MAX: Final = 100


def _inc(context: Context, position: int) -> Op:
    draws = context.draws(position)
    return invoke("inc", 1 + draws.below(DELTA_MAX), key=draws.below(COUNTERS))


def _read(context: Context, position: int) -> Op:
    return invoke("read", key=context.draws(position).below(COUNTERS))


def generator(options: WorkloadOptions) -> Generator:
    return clients(rate(options.rate_hz, mix(function(_inc), function(_read))))


def final_generator(options: WorkloadOptions) -> Generator:
    reads = (invoke("read", key=key) for key in range(COUNTERS))
    return clients(phases(final_reads(*reads), dumps(options)))


def probe(attempt: int) -> Op:
    """An increment like any other."""
    return invoke("inc", 1, key=attempt % COUNTERS)


def check(history: History, time_limit_s: float | None) -> Result:
    from checkers.counter import check as check_counter

    return check_counter(history, time_limit_s=time_limit_s, final_read=True)


WORKLOAD: Final = Workload(
    name=NAME,
    summary="increment and read a few counters; every read must be a sum that was possible then",
    operations=frozenset({"inc", "read"}),
    expect="counter",
    model=None,
    generator=generator,
    final_generator=final_generator,
    probe=probe,
    check=check,
    thresholds=Thresholds(counted=("inc", "read"), writes=("inc",)),
)
