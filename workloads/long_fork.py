"""``long-fork``: single writes of fresh keys, and reads of the newest keys; all must see one order of the writes.

After Jepsen's ``long-fork``: two reads, of which each saw a write that the other one missed, are what parallel snapshot
isolation allows and snapshot isolation does not. Jepsen reads fixed groups of keys; here a read takes KEYS_PER_READ of
the newest, the next one to be written among them, so that any two writes that follow each other are read together while
they run, and while one of them may still be on its way.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from harness.generator import Context, Generator, clients, function, invoke, rate
from harness.history import Call, History, Op
from harness.result import Reason, Result
from harness.workload import Thresholds, Workload, WorkloadOptions
from workloads.final import dumps

NAME: Final = "long-fork"
KEYS_PER_READ: Final = 4
OPERATIONS_PER_WRITE: Final = 3
"""One of them is the write, the others are reads."""

DIVIDED_MIN: Final = 4
"""Reads that saw one write and missed another that had begun by then. Two of them make a fork; where hardly one came
between writes, nothing was tried."""


def _operation(context: Context, position: int) -> Op:
    key, step = divmod(position, OPERATIONS_PER_WRITE)
    if step == 0:
        return invoke("txn", [["w", key, 1]])
    return _read(context, position, key)


def _read(context: Context, position: int, newest: int) -> Op:
    """A read in random order, lest a store that takes no snapshot always errs in the same direction."""
    last = newest + 1
    left = list(range(max(0, last - KEYS_PER_READ + 1), last + 1))
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
    if result.valid is not True or (divided := _divided(history)) >= DIVIDED_MIN:
        return result
    return result.but_unknown(Reason.NO_CONFLICT, f"{divided} reads saw a write and missed another one that had begun; "
                              f"a verdict needs at least {DIVIDED_MIN}: raise the rate")  # fmt: skip


def _divided(history: History) -> int:
    """How many ok reads saw a key and missed another one, whose write had begun and did not fail."""
    calls = [call for call in history.calls() if call.f == "txn"]
    writes = ((key, call) for call in calls for f, key, _ in call.argument if f == "w" and call.outcome != "fail")
    begun = {key: call.invoke for key, call in writes}
    return sum(call.outcome == "ok" and _is_divided(call, begun) for call in calls)


def _is_divided(call: Call, begun: Mapping[Any, int]) -> bool:
    assert call.complete is not None, "an ok operation has completed"
    reads = [(key, value) for f, key, value in call.result if f == "r"]
    missed = (begun.get(key, call.complete) < call.complete for key, value in reads if value is None)
    return any(value is not None for _, value in reads) and any(missed)


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
