"""``rows``: statements on a few tables, as an application sends them; rows must stay, and replicas must agree.

Of what a statement can be, everything that the ways to replicate it differ in (DDIA ch. 5, "Implementation of
Replication Logs"): values that are made where it is executed (NOW, RAND, UUID), keys that count up, conditions on what
is there.

* ``orders``: rows under auto-increment keys, some of which are deleted again;
* ``seats``: a few rows, which are taken if they are free, and freed: what a statement does depends on those before it;
* ``visits``: rows of whose columns one or more are left to NOW, RAND and UUID.

``checkers.rows`` judges what was acknowledged; that replicas hold the same in the end is judged of every run.
"""

from __future__ import annotations

from typing import Any, Final

from harness.generator import Context, Draws, Generator, clients, function, invoke, phases, rate
from harness.history import History, Op
from harness.result import Result
from harness.workload import OK_OF_ASKED, Thresholds, Workload, WorkloadOptions
from workloads.final import dumps, final_reads

NAME: Final = "rows"
ORDERS, SEATS, VISITS = "orders", "seats", "visits"
SEATS_MAX: Final = 6
FUNCTIONS: Final = ("NOW", "RAND", "UUID")


def _operation(context: Context, position: int) -> Op:
    """The first ones make the seats; after that each kind has its share."""
    if position < SEATS_MAX:
        return invoke("insert", {"row": {"tag": position, "holder": None}}, key=SEATS)
    draws = context.draws(position)
    kind = draws.below(10)
    if kind < 4:
        return invoke("insert", {"row": {"tag": position, "amount": 1 + draws.below(100)}}, key=ORDERS)
    if kind == 4:
        return invoke("delete", {"where": [["tag", "=", max(position - 1 - draws.below(20), 0)]]}, key=ORDERS)
    if kind < 8:
        return invoke("update", _seat(draws, position), key=SEATS)
    return invoke("insert", {"row": _visit(draws, position)}, key=VISITS)


def _seat(draws: Draws, position: int) -> dict[str, Any]:
    """Take a seat that is free, or free it whoever has it."""
    seat = ["tag", "=", draws.below(SEATS_MAX)]
    if draws.below(2):
        return {"set": {"holder": position}, "where": [seat, ["holder", "=", None]]}
    return {"set": {"holder": None}, "where": [seat, ["holder", "!=", None]]}


def _visit(draws: Draws, position: int) -> dict[str, Any]:
    name = FUNCTIONS[draws.below(len(FUNCTIONS))]
    return {"tag": position, name.lower(): {"call": name}}


def generator(options: WorkloadOptions) -> Generator:
    return clients(rate(options.rate_hz, function(_operation)))


def final_generator(options: WorkloadOptions) -> Generator:
    reads = (invoke("read", key=table) for table in (ORDERS, SEATS, VISITS))
    return clients(phases(final_reads(*reads), dumps(options)))


def probe(attempt: int) -> Op:
    """An order that the main phase never makes."""
    return invoke("insert", {"row": {"tag": -1 - attempt, "amount": 1}}, key=ORDERS)


def check(history: History, time_limit_s: float | None) -> Result:
    from checkers.rows import check as check_rows

    return check_rows(history, time_limit_s=time_limit_s)


WORKLOAD: Final = Workload(
    name=NAME,
    summary="insert, update and delete rows of a few tables; no acknowledged row lost, no key given twice",
    operations=frozenset({"insert", "update", "delete", "read"}),
    expect="rows",
    model=None,
    generator=generator,
    final_generator=final_generator,
    probe=probe,
    check=check,
    thresholds=Thresholds(
        counted=("insert", "update"),
        writes=("insert", "update", "delete"),
        ok_of_asked={"update": 0.6 * OK_OF_ASKED},  # 3 operations of 10, where half of them are reckoned with
    ),
)
