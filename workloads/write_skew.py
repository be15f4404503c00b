"""``write-skew``: doctors go off call if they see somebody else on call; somebody must stay (DDIA ch. 7, figure 7-8).

A shift is a small experiment of three transactions: each of its two doctors wants to leave, and a third looks at who is
left. Then comes the next shift, so that a run is many experiments. Everybody is on call until he is off.
"""

from __future__ import annotations

from typing import Any, Final

from harness.generator import Context, Generator, clients, function, invoke, rate
from harness.history import History, Op
from harness.result import Result
from harness.workload import Thresholds, Workload, WorkloadOptions
from workloads.final import dumps

NAME: Final = "write-skew"
DOCTORS: Final = ("alice", "bob")
PROBE_SHIFT: Final = -1
"""The shift of the probes, which nobody ever leaves."""


def _look() -> list[list[Any]]:
    return [["r", doctor, None] for doctor in DOCTORS]


def _experiment(context: Context, position: int) -> Op:
    shift, step = divmod(position, len(DOCTORS) + 1)
    if step == len(DOCTORS):
        return invoke("roster", _look(), key=shift)
    return invoke("go-off-call", [*_look(), ["w", DOCTORS[step], False]], key=shift)


def generator(options: WorkloadOptions) -> Generator:
    return clients(rate(options.rate_hz, function(_experiment)))


def final_generator(options: WorkloadOptions) -> Generator:
    return clients(dumps(options))


def probe(attempt: int) -> Op:
    return invoke("roster", _look(), key=PROBE_SHIFT)


def check(history: History, time_limit_s: float | None) -> Result:
    from checkers.write_skew import check as check_write_skew

    return check_write_skew(history, time_limit_s=time_limit_s)


WORKLOAD: Final = Workload(
    name=NAME,
    summary="doctors go off call if somebody else is on call; in no order of the transactions is nobody left",
    operations=frozenset({"go-off-call", "roster"}),
    expect="write-skew",
    model=None,
    generator=generator,
    final_generator=final_generator,
    probe=probe,
    check=check,
    thresholds=Thresholds(counted=("go-off-call", "roster"), writes=("go-off-call",), conflicts_min=5),
)
