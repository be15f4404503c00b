"""``long-fork``: single writes of fresh keys, and reads of the newest keys; all must see one order of the writes.

After Jepsen's ``long-fork``: two reads, of which each saw a write that the other one missed, are what parallel snapshot
isolation allows and snapshot isolation does not. Jepsen reads fixed groups of keys; here a read takes the KEYS_PER_READ
newest, so that any two writes that follow each other are read together while one of them may still be on its way.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from harness.generator import Context, Generator, clients, function, invoke, rate
from harness.history import History, Op
from harness.result import Reason, Result
from harness.workload import Thresholds, Workload, WorkloadOptions
from workloads.final import dumps

NAME: Final = "long-fork"
KEYS_PER_READ: Final = 4
OPERATIONS_PER_WRITE: Final = 3
"""One of them is the write, the others are reads."""

DIVIDED_MIN: Final = 10
"""Reads that saw one write and missed another. Two of them make a fork; where hardly one came between writes, nothing
was tried."""


def _operation(context: Context, position: int) -> Op:
    key, step = divmod(position, OPERATIONS_PER_WRITE)
    if step == 0:
        return invoke("txn", [["w", key, 1]])
    return _read(context, position, key)


def _read(context: Context, position: int, newest: int) -> Op:
    """A read in random order, lest a store that takes no snapshot always errs in the same direction."""
    left = list(range(max(0, newest - KEYS_PER_READ + 1), newest + 1))
    draws = context.draws(position)
    return invoke("txn", [["r", left.pop(draws.below(len(left))), None] for _ in list(left)])


def generator(options: WorkloadOptions) -> Generator:
    return clients(rate(options.rate_hz, function(_operation)))


def final_generator(options: WorkloadOptions) -> Generator:
    return clients(dumps(options))


def probe(attempt: int) -> Op:
    """A read of the oldest keys."""
    return invoke("txn", [["r", key, None] for key in range(KEYS_PER_READ)])


def check(history: History, time_limit_s: float | None) -> Result:
    """A history in which hardly anybody read between two writes is no evidence: unknown, if nothing is wrong."""
    from checkers.long_fork import check as check_long_fork

    result = check_long_fork(history, time_limit_s=time_limit_s)
    divided = sum(1 for _ in _divided(history))
    if divided >= DIVIDED_MIN:
        return result
    return result.but_unknown(Reason.NO_CONFLICT, f"{divided} reads saw a write and missed another one; a verdict "
                              f"needs at least {DIVIDED_MIN}: raise the rate")  # fmt: skip


def _divided(history: History) -> Iterator[list[Any]]:
    """The ok reads that saw a key and missed another one, whose write did not fail."""
    calls = [call for call in history.calls() if call.f == "txn"]
    failed = {key for call in calls if call.outcome == "fail" for f, key, _ in call.argument if f == "w"}
    for call in calls:
        reads = call.result if call.outcome == "ok" else []
        shown = {value is not None for f, key, value in reads if f == "r" and key not in failed}
        if len(shown) == 2:
            yield reads


WORKLOAD: Final = Workload(
    name=NAME,
    summary="write fresh keys and read the newest ones; all reads must see the writes in one order",
    operations=frozenset({"txn"}),
    expect="long-fork",
    model=None,
    generator=generator,
    final_generator=final_generator,
    probe=probe,
    check=check,
    thresholds=Thresholds(counted=("txn",), writes=("txn",)),
)
