"""``unique-ids``: rows are inserted, and each is given the next id of its table; no id may be given out twice.

An auto-increment counter is replicated like any other datum. A follower that lags and is promoted counts on from where
it stands, and gives ids again that the old leader had given out: harmless inside the database, where the old rows are
gone, and not in a cache, a search index or a message that still knows them by their ids (Kleppmann, "Designing
Data-Intensive Applications", ch. 5, "Leader failure: Failover").
"""

from __future__ import annotations

from typing import Final

from harness.generator import Context, Generator, clients, function, invoke, rate
from harness.history import History, Op
from harness.result import Result
from harness.workload import Thresholds, Workload, WorkloadOptions
from workloads.final import dumps

NAME: Final = "unique-ids"
TABLES: Final = 2


def _insert(context: Context, position: int) -> Op:
    return invoke("generate", key=context.draws(position).below(TABLES))


def generator(options: WorkloadOptions) -> Generator:
    return clients(rate(options.rate_hz, function(_insert)))


def final_generator(options: WorkloadOptions) -> Generator:
    return clients(dumps(options))


def probe(attempt: int) -> Op:
    """A row like any other."""
    return invoke("generate", key=attempt % TABLES)


def check(history: History, time_limit_s: float | None) -> Result:
    from checkers.unique_ids import check as check_unique_ids

    return check_unique_ids(history, time_limit_s=time_limit_s)


WORKLOAD: Final = Workload(
    name=NAME,
    summary="insert rows, each of which is given the next id; no id may be given out twice",
    operations=frozenset({"generate"}),
    expect="unique-ids",
    model=None,
    generator=generator,
    final_generator=final_generator,
    probe=probe,
    check=check,
    thresholds=Thresholds(counted=("generate",), writes=("generate",)),
)
