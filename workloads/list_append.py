"""``list-append``: transactions that append to lists and read them; must be strictly serializable.

A list tells its own history: a read shows in which order everything was appended that is there (Elle). So this is the
sharpest of all workloads of transactions, and every anomaly that it finds is certain.
"""

from __future__ import annotations

from typing import Final

from harness.generator import Generator, clients, invoke
from harness.history import History, Op
from harness.result import Result
from harness.workload import Workload, WorkloadOptions
from workloads.final import dumps
from workloads.transactions import PROBE_KEY, THRESHOLDS, transactions

NAME: Final = "list-append"
EXPECT: Final = "strict-serializable"
APPEND: Final = "append"


def generator(options: WorkloadOptions) -> Generator:
    return transactions(APPEND, options)


def final_generator(options: WorkloadOptions) -> Generator:
    return clients(dumps(options))


def probe(attempt: int) -> Op:
    return invoke("txn", [[APPEND, PROBE_KEY, attempt + 1]])


def check(history: History, time_limit_s: float | None) -> Result:
    from checkers.transactional import check as check_transactional

    return check_transactional(history, expect=EXPECT, time_limit_s=time_limit_s)


WORKLOAD: Final = Workload(
    name=NAME,
    summary="transactions that append to lists and read them; must be strictly serializable",
    operations=frozenset({"txn"}),
    expect=EXPECT,
    model=None,
    generator=generator,
    final_generator=final_generator,
    probe=probe,
    check=check,
    thresholds=THRESHOLDS,
)
