"""``rw-register``: transactions that write registers and read them; must be strictly serializable.

Every value is written once, so a read tells whose write it saw, but not what had been there before: the order of the
writes is for the checker to find, which decides it exactly.
"""

from __future__ import annotations

from typing import Final

from harness.generator import Generator, clients, invoke
from harness.history import History, Op
from harness.result import Result
from harness.workload import Workload, WorkloadOptions
from workloads.final import dumps
from workloads.transactions import PROBE_KEY, THRESHOLDS, transactions

NAME: Final = "rw-register"
EXPECT: Final = "strict-serializable"
WRITE: Final = "w"


def generator(options: WorkloadOptions) -> Generator:
    return transactions(WRITE, options)


def final_generator(options: WorkloadOptions) -> Generator:
    return clients(dumps(options))


def probe(attempt: int) -> Op:
    return invoke("txn", [[WRITE, PROBE_KEY, attempt + 1]])


def check(history: History, time_limit_s: float | None) -> Result:
    from checkers.transactional import check as check_transactional

    return check_transactional(history, expect=EXPECT, time_limit_s=time_limit_s)


WORKLOAD: Final = Workload(
    name=NAME,
    summary="transactions that write registers and read them; must be strictly serializable",
    operations=frozenset({"txn"}),
    expect=EXPECT,
    model=None,
    generator=generator,
    final_generator=final_generator,
    probe=probe,
    check=check,
    thresholds=THRESHOLDS,
)
