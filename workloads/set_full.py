"""``set-full``: adds of distinct numbers with reads in between; what a read has shown must not disappear.

``set`` asks at the end what became of everything that was acknowledged. Here an element counts from the moment that
anybody saw it, acknowledged or not: a replica that shows what may still be lost is caught even where every
acknowledgement is kept. Reads may be as old as they like; that an element is not there *yet* is no loss.
"""

from __future__ import annotations

from typing import Final

from harness.generator import Generator, clients, function, invoke, mix, once, rate, repeat
from harness.history import History
from harness.result import Result
from harness.workload import Thresholds, Workload, WorkloadOptions
from workloads import set as plain_set

NAME: Final = "set-full"
ADDS_PER_READ: Final = 2.0


def generator(options: WorkloadOptions) -> Generator:
    asked = mix(function(plain_set.add), repeat(once(invoke("read"))), weights=(ADDS_PER_READ, 1.0))
    return clients(rate(options.rate_hz, asked))


def check(history: History, time_limit_s: float | None) -> Result:
    from checkers.set_full import check as check_set_full

    return check_set_full(history, time_limit_s=time_limit_s)


WORKLOAD: Final = Workload(
    name=NAME,
    summary="add distinct elements and read them all the time; nothing that was ever seen may be missing in the end",
    operations=frozenset({"add", "read"}),
    expect="set-full",
    model=None,
    generator=generator,
    final_generator=plain_set.final_generator,
    probe=plain_set.probe,
    check=check,
    thresholds=Thresholds(counted=("add", "read"), writes=("add",)),
)
