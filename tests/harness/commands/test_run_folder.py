"""A run checked again: its plan says how, and its own doubts stay."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from harness import catalog, cli
from harness.plan import Plan
from harness.result import Anomaly, Reason, Result, unknown
from tests.harness.commands.test_check import CAS, LOST, SET, STALE, VALID, checked

FINE: dict[str, Any] = {"valid": True, "interrupted": False}


def run_folder(folder: Path, history: str, results: dict[str, Any] | str | None, **plan: Any) -> str:
    fields = {"system": "raft", "workload": "register", **plan}
    (folder / "plan.json").write_text(json.dumps(Plan(**fields).as_json()))
    (folder / "history.jsonl").write_text(history)
    if results is not None:
        (folder / "results.json").write_text(results if isinstance(results, str) else json.dumps(results))
    return str(folder)


@pytest.mark.parametrize(
    ("history", "plan", "options", "status", "expect", "model"),
    [
        (VALID, {}, [], 0, "linearizable", "cas-register"),
        (STALE, {}, [], 1, "linearizable", "cas-register"),
        (STALE, {}, ["--nil-reads", "unknown"], 0, "linearizable", "cas-register"),
        (VALID, {}, ["--model", "register"], 0, "linearizable", "register"),
        (CAS, {"initial": 0}, [], 1, "linearizable", "cas-register"),
        (CAS, {"initial": 0}, ["--initial", "null"], 0, "linearizable", "cas-register"),
        (SET, {"workload": "set"}, [], 0, "set", None),
        (LOST, {"workload": "set"}, [], 1, "set", None),
        (SET, {}, ["--expect", "set"], 0, "set", None),
    ],
)
def test_the_plan_says_what_is_expected(
    tmp_path: Path, history: str, plan: dict[str, Any], options: list[str], status: int, expect: str, model: str | None,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    found, answer = checked(capsys, run_folder(tmp_path, history, FINE, **plan), *options)
    assert (found, answer["expect"], answer["model"]) == (status, expect, model)
    assert answer["history"] == str(tmp_path)


def test_the_latest_run_is_a_link(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "run").mkdir()
    run_folder(tmp_path / "run", VALID, FINE)
    (tmp_path / "latest").symlink_to("run")
    assert checked(capsys, str(tmp_path / "latest"))[0] == 0


@pytest.mark.parametrize(
    "reason", [Reason.TOO_FEW_OK, Reason.NO_CONFLICT, Reason.FAULT_WITHOUT_EFFECT, Reason.NO_RECOVERY,
               Reason.INTERRUPTED, Reason.HARNESS_ERROR]
)  # fmt: skip
def test_what_the_run_doubted_stays_doubted(tmp_path: Path, reason: Reason, capsys: pytest.CaptureFixture[str]) -> None:
    results = {**unknown("linearizable", reason, "as the run said").as_json(), "interrupted": True}
    status, answer = checked(capsys, run_folder(tmp_path, VALID, results))
    assert (status, answer["reason"]) == (2, reason)
    assert "as the run said" in answer["explanation"]
    assert checked(capsys, run_folder(tmp_path, STALE, results))[0] == 1, "invalid stays invalid"


@pytest.mark.parametrize("reason", [Reason.TIMEOUT, Reason.OUT_OF_MEMORY, Reason.CHECKER_ERROR, Reason.INTERRUPTED])
def test_what_only_the_check_left_open_is_settled(
    tmp_path: Path, reason: Reason, capsys: pytest.CaptureFixture[str]
) -> None:
    results = {**unknown("linearizable", reason, "too long").as_json(), "interrupted": False}
    assert checked(capsys, run_folder(tmp_path, VALID, results))[0] == 0


def test_a_run_that_did_not_end_is_no_evidence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    status, answer = checked(capsys, run_folder(tmp_path, VALID, None))
    assert (status, answer["reason"]) == (2, Reason.INTERRUPTED)
    assert checked(capsys, run_folder(tmp_path, STALE, None))[0] == 1


@pytest.mark.parametrize(
    "results",
    [
        "{",
        "[]",
        "{}",
        '{"valid": 7}',
        '{"valid": 0}',
        '{"valid": 1}',
        '{"valid": "unknown", "reason": "mood"}',
        "[" * 10_000,
    ],
)
def test_results_that_cannot_be_read_leave_doubt(
    tmp_path: Path, results: str, capsys: pytest.CaptureFixture[str]
) -> None:
    status, answer = checked(capsys, run_folder(tmp_path, VALID, results))
    assert (status, answer["reason"]) == (2, Reason.HARNESS_ERROR)


def test_a_verdict_that_contradicts_the_run_is_none(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lost = Result(False, "linearizable", anomalies=(Anomaly("non-linearizable", (0,), "so it was"),))
    status, answer = checked(capsys, run_folder(tmp_path, VALID, lost.as_json()))
    assert (status, answer["reason"]) == (2, Reason.CHECKER_ERROR)
    assert "contradict" in answer["explanation"]


def test_a_run_that_was_invalid_may_keep_something_weaker(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    stale = Result(False, "linearizable", anomalies=(Anomaly("non-linearizable", (0,), "so it was"),))
    folder = run_folder(tmp_path, STALE, stale.as_json())
    assert checked(capsys, folder, "--expect", "sequential")[0] == 0
    assert checked(capsys, folder)[0] == 1


def test_a_failed_assertion_of_a_node_stays_an_anomaly(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    event = {"name": "assertion", "incarnation": 2, "fields": {"where": "handle", "error": "the term fell"}}
    (tmp_path / "nodes" / "n3").mkdir(parents=True)
    (tmp_path / "nodes" / "n3" / "events.jsonl").write_text(json.dumps(event, separators=(",", ":")) + "\n")
    folder = run_folder(tmp_path, VALID, FINE)
    status, answer = checked(capsys, folder)
    assert (status, [anomaly["type"] for anomaly in answer["anomalies"]]) == (1, ["assertion"])
    assert cli.main(["check", folder]) == 1
    assert "the term fell" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("plan", "said"),
    [
        ("{", "plan.json"),
        ("[]", "plan.json"),
        ('{"schema": "other"}', "read schema 'other'"),
        (json.dumps(Plan("raft", "registr").as_json()), "(did you mean register?)"),
    ],
)
def test_a_plan_that_cannot_be_read(tmp_path: Path, plan: str, said: str, capsys: pytest.CaptureFixture[str]) -> None:
    folder = run_folder(tmp_path, VALID, FINE)
    (tmp_path / "plan.json").write_text(plan)
    assert cli.main(["check", folder]) == 254
    assert said in capsys.readouterr().err


def test_a_run_without_a_history(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = run_folder(tmp_path, VALID, FINE)
    (tmp_path / "history.jsonl").unlink()
    assert cli.main(["check", folder]) == 254
    assert "which has no history.jsonl" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["plan.json", "results.json", "nodes/n1/events.jsonl"])
@pytest.mark.parametrize("what", ["pipe", "/dev/zero", "deep"])
def test_a_hostile_folder_neither_hangs_nor_crashes_nor_is_called_valid(
    tmp_path: Path, name: str, what: str, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = run_folder(tmp_path, VALID, FINE)
    path = tmp_path / name
    path.unlink(missing_ok=True)
    path.parent.mkdir(parents=True, exist_ok=True)
    match what:
        case "pipe":
            os.mkfifo(path)
        case "deep":
            path.write_text('{"name":"assertion","valid":' + "[" * 200_000)
        case _:
            path.symlink_to(what)
    status, _ = checked(capsys, folder)
    assert status == {"plan.json": 254, "results.json": 2}.get(name, 0), "what cannot be an event is none"


def test_replicas_that_differ_stay_an_anomaly(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    def dump(node: str, value: int) -> str:
        state = {"state": {"x": value}, "applied": 1}
        lines: list[dict[str, Any]] = [{"type": "invoke", "value": None}, {"type": "ok", "value": state}]
        return "".join(json.dumps({**line, "process": 7, "f": "dump", "node": node}) + "\n" for line in lines)

    apart = SET + (dump("n1", 1) + dump("n2", 2)) * 3
    status, answer = checked(capsys, run_folder(tmp_path, apart, FINE, workload="set"))
    assert (status, [anomaly["type"] for anomaly in answer["anomalies"]]) == (1, ["divergence"])
    once = SET + dump("n1", 1) + dump("n2", 2)
    status, answer = checked(capsys, run_folder(tmp_path, once, FINE, workload="set"))
    assert (status, answer["reason"]) == (2, "missing-final-read")
    agreed = SET + dump("n1", 1) + dump("n2", 1)
    status, answer = checked(capsys, run_folder(tmp_path, agreed, FINE, workload="set"))
    assert (status, answer["details"]["eventual"]["valid"]) == (0, True)


def test_a_run_needs_the_final_read_that_a_file_does_not(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lines = [{"type": kind, "process": 0, "f": "inc", "value": 1, "key": 0} for kind in ("invoke", "ok")]
    whole = "".join(json.dumps(line) + "\n" for line in lines)
    status, answer = checked(capsys, run_folder(tmp_path, whole, FINE, workload="counter"))
    assert (status, answer["valid"], answer["reason"]) == (2, "unknown", "missing-final-read")
    read = "".join(json.dumps({**line, "f": "read"}) + "\n" for line in lines)
    status, answer = checked(capsys, run_folder(tmp_path, whole + read, FINE, workload="counter"))
    assert (status, answer["valid"]) == (0, True)


@pytest.mark.parametrize(("terms", "status"), [((3, 4), 0), ((3, 3), 1)])
def test_two_leaders_of_an_epoch_stay_an_anomaly(
    tmp_path: Path, terms: tuple[int, int], status: int, capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    raft = replace(catalog.system("raft"), leadership=lambda options: ("became-leader", "term"))
    monkeypatch.setattr(catalog, "system", lambda name: raft)
    for node, term in zip(("n1", "n2"), terms, strict=True):
        (tmp_path / "nodes" / node).mkdir(parents=True)
        event = {"name": "became-leader", "node": node, "incarnation": 1, "fields": {"term": term}}
        (tmp_path / "nodes" / node / "events.jsonl").write_text(json.dumps(event, separators=(",", ":")) + "\n")
    found, answer = checked(capsys, run_folder(tmp_path, VALID, FINE))
    assert (found, [anomaly["type"] for anomaly in answer["anomalies"]]) == (status, ["two-leaders"] * status)


def test_checking_a_run_executes_nothing_that_comes_with_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "evil_system.py").write_text(f"open({str(tmp_path / 'executed')!r}, 'w')\n")
    folder = run_folder(tmp_path, VALID, FINE, system=str(tmp_path / "evil_system.py"), options=["no", "mapping"])
    assert checked(capsys, folder)[0] == 0
    assert not (tmp_path / "executed").exists()
