"""``splitbrain verify`` on evidence about isolation levels: it holds for its own history, and not when changed."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from harness import cli
from harness.commands.evidence import read_evidence
from harness.commands.verify_transactional import examine_history
from harness.formats import jsonl, read_history
from harness.history import History
from tests.checkers.transactional import notation
from tests.checkers.transactional.register import notation as register
from tests.harness.commands.test_check import written
from tests.harness.commands.test_verify import evidence_of, verified

SKEW = notation.concurrent("ax1 ry[]", "ay1 rx[]", "rx[1] ry[1]", "?az1")
Data = dict[str, Any]


def text_of(history: History) -> str:
    return "".join(jsonl.dump(op) + "\n" for op in history)


def changed(evidence: Path, change: Callable[[Data], None]) -> Path:
    data = json.loads(evidence.read_text())
    change(data)
    evidence.write_text(json.dumps(data))
    return evidence


@pytest.mark.parametrize(("level", "valid", "method", "said"), [
    ("snapshot-isolation", True, "replay", "every read is one that snapshot-isolation allows"),
    ("strong-session-causal", None, "", ""),
    ("strong-causal", True, "replay", "It keeps real time."),
    ("serializable", False, "edges", "write-skew: T0 -rw-> T1 -rw-> T0: the history has every edge"),
])  # fmt: skip
def test_evidence_holds_for_its_own_history_only(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], level: str, valid: bool | None, method: str, said: str
) -> None:
    path = tmp_path / "evidence.json"
    status = cli.main(["check", written(tmp_path, text_of(SKEW)), "--expect", level, "--certificate", str(path)])
    capsys.readouterr()
    if valid is None:
        assert (status, path.exists()) == (254, False)
        return
    status, answer = verified(capsys, path, tmp_path / "history.jsonl")
    assert (status, answer["holds"], answer["valid"], answer["method"]) == (0, True, valid, method)
    assert said in answer["explanation"]
    assert cli.main(["verify", str(path), str(tmp_path / "history.jsonl")]) == 0
    assert f"the {'commit order' if valid else 'witness'} holds, by {method}" in capsys.readouterr().out
    shorter = notation.concurrent("ax1")
    for other, by in ((notation.concurrent("ax5 ry[]", "ay1 rx[]", "rx[5] ry[1]", "?az1"), "digest"),
                      (shorter, "counting")):  # fmt: skip
        status, answer = verified(capsys, path, Path(written(tmp_path, text_of(other), "other.jsonl")))
        assert (status, answer["holds"], answer["method"]) == (1, False, by)


@pytest.mark.parametrize(("proof", "said"), [
    ({"order": [1, 0, 2], "snapshots": [0, 0, 2]}, None),
    ({"order": [0, 1, 2, 3], "snapshots": [0, 0, 2, 3]}, None),
    ({"order": [0, 1], "snapshots": [0, 0]}, "leaves out T2, which committed"),
    ({"order": [0, 2, 1], "snapshots": [0, 0, 0]}, "T2 read the list y with what T1 appended, which commits later"),
    ({"order": [0, 1, 2], "snapshots": [0, 0, 1]}, "T2 read another version of y than its moment shows"),
    ({"order": [0, 1, 2], "snapshots": [0, 1, 2]}, "T1 read another version of x"),
    ({"order": [0, 1, 2], "snapshots": [0, 0, 3]}, "the snapshot of T2 shows 3 transactions"),
    ({"order": [0, 1, 2]}, "T1 read another version of x"),
    ({"order": [0, 1, 2, 2], "snapshots": [0, 0, 2, 2]}, "places T2 twice"),
    ({"order": [0, 1, 4], "snapshots": [0, 0, 2]}, "operation 4, which begins no transaction"),
    ({"order": "all"}, "no list of integers"),
])  # fmt: skip
def test_a_changed_commit_order(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], proof: Data, said: str | None
) -> None:
    evidence = evidence_of(tmp_path, capsys, text_of(SKEW), "--expect", "snapshot-isolation")
    changed(evidence, lambda data: data.update(proof=proof))
    status, answer = verified(capsys, evidence, tmp_path / "history.jsonl")
    assert (status, answer["holds"]) == ((0, True) if said is None else (1, False))
    assert said is None or said in answer["explanation"]


@pytest.mark.parametrize(("change", "said"), [
    (lambda data: data["anomalies"][0]["details"]["edges"].pop(), "is not followed by one from it"),
    (lambda data: data["anomalies"][0]["details"]["edges"][0].update(type="wr"), "comes before T1 (wr)"),
    (lambda data: data["anomalies"][0]["details"]["edges"].append({"from": 0, "to": 2, "type": "wr"}), "not followed"),
    (lambda data: data["anomalies"][0]["details"].update(edges=[]), "without edges"),
    (lambda data: data.update(expect="snapshot-isolation"), "does not forbid a cycle of rw rw"),
    (lambda data: data.update(anomalies=[]), "it has no anomaly"),
    (lambda data: data["anomalies"][0].update(details={}, operations=[0, 1]), None),
    (lambda data: data["anomalies"][0].update(details={}, operations=[0, 2]), "an order explains what T0, T2 read"),
    (lambda data: data["anomalies"][0].update(details={}, operations=[99]), "names no transaction"),
    (lambda data: data.update(model="register"), "about transactions on registers"),
])  # fmt: skip
def test_a_changed_anomaly(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], change: Callable[[Data], None], said: str | None
) -> None:
    evidence = changed(evidence_of(tmp_path, capsys, text_of(SKEW), "--expect", "serializable"), change)
    status, answer = verified(capsys, evidence, tmp_path / "history.jsonl")
    assert (status, answer["holds"]) == ((0, True) if said is None else (1, False))
    assert said is None or said in answer["explanation"]


def _expect(level: str, data: Data) -> None:
    data["expect"] = level


def test_the_other_verdict_is_not_believed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    evidence = evidence_of(tmp_path, capsys, text_of(SKEW), "--expect", "snapshot-isolation")
    for level in ("serializable", "update-serializable", "repeatable-read"):
        changed(evidence, partial(_expect, level))
        assert verified(capsys, evidence, tmp_path / "history.jsonl")[0] == 1


@pytest.mark.parametrize("change", [
    {"digest": None}, {"model": "other"}, {"model": None}, {"expect": "nothing"}, {"valid": False}, {"proof": None},
])  # fmt: skip
def test_what_is_no_evidence(tmp_path: Path, capsys: pytest.CaptureFixture[str], change: Data) -> None:
    evidence = evidence_of(tmp_path, capsys, text_of(SKEW), "--expect", "causal")
    changed(evidence, lambda data: data.update(change))
    status, answer = verified(capsys, evidence, tmp_path / "history.jsonl")
    assert status == (1 if "proof" in change else 254)
    assert "expected what check --certificate wrote" in answer.get("error", "expected what check --certificate wrote")


@pytest.mark.parametrize("anomalies", [5, [5], [{}], [{"type": "G0", "details": {}}], [{"type": 1, "details": {}}],
                                       [{"type": "G0", "details": {}, "operations": [None]}]])  # fmt: skip
def test_what_are_no_anomalies(tmp_path: Path, capsys: pytest.CaptureFixture[str], anomalies: Any) -> None:
    evidence = evidence_of(tmp_path, capsys, text_of(SKEW), "--expect", "serializable")
    changed(evidence, lambda data: data.update(anomalies=anomalies))
    assert verified(capsys, evidence, tmp_path / "history.jsonl")[0] == 254


def test_registers_with_initial_values_and_repeated_ones(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    history = register.concurrent("wx1", "wx1", "rx1", "wx2", "rx7")
    evidence = evidence_of(tmp_path, capsys, text_of(history), "--expect", "serializable", "--initial", "7")
    data = json.loads(evidence.read_text())
    assert (data["valid"], data["model"], data["initial"]) == (True, "register", 7)
    assert len(data["proof"]["sources"]) == 1
    assert verified(capsys, evidence, tmp_path / "history.jsonl")[0] == 0
    changed(evidence, lambda data: data["proof"].pop("sources"))
    assert "which of several writes" in verified(capsys, evidence, tmp_path / "history.jsonl")[1]["explanation"]
    changed(evidence, lambda data: data.update(initial=8))
    assert verified(capsys, evidence, tmp_path / "history.jsonl")[0] == 1


def test_an_ambiguous_history_is_decided_again(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Whoever wrote what was read, one session saw the register go back."""
    history = register.sequential("wx1", "wx1", "rx1 rx_", processes=[0, 1, 2])
    evidence = evidence_of(tmp_path, capsys, text_of(history), "--expect", "serializable")
    status, answer = verified(capsys, evidence, tmp_path / "history.jsonl")
    assert (status, answer["valid"], answer["method"]) == (0, False, "brute")
    longer = register.sequential("wx1", "wx1", "rx1 rx_", *("wy_" for _ in range(5)))
    evidence = evidence_of(tmp_path, capsys, text_of(longer), "--expect", "serializable")
    status, answer = verified(capsys, evidence, tmp_path / "history.jsonl")
    assert (status, answer["method"]) == (0, "search")
    assert "which is trusted here" in answer["explanation"]


def test_from_python_the_proof_is_in_the_details(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from checkers import check

    evidence = evidence_of(tmp_path, capsys, text_of(SKEW), "--expect", "snapshot-isolation")
    proof = check(SKEW, "snapshot-isolation", certify=True).details["proof"]
    assert json.loads(evidence.read_text())["proof"] == proof
    history = read_history(tmp_path / "history.jsonl")
    assert examine_history(read_evidence(evidence), history, "value").holds is True
