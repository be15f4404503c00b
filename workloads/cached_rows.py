"""``cached-rows``: rows are inserted, each of which is given an id, and whoever inserted one looks it up by that id
through a cache outside the database; it must be his own.

A cache knows rows by their ids, and is not told when a failover takes rows back. If a stale follower is promoted and
gives the ids again, the cache shows a user what belongs to another: GitHub's incident of 2012 (Kleppmann, "Designing
Data-Intensive Applications", ch. 5, "Leader failure: Failover"). ``unique-ids`` is the same without the cache.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Final

from harness.generator import PENDING, Answer, Context, Generator, any_of, clients, fill, function, invoke, rate
from harness.history import History, Op
from harness.result import Result
from harness.workload import Thresholds, Workload, WorkloadOptions
from workloads.final import dumps
from workloads.unique_ids import TABLES

NAME: Final = "cached-rows"
LOOK_UP: Final = "look-up"
PROBE_ROW: Final = -1


def _insert(context: Context, position: int) -> Op:
    """A row: its text is a number of its own."""
    return invoke("generate", 1 + position, key=context.draws(position).below(TABLES))


@dataclass(frozen=True, slots=True)
class _LookUp:
    """Whoever has inserted a row looks at it next. ``rows`` are those under way: (process, row)."""

    rows: tuple[tuple[Any, Any], ...] = ()
    waiting: tuple[Op, ...] = ()

    def op(self, context: Context) -> Answer:
        alive = [op for op in self.waiting if op.process in context.processes.values()]
        for op in alive:
            if context.thread_of(op.process) in context.free:
                return fill(op, context), replace(self, waiting=tuple(other for other in alive if other is not op))
        return PENDING, self

    def update(self, context: Context, event: Op) -> Generator:
        if event.f != "generate":
            return self
        rows = tuple(row for row in self.rows if row[0] != event.process)
        if event.type == "invoke":
            return replace(self, rows=(*rows, (event.process, event.value)))
        inserted = dict(self.rows).get(event.process)
        if event.type != "ok" or inserted is None:
            return replace(self, rows=rows)
        look = replace(invoke(LOOK_UP, [event.value, inserted], key=event.key), process=event.process)
        return replace(self, rows=rows, waiting=(*self.waiting, look))


def generator(options: WorkloadOptions) -> Generator:
    return clients(any_of(rate(options.rate_hz / 2, function(_insert)), _LookUp()))


def final_generator(options: WorkloadOptions) -> Generator:
    return clients(dumps(options))


def probe(attempt: int) -> Op:
    """A row like any other; nobody looks at it."""
    return invoke("generate", PROBE_ROW - attempt, key=attempt % TABLES)


def check(history: History, time_limit_s: float | None) -> Result:
    from checkers.unique_ids import check as check_unique_ids

    return check_unique_ids(history, time_limit_s=time_limit_s)


WORKLOAD: Final = Workload(
    name=NAME,
    summary="insert rows, each given the next id, and look them up by it through a cache: each must be one's own",
    operations=frozenset({"generate", LOOK_UP}),
    expect="unique-ids",
    model=None,
    generator=generator,
    final_generator=final_generator,
    probe=probe,
    check=check,
    thresholds=Thresholds(counted=("generate", LOOK_UP), writes=("generate",)),
)
