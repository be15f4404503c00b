"""``booking``: rooms are booked where nobody else has booked them; no slot may be given twice (DDIA ch. 7, phantoms).

Who books looks for bookings that overlap and finds none; what would make two of them conflict is a row that does not
exist yet. A day has few slots, which are soon taken, and after OPERATIONS_PER_DAY operations everybody goes on to the
next one. Some bookings are cancelled, some days are looked at, and at the end all that there is.
"""

from __future__ import annotations

from typing import Any, Final

from harness.generator import Context, Draws, Generator, clients, function, invoke, phases, rate
from harness.history import History, Op
from harness.result import Result
from harness.workload import Thresholds, Workload, WorkloadOptions
from systems_under_test.blocks.procedures import SLOTS_MAX
from workloads.final import dumps, final_reads

NAME: Final = "booking"
ROOMS: Final = 2
SLOTS_PER_DAY: Final = 8
OPERATIONS_PER_DAY: Final = 16

_CANCEL_EVERY: Final = 8
_LOOK_EVERY: Final = 9


def _operation(context: Context, position: int) -> Op:
    draws = context.draws(position)
    day = position // OPERATIONS_PER_DAY * SLOTS_PER_DAY
    if position % _LOOK_EVERY == _LOOK_EVERY - 1:
        return invoke("bookings", {"first": day, "last": day + SLOTS_PER_DAY - 1}, key=draws.below(ROOMS))
    if position % _CANCEL_EVERY == _CANCEL_EVERY - 1:
        earlier = position - 1 - draws.below(_CANCEL_EVERY - 1)
        return invoke("cancel", _booking(context.draws(earlier), earlier), key=context.draws(earlier).below(ROOMS))
    return invoke("book", _booking(draws, position), key=context.draws(position).below(ROOMS))


def _booking(draws: Draws, position: int) -> dict[str, Any]:
    """What the operation of that position books, if it books; the first draw is its room."""
    draws.bits()
    length = 1 + draws.below(SLOTS_MAX)
    first = position // OPERATIONS_PER_DAY * SLOTS_PER_DAY + draws.below(SLOTS_PER_DAY - length + 1)
    return {"id": position, "first": first, "last": first + length - 1}


def generator(options: WorkloadOptions) -> Generator:
    return clients(rate(options.rate_hz, function(_operation)))


def final_generator(options: WorkloadOptions) -> Generator:
    reads = (invoke("bookings", key=room) for room in range(ROOMS))
    return clients(phases(final_reads(*reads), dumps(options)))


def probe(attempt: int) -> Op:
    """A look like any other."""
    return invoke("bookings", {"first": 0, "last": SLOTS_PER_DAY - 1}, key=attempt % ROOMS)


def check(history: History, time_limit_s: float | None) -> Result:
    from checkers.booking import check as check_booking

    return check_booking(history, time_limit_s=time_limit_s)


WORKLOAD: Final = Workload(
    name=NAME,
    summary="book rooms where no booking overlaps; no slot may be given twice, and no booking lost",
    operations=frozenset({"book", "cancel", "bookings"}),
    expect="booking",
    model=None,
    generator=generator,
    final_generator=final_generator,
    probe=probe,
    check=check,
    thresholds=Thresholds(
        counted=("book", "bookings"),
        writes=("book", "cancel"),
        ok_of_asked={"book": 0.1, "bookings": 0.05},  # most slots are taken, by right; few operations are looks
        conflicts_min=5,
    ),
)
