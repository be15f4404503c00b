"""The verdict, as a pure function of what a run left in memory, and the same from disk."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from harness import catalog
from harness.formats import jsonl
from harness.history import DUMP, NEMESIS, History, Op
from harness.interpreter import Counts
from harness.node_failure import CRASH, NodeFailure
from harness.plan import Plan, ScheduledOperation
from harness.result import Reason
from harness.runner import Record
from harness.setup import Setup
from harness.store import create_folder
from harness.verdict import Verdict, assess, judge
from tests.harness.play_cluster import Cut, PlayProvider, play_system

SECOND = 1_000_000_000
RECORD = Record(Counts(ok=40), main_start_ns=0, main_end_ns=10 * SECOND)
SYSTEM = play_system(leadership=lambda options: ("became-leader", "term"))


def setup(**plan: Any) -> Setup:
    fields = {"system": "play", "workload": "set", "rate_hz": 4.0, "time_limit_s": 10.0, **plan}
    return Setup(Plan(**fields), SYSTEM, catalog.workload("set"), PlayProvider(), {"cut": Cut()})


def pair(f: str, process: int, value: Any, result: Any, second: float, node: str | None = None) -> list[Op]:
    at = round(second * SECOND)
    return [Op("invoke", process, f, value, at, node=node), Op("ok", process, f, result, at + 1000, node=node)]


def run(adds: int = 20, lost: Sequence[int] = (), states: Sequence[Any] = ()) -> list[Op]:
    """Adds one after another; a final read that lacks what was lost; three dumps of n1, n2, ... with their states."""
    ops = [op for i in range(adds) for op in pair("add", 0, i, i, 0.1 * i)]
    ops += pair("read", 1, None, [i for i in range(adds) if i not in lost], 12)
    dumps = [(f"n{number}", state) for _ in range(3) for number, state in enumerate(states, 1)]
    return ops + [op for node, state in dumps for op in pair(DUMP, 2, None, {"state": state, "applied": 9}, 13, node)]


def event(name: str, node: str, **fields: Any) -> dict[str, Any]:
    return {"name": name, "node": node, "incarnation": 1, "time_ns": 5, "fields": fields}


def verdict(ops: Sequence[Op], events: Sequence[dict[str, Any]] = (), record: Record = RECORD, **plan: Any) -> Verdict:
    return assess(setup(**plan), History(ops), record, events, 10.0)


def types(found: Verdict) -> list[str]:
    return [anomaly.type for anomaly in found.result.anomalies]


def test_versions_of_an_external_system_are_told() -> None:
    told = verdict(run(), record=replace(RECORD, versions={"PostgreSQL": "15.12"})).as_json()
    assert told["versions"] == {"PostgreSQL": "15.12"}
    assert "versions" not in verdict(run()).as_json(), "of a bundled one there is none"


def test_a_right_run_is_valid_and_says_what_else_was_checked() -> None:
    found = verdict(run(states=({"x": 1}, {"x": 1})), [event("became-leader", "n1", term=1)])
    assert found.result.valid is True
    assert found.result.details["eventual"]["answered"] == ["n1", "n2"]
    assert found.result.details["leader-uniqueness"]["epochs"] == 1
    assert found.result.expect == "set"


def test_every_anomaly_of_every_check_is_kept() -> None:
    leaders = [event("became-leader", "n1", term=3), event("became-leader", "n2", term=3)]
    failed = event("assertion", "n2", where="handle", error="a term fell")
    found = verdict(run(lost=[4], states=({"x": 1}, {"x": 2})), [*leaders, failed])
    assert found.result.valid is False
    assert types(found) == ["lost", "divergence", "two-leaders", "assertion"]


@pytest.mark.parametrize(
    ("ops", "events", "type_"),
    [
        (run(states=({"x": 1}, {"x": 2})), [], "divergence"),
        (run(), [event("became-leader", "n1", term=3), event("became-leader", "n2", term=3)], "two-leaders"),
        (run(), [event("assertion", "n1", where="x", error="y")], "assertion"),
    ],
)
def test_what_the_workload_does_not_see_is_invalid_all_the_same(
    ops: list[Op], events: list[dict[str, Any]], type_: str
) -> None:
    found = verdict(ops, events)
    assert (found.result.valid, types(found)) == (False, [type_])


def test_replicas_that_did_not_answer_leave_it_open() -> None:
    silent = [*run(), Op("invoke", 2, DUMP, node="n1"), Op("info", 2, DUMP, node="n1")]
    found = verdict(silent)
    assert (found.result.valid, found.result.reason) == ("unknown", Reason.MISSING_FINAL_READ)
    assert types(verdict([*run(lost=[3]), *silent[-2:]])) == ["lost"], "and invalid stays invalid"


def test_a_system_without_dumps_or_leaders_is_judged_by_its_workload_alone() -> None:
    plain = replace(setup(), system=play_system())
    two = [event("became-leader", "n1", term=3), event("became-leader", "n2", term=3)]
    result = assess(plain, History(run()), RECORD, two, 10.0).result
    assert result.valid is True
    assert not {"eventual", "leader-uniqueness"} & set(result.details)


def test_failures_may_be_known_already() -> None:
    crash = NodeFailure(CRASH, "n1", 1, "start", "KeyError")
    known = assess(setup(), History(run()), RECORD, [], 10.0, failures=[crash]).result
    told = verdict(run(), [event("crash", "n1", where="start", error="KeyError")]).result
    assert known.reason is told.reason is Reason.HARNESS_ERROR
    assert known.explanation == told.explanation


def test_a_checker_that_raises_gives_unknown_whichever_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    from checkers import convergence

    def broken(history: History) -> Any:
        raise IndexError("a bug of ours")

    monkeypatch.setattr(convergence, "check", broken)
    found = verdict(run(states=({"x": 1}, {"x": 1})))
    assert (found.result.valid, found.result.reason) == ("unknown", Reason.CHECKER_ERROR)
    assert types(verdict(run(lost=[1], states=({"x": 1}, {"x": 1})))) == ["lost"]


def test_nothing_happened() -> None:
    assert verdict(run(adds=0)).result.reason in (Reason.TOO_FEW_OK, Reason.MISSING_FINAL_READ)
    assert verdict(run(adds=1)).result.reason is Reason.TOO_FEW_OK
    assert verdict(run(adds=6)).result.valid is True, "of the 40 that were asked for"
    assert verdict(run(adds=5)).result.reason is Reason.TOO_FEW_OK


def test_what_is_asked_after_the_load_is_no_load() -> None:
    late = [op for i in range(100, 120) for op in pair("add", 0, i, i, 11)]
    whole = [*run(adds=0), *late, *pair("read", 1, None, list(range(100, 120)), 12)]
    assert verdict(whole).result.reason is Reason.TOO_FEW_OK
    heal = [Op("info", NEMESIS, "heal", time=SECOND)] * 2
    assert verdict([*run(adds=0)[:0], *heal, *late, *whole[-2:]]).result.reason is Reason.TOO_FEW_OK


def test_a_plan_of_three_operations_can_be_valid_and_one_of_none_cannot() -> None:
    three = tuple(ScheduledOperation(i * SECOND, 0, "add", i) for i in range(3))
    assert verdict(run(adds=3), operations=three).result.valid is True
    failed = [
        replace(op, type="fail") if op.type == "ok" and op.f == "add" else op for op in run(adds=3, lost=[0, 1, 2])
    ]
    assert verdict(failed, operations=three).result.reason is Reason.TOO_FEW_OK
    assert verdict(run(adds=0), operations=()).result.valid == "unknown"
    assert verdict(run(adds=3, lost=[1]), operations=three).result.valid is False


def test_from_disk_it_is_the_same(tmp_path: Path) -> None:
    ops = run(lost=[4], states=({"x": 1}, {"x": 2}))
    events = [event("became-leader", "n1", term=3), event("chatter", "n1"), event("became-leader", "n2", term=3)]
    folder = create_folder(tmp_path, setup().plan)
    folder.history.write_text("".join(line + "\n" for line in [jsonl.header(), *map(jsonl.dump, ops)]))
    for node in ("n1", "n2"):
        (folder.nodes / node).mkdir(parents=True)
        lines = [json.dumps(line, separators=(",", ":")) + "\n" for line in events if line["node"] == node]
        (folder.nodes / node / "events.jsonl").write_text("".join(lines))
    found = judge(setup(), folder, RECORD, 10.0)
    assert [anomaly.as_json() for anomaly in found.result.anomalies] == [
        anomaly.as_json() for anomaly in verdict(ops, events).result.anomalies
    ]
    assert types(found) == ["lost", "divergence", "two-leaders"]
    assert json.loads((folder.path / "results.json").read_text())["valid"] is False


def test_a_leader_whose_event_is_torn_leaves_no_valid_verdict(tmp_path: Path) -> None:
    folder = create_folder(tmp_path, setup().plan)
    folder.history.write_text("".join(line + "\n" for line in [jsonl.header(), *map(jsonl.dump, run())]))
    (folder.nodes / "n1").mkdir(parents=True)
    (folder.nodes / "n1" / "events.jsonl").write_text('{"name":"became-leader","node":"n1","incar')
    found = judge(setup(), folder, RECORD, 10.0)
    assert (found.result.valid, found.result.reason) == ("unknown", Reason.HARNESS_ERROR)
    assert "cannot be read" in str(found.result.explanation)
