"""``splitbrain verify``: evidence holds for its own history, and not when either is changed."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from time import monotonic
from typing import Any

import pytest

from benchmarks.linearizable_fuzz import MODELS, Case, cases
from harness import cli
from harness.commands.evidence import Finding, read_evidence
from harness.commands.judge import answered
from harness.commands.question import Question
from harness.commands.verify import examine
from harness.formats import jsonl, read_recording
from tests.harness.commands.test_check import MODEL_OF_MY_OWN, STALE, VALID, call, written

HISTORIES = 100  # of each model


def evidence_of(tmp_path: Path, capsys: pytest.CaptureFixture[str], content: str, *options: str) -> Path:
    path = tmp_path / "evidence.json"
    cli.main(["check", written(tmp_path, content), "--certificate", str(path), *options])
    capsys.readouterr()
    return path


def verified(capsys: pytest.CaptureFixture[str], evidence: Path, history: Path, *options: str) -> tuple[int, Any]:
    status = cli.main(["verify", str(evidence), str(history), "--json", *options])
    out = capsys.readouterr().out
    assert out.count("\n") == 1
    return status, json.loads(out)


@pytest.mark.parametrize(("content", "valid", "method"), [(VALID, True, "replay"), (STALE, False, "brute")])
def test_evidence_holds(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], content: str, valid: bool, method: str
) -> None:
    evidence = evidence_of(tmp_path, capsys, content)
    status, answer = verified(capsys, evidence, tmp_path / "history.jsonl")
    assert (status, answer["holds"], answer["valid"], answer["method"]) == (0, True, valid, method)
    assert cli.main(["verify", str(evidence), str(tmp_path / "history.jsonl")]) == 0
    assert f"the {'linearization' if valid else 'witness'} holds, by {method}" in capsys.readouterr().out


def test_the_result_names_the_evidence_and_unknown_has_none(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "e.json"
    arguments = ["check", written(tmp_path, VALID), "--certificate", str(path), "--json"]
    assert cli.main(arguments) == 0
    details = json.loads(capsys.readouterr().out)["details"]
    assert details["certificate"] == str(path)
    assert "linearizations" not in details
    path.unlink()
    assert cli.main([*arguments, "--model", "queue"]) == 2
    assert json.loads(capsys.readouterr().out)["details"].get("certificate") is None
    assert not path.exists()


def test_evidence_of_another_history_does_not_hold(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    good = evidence_of(tmp_path, capsys, VALID)
    status, answer = verified(capsys, good, Path(written(tmp_path, STALE)))
    assert (status, answer["holds"], answer["method"]) == (1, False, "replay")
    status, answer = verified(capsys, good, Path(written(tmp_path, VALID + VALID.replace("1000", "2000"))))
    assert (status, answer["method"]) == (1, "counting")
    bad = evidence_of(tmp_path, capsys, STALE)
    status, answer = verified(capsys, bad, Path(written(tmp_path, VALID)))
    assert (status, answer["holds"]) == (1, False)
    assert "an order explains" in answer["explanation"]


@pytest.mark.parametrize(
    ("lists", "said"),
    [
        ([[2, 0]], "where it is placed"),
        ([[0]], "is not placed"),
        ([[0, 2, 2]], "twice"),
        ([[0, 2, 3]], "not one of its object"),
        ([[0], [2]], "objects"),
        ([], "objects"),
    ],
)
def test_a_changed_linearization_does_not_hold(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], lists: list[list[int]], said: str
) -> None:
    evidence = evidence_of(tmp_path, capsys, VALID)
    data = json.loads(evidence.read_text())
    evidence.write_text(json.dumps({**data, "linearizations": [{"key": None, "order": order} for order in lists]}))
    status, answer = verified(capsys, evidence, tmp_path / "history.jsonl")
    assert status == 1
    assert said in answer["explanation"]


@pytest.mark.parametrize(("lists", "status"), [([[0]], 1), ([[2]], 1), ([[1]], 1), ([], 1), ([[0, 2]], 0)])
def test_a_changed_witness_does_not_hold(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], lists: list[list[int]], status: int
) -> None:
    evidence = evidence_of(tmp_path, capsys, STALE)
    data = json.loads(evidence.read_text())
    assert [each["operations"] for each in data["witnesses"]] == [[0, 2]]
    evidence.write_text(json.dumps({**data, "witnesses": [{"operations": each} for each in lists]}))
    assert verified(capsys, evidence, tmp_path / "history.jsonl")[0] == status


@pytest.mark.parametrize(
    "change",
    [{"schema": "other"}, {"valid": 1}, {"valid": None}, {"model": 1}, {"nil_reads": "x"}, {"format": "x"},
     {"linearizations": 5}, {"linearizations": [{}]}, {"linearizations": [{"order": [True]}]}, {"operations": "8"},
     {"linearizations": [[0]]}],
)  # fmt: skip
def test_what_is_no_evidence(tmp_path: Path, capsys: pytest.CaptureFixture[str], change: dict[str, Any]) -> None:
    evidence = evidence_of(tmp_path, capsys, VALID)
    evidence.write_text(json.dumps({**json.loads(evidence.read_text()), **change}))
    status, answer = verified(capsys, evidence, tmp_path / "history.jsonl")
    assert status == 254
    assert "expected what check --certificate wrote" in answer["error"]


@pytest.mark.parametrize("content", ["", "{", "[]", "\x00", "[" * 10_000])
def test_what_is_no_evidence_at_all(tmp_path: Path, capsys: pytest.CaptureFixture[str], content: str) -> None:
    history = Path(written(tmp_path, VALID))
    assert verified(capsys, Path(written(tmp_path, content, "e.json")), history)[0] == 254
    assert verified(capsys, tmp_path / "missing", history)[0] == 254
    assert verified(capsys, evidence_of(tmp_path, capsys, VALID), tmp_path / "missing")[0] == 254


def test_a_class_named_by_evidence_is_not_imported_unasked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "verified_model.py").write_text(MODEL_OF_MY_OWN)
    monkeypatch.chdir(tmp_path)
    model = "verified_model:Doubling"
    for content in (call(0, "double", None, 2), call(0, "double", None, 3)):
        evidence = evidence_of(tmp_path, capsys, content, "--model", model)
        status, answer = verified(capsys, evidence, tmp_path / "history.jsonl")
        assert status == 254
        assert f"--model {model}" in answer["error"]
        assert verified(capsys, evidence, tmp_path / "history.jsonl", "--model", model)[0] == 0


def verified_case(folder: Path, case: Case) -> tuple[bool | str | None, Finding | None]:
    """Judge a history and examine the evidence; the verdict and the finding."""
    path, certificate = folder / "h.jsonl", folder / "e.json"
    path.write_text("".join(jsonl.dump(op) + "\n" for op in case.lines))
    question = Question(path, model=case.model, initial=case.initial, nil_reads=case.nil_reads, time_limit_s=20.0,
                        certificate=certificate)  # fmt: skip
    answer = answered(str(path), lambda: question, lambda progress: None)
    if answer.valid not in (True, False):
        return answer.valid, None
    evidence = read_evidence(certificate)
    assert evidence.valid is answer.valid
    return answer.valid, examine(evidence, read_recording(path), monotonic() + 20.0)


@pytest.mark.parametrize("model", MODELS)
def test_all_evidence_of_random_histories_holds(model: str, tmp_path: Path) -> None:
    found: Counter[Any] = Counter()
    for number in range(HISTORIES):
        for case in cases(model, 7_000_000 + number):
            if any(type(op.key) not in (int, str, type(None)) for op in case.lines):
                continue  # a key that no file may have
            valid, finding = verified_case(tmp_path, case)
            if finding is not None:
                assert finding.holds is True, (case.name, finding)
            found[valid] += 1
    assert min(found[True], found[False]) > HISTORIES // 10, found
    assert found["unknown"] <= HISTORIES // 50, found
    assert found[None] == 0
