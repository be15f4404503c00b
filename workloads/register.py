"""``register``: reads, writes and compare-and-sets on independent registers, which must be linearizable.

Values are few (0 to 4), so that compare-and-set often finds what it expects; a key is left after OPERATIONS_PER_KEY
operations, because the time to check one register grows fast with the length of its history.
"""

from __future__ import annotations

from typing import Final

from harness.generator import Context, Generator, clients, concurrent_keys, function, invoke, limit, mix, rate
from harness.history import History, Op
from harness.result import Result
from harness.workload import Thresholds, Workload, WorkloadOptions
from workloads.final import dumps

NAME: Final = "register"
MODEL: Final = "cas-register"
VALUES: Final = 5

THREADS_PER_KEY: Final = 5
"""Enough for operations on one key to overlap, so that there is something to get wrong."""

OPERATIONS_PER_KEY: Final = 120
"""At 100/s on two keys at a time a key lives 2.4 s: long enough to be there when a fault begins and when it ends."""

PROBE_KEY: Final = -1
"""The register of the probe, which is asked only whether it can be written."""


def _read(context: Context, position: int) -> Op:
    return invoke("read")


def _write(context: Context, position: int) -> Op:
    return invoke("write", context.draws(position).below(VALUES))


def _cas(context: Context, position: int) -> Op:
    draws = context.draws(position)
    return invoke("cas", [draws.below(VALUES), draws.below(VALUES)])


def _one_key(key: int) -> Generator:
    return limit(OPERATIONS_PER_KEY, mix(function(_read), function(_write), function(_cas)))


def generator(options: WorkloadOptions) -> Generator:
    return clients(rate(options.rate_hz, concurrent_keys(THREADS_PER_KEY, _one_key)))


def final_generator(options: WorkloadOptions) -> Generator:
    return clients(dumps(options))


def probe(attempt: int) -> Op:
    return invoke("write", attempt % VALUES, key=PROBE_KEY)


def check(history: History, time_limit_s: float | None) -> Result:
    from checkers.linearizable import check as check_linearizable

    return check_linearizable(history, model=MODEL, initial=None, time_limit_s=time_limit_s)


WORKLOAD: Final = Workload(
    name=NAME,
    summary="read, write and compare-and-set on independent registers; must be linearizable",
    operations=frozenset({"read", "write", "cas"}),
    expect="linearizable",
    model=MODEL,
    generator=generator,
    final_generator=final_generator,
    probe=probe,
    check=check,
    thresholds=Thresholds(
        counted=("read", "write", "cas"),
        writes=("write", "cas"),
        ok_of_asked={"cas": 0.05},  # most of them find another value than they expect, by right
    ),
)
