"""The rows workload: what it asks, and that rows that are kept rightly are valid, and a lost one is found."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import Any

import pytest

from harness.generator import Draws, limit, phases
from harness.generator.simulate import simulate
from harness.history import History, Op
from harness.result import Reason
from harness.sufficiency import shortfall
from harness.workload import WorkloadOptions
from systems_under_test.blocks.page import LAYOUTS, Pages
from systems_under_test.blocks.statement import execute
from systems_under_test.blocks.table_store import TableStore
from workloads.rows import FUNCTIONS, ORDERS, SEATS, SEATS_MAX, VISITS, WORKLOAD

OPTIONS = WorkloadOptions(("n1", "n2", "n3"), concurrency=6, rate_hz=200.0, time_limit_s=30.0)
OPERATIONS = 400


class Database:
    """One database, which forgets the rows with the tags in ``forgets``; of operations ``mute`` nobody hears."""

    def __init__(self, forgets: tuple[int, ...] = (), mute: str = "") -> None:
        self.store, self.forgets, self.mute = TableStore(Pages(LAYOUTS["old"])), forgets, mute

    def call(self, name: str) -> Any:
        return name

    def __call__(self, op: Op, draws: Draws) -> Op:
        ended = replace(op, type="ok", time=op.time + 1_000_000 + draws.below(20_000_000))
        if op.f == "read":
            rows = [{"id": key, **row} for key, row in self.store.rows(op.key) if row["tag"] not in self.forgets]
            ended = replace(ended, value=rows)
        else:
            ended = replace(ended, value={**op.value, **execute(self.store, {op.f: op.key, **op.value}, self)})
        return replace(ended, type="info", value=op.value) if op.f == self.mute else ended


def recorded(database: Database) -> History:
    assert WORKLOAD.final_generator is not None
    whole = phases(limit(OPERATIONS, WORKLOAD.generator(OPTIONS)), WORKLOAD.final_generator(OPTIONS))
    return History(simulate(whole, concurrency=6, complete=database))


def test_every_kind_of_statement_is_asked_and_does_something() -> None:
    main = recorded(Database()).calls()[:OPERATIONS]
    asked = Counter((call.f, call.key) for call in main)
    assert set(asked) == {
        ("insert", ORDERS),
        ("delete", ORDERS),
        ("update", SEATS),
        ("insert", SEATS),
        ("insert", VISITS),
    }
    assert asked["insert", SEATS] == SEATS_MAX
    assert min(count for what, count in asked.items() if what[1] != SEATS or what[0] == "update") > OPERATIONS // 20
    called = Counter(column["call"] for call in main if call.key == VISITS for column in call.argument["row"].values()
                     if isinstance(column, dict))  # fmt: skip
    assert set(called) == set(FUNCTIONS)
    changed = Counter((call.f, call.result["count"] > 0) for call in main if call.f in ("update", "delete"))
    assert min(changed["update", True], changed["update", False], changed["delete", True]) > 10, str(changed)


def test_tags_are_distinct_and_everybody_reads_every_table_last() -> None:
    calls = recorded(Database()).calls()
    tags = [call.argument["row"]["tag"] for call in calls if call.f == "insert"]
    assert len(set(tags)) == len(tags)
    assert WORKLOAD.probe(0).value["row"]["tag"] == -1 != WORKLOAD.probe(1).value["row"]["tag"]
    finals = {(call.f, call.key, call.process) for call in calls[OPERATIONS:]}
    assert finals == {("read", table, process) for table in (ORDERS, SEATS, VISITS) for process in range(6)}


def test_rows_that_are_kept_rightly_are_valid() -> None:
    history = recorded(Database())
    result = WORKLOAD.check(history, 10.0)
    assert result.valid is True, str(result)
    assert shortfall(history, WORKLOAD.thresholds) is None


def test_a_lost_row_is_found() -> None:
    result = WORKLOAD.check(recorded(Database(forgets=(3,))), 10.0)
    assert [anomaly.type for anomaly in result.anomalies] == ["lost"]


@pytest.mark.parametrize(("mute", "reason"), [("insert", None), ("delete", None), ("read", Reason.MISSING_FINAL_READ)])
def test_what_is_not_known_is_no_anomaly(mute: str, reason: Reason | None) -> None:
    result = WORKLOAD.check(recorded(Database(mute=mute)), 10.0)
    assert (result.valid, result.reason) == (True if reason is None else "unknown", reason)
