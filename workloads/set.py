"""``set``: adds of distinct numbers, then reads of everything; what was acknowledged must be there.

The simplest way to see acknowledged writes disappear: each element is added once, so one that is missing from the
final reads was lost, and one that was never added came from nowhere.
"""

from __future__ import annotations

from typing import Final

from harness.generator import (
    Context,
    Generator,
    clients,
    delay,
    each_thread,
    function,
    invoke,
    limit,
    quiet,
    rate,
    until_ok,
)
from harness.history import History, Op
from harness.result import Result
from harness.workload import Thresholds, Workload, WorkloadOptions

NAME: Final = "set"

SETTLE_S: Final = 2.0
"""Before the final reads. A system may serve reads from a replica that is behind: by a heartbeat, or, when a partition
has just ended, by the time it takes to notice a dead connection and make a new one. What such a replica does not show
yet is not lost, and nothing that a client sees could tell the two apart but time."""

READS_MAX: Final = 10
READ_GAP_S: Final = 0.3


def _add(context: Context, position: int) -> Op:
    return invoke("add", position)


def _read(context: Context, position: int) -> Op:
    return invoke("read")


def generator(options: WorkloadOptions) -> Generator:
    return clients(rate(options.rate_hz, function(_add)))


def final_generator(options: WorkloadOptions) -> Generator:
    """When all has been quiet for a while, every thread, each at a node of its own, reads until it has one answer."""
    return clients(quiet(SETTLE_S, each_thread(until_ok(limit(READS_MAX, delay(READ_GAP_S, function(_read)))))))


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
