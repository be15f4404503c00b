"""``bank``: money is moved between accounts, and whoever reads all of them sees the same total (Jepsen's ``bank``).

Each account is a row of its own. A read of all of them, one after the other, that runs beside a transfer sees half of
it where reads are not of one snapshot (read skew); two transfers of one account lose one of the two updates where
nothing keeps them apart, and then the total is wrong for good. An account that was never touched holds
OPENING_BALANCE: so there is no first operation that has to succeed before the others mean anything.
"""

from __future__ import annotations

from typing import Final

from harness.generator import Context, Generator, clients, function, invoke, mix, phases, rate
from harness.history import History, Op
from harness.result import Result
from harness.workload import Thresholds, Workload, WorkloadOptions
from systems_under_test.blocks.procedures import OPENING_BALANCE
from workloads.final import dumps, final_reads

NAME: Final = "bank"
ACCOUNTS: Final = 5
TOTAL: Final = ACCOUNTS * OPENING_BALANCE
AMOUNT_MAX: Final = 8
"""Less than half of what an account holds at first, so that few transfers fail for want of funds."""


def _transfer(context: Context, position: int) -> Op:
    draws = context.draws(position)
    source = draws.below(ACCOUNTS)
    target = (source + 1 + draws.below(ACCOUNTS - 1)) % ACCOUNTS
    return invoke("transfer", {"from": source, "to": target, "amount": 1 + draws.below(AMOUNT_MAX)})


def _read() -> Op:
    return invoke("read", list(range(ACCOUNTS)))


def generator(options: WorkloadOptions) -> Generator:
    return clients(rate(options.rate_hz, mix(function(_transfer), function(lambda context, position: _read()))))


def final_generator(options: WorkloadOptions) -> Generator:
    return clients(phases(final_reads(_read()), dumps(options)))


def probe(attempt: int) -> Op:
    """A read like any other."""
    return _read()


def check(history: History, time_limit_s: float | None) -> Result:
    from checkers.bank import check as check_bank

    return check_bank(history, total=TOTAL, time_limit_s=time_limit_s)


WORKLOAD: Final = Workload(
    name=NAME,
    summary="move money between accounts; every read of all of them must show the same total, none below zero",
    operations=frozenset({"transfer", "read"}),
    expect="bank",
    model=None,
    generator=generator,
    final_generator=final_generator,
    probe=probe,
    check=check,
    thresholds=Thresholds(counted=("transfer", "read"), writes=("transfer",), conflicts_min=10),
)
