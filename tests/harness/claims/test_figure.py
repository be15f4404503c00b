"""Figures, on a history made by hand."""

from __future__ import annotations

from typing import Any

import pytest

from harness import catalog
from harness.claims.figure import UnknownFigureError, figure
from harness.claims.observed import Observed
from harness.history import NEMESIS, History, Op
from harness.plan import Plan

MS = 1_000_000


def pair(process: int, f: str, value: Any, begun_ms: int, done_ms: int, type_: Any = "ok", node: str | None = None,
         argument: Any = None) -> list[Op]:  # fmt: skip
    asked = argument if f != "read" else None
    return [
        Op("invoke", process, f, value if asked is None and f != "read" else asked, begun_ms * MS, key=0),
        Op(type_, process, f, value, done_ms * MS, key=0, node=node),
    ]


def run(*operations: list[Op], events: int = 0, nemesis: list[Op] | None = None, checked: Any = True) -> Observed:
    ops = sorted([op for entry in operations for op in entry] + (nemesis or []), key=lambda op: op.time)
    results = {"main_start_ns": 0, "main_end_ns": 2000 * MS, "checked": checked, "valid": checked, "reason": None,
               "availability": [{"f": "write", "longest_gap_s": 1.5}], "faults": []}  # fmt: skip
    told = [{"name": "became-leader", "node": "n1", "time_monotonic_ns": 0, "fields": {}}] * events
    plan = Plan("single-leader", "register", {"generation": "on", "failover": "automatic"}, nodes=3)
    return Observed(plan, catalog.system("single-leader"), results, History(ops), told)


def cut(drops: dict[str, list[str]], begun_ms: int, done_ms: int) -> list[Op]:
    value = {"drops": drops, "application": 0}
    return [
        Op("info", NEMESIS, f, value, at * MS)
        for f, at in (("start-partition", begun_ms), ("start-partition", begun_ms + 1), ("stop-partition", done_ms),
                      ("stop-partition", done_ms + 1))
    ]  # fmt: skip


def test_rates_and_latencies_are_of_what_succeeded_under_load() -> None:
    seen = run(pair(0, "write", 1, 0, 10), pair(1, "write", 2, 100, 130), pair(2, "write", 3, 200, 900, "info"),
               pair(3, "write", 4, 2500, 2600))  # fmt: skip
    assert figure("ok-per-second:write", seen) == 1.0
    assert figure("median-ms:write", seen) == 20.0
    assert figure("p99-ms:write", seen) == pytest.approx(29.8)
    assert figure("median-ms:read", seen) is None


def test_outages_and_leaders() -> None:
    assert figure("outage-s:write", run()) == 1.5
    assert figure("leader-changes", run(events=3)) == 2
    assert figure("leader-changes", run()) is None, "nobody ever led, or nobody told"


def test_staleness_is_from_the_end_of_the_overwriting_write() -> None:
    writes = [pair(0, "write", 1, 0, 10), pair(0, "write", 2, 100, 110)]
    assert figure("staleness-ms:read", run(*writes, pair(1, "read", 1, 400, 410))) == 290.0
    assert figure("staleness-ms:read", run(*writes, pair(1, "read", 2, 400, 410))) == 0.0
    assert figure("staleness-ms:read", run(*writes, pair(1, "read", 1, 105, 120))) == 0.0, "they overlap"
    assert figure("staleness-ms:read", run(*writes)) is None


def test_a_minority_is_available_if_one_of_it_answers_long_after_the_cut() -> None:
    drops = {"n1": ["n2", "n3"], "n2": ["n1"], "n3": ["n1"]}
    nemesis = cut(drops, 100, 1900)

    def minority(begun_ms: int, node: str) -> float | None:
        answered = pair(0, "write", 1, begun_ms, begun_ms + 10, node=node)
        return figure("minority-available:write", run(answered, nemesis=nemesis))

    assert minority(1200, "n1") == 1.0
    assert minority(1200, "n2") == 0.0, "n2 and n3 are a majority"
    assert minority(500, "n1") == 0.0, "within a client's timeout of the cut"
    assert figure("minority-available:write", run(pair(0, "write", 1, 1200, 1210, node="n1"))) is None, "no cut"
    both = [pair(i, f, 1, 1200, 1210, node="n1") for i, f in enumerate(("write", "read"))]
    assert figure("minority-available:write+read", run(*both, nemesis=nemesis)) == 1.0
    assert figure("minority-available:write+read", run(both[0], nemesis=nemesis)) == 0.0


def test_linearizable_is_what_the_checker_said() -> None:
    assert [figure("linearizable", run(checked=checked)) for checked in (True, False, "unknown")] == [1.0, 0.0, None]


def test_a_figure_that_is_none() -> None:
    with pytest.raises(UnknownFigureError, match=r"expected one of ok-per-second"):
        figure("speed", run())
