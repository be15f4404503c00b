"""``splitbrain verify`` on evidence of sequential consistency: it holds for its own history, and not when changed."""

from __future__ import annotations

import json
from collections import Counter
from functools import partial
from pathlib import Path
from random import Random
from time import monotonic
from typing import Any

import pytest

from benchmarks.sequential_fuzz import CAS_REGISTER, small
from harness import cli
from harness.commands.evidence import read_evidence
from harness.commands.judge import answered
from harness.commands.question import Question
from harness.commands.verify import examine
from harness.formats import jsonl, read_recording
from tests.harness.commands.test_check import call, written
from tests.harness.commands.test_verify import evidence_of, verified

VALID = call(0, "write", 1, 1) + call(1, "read", None, None) + call(1, "read", None, 1)
BACK = call(0, "write", 1, 1) + call(0, "write", 2, 2) + call(1, "read", None, 2) + call(1, "read", None, 1)
EXPECTATIONS = ("sequential", "sequential-per-key")


@pytest.mark.parametrize("expect", EXPECTATIONS)
@pytest.mark.parametrize(("content", "method", "kind"), [(VALID, "replay", "order"), (BACK, "brute", "witness")])
def test_evidence_holds_for_its_own_history_only(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], content: str, method: str, kind: str, expect: str
) -> None:
    evidence = evidence_of(tmp_path, capsys, content, "--expect", expect)
    history = tmp_path / "history.jsonl"
    status, answer = verified(capsys, evidence, history)
    assert (status, answer["holds"], answer["method"]) == (0, True, method)
    assert cli.main(["verify", str(evidence), str(history)]) == 0
    assert f"the {kind} holds, by {method}" in capsys.readouterr().out
    other = VALID + call(2, "read", None, 1) if content == BACK else VALID.replace('"value": 1', '"value": 3', 1)
    assert verified(capsys, evidence, Path(written(tmp_path, other)))[0] == 1


@pytest.mark.parametrize(
    ("orders", "said"),
    [([[0, 2, 4]], "where it is placed"), ([[2, 0]], "not placed"), ([[2, 0, 9]], "not one to be put in order"),
     ([[2], [0, 4]], "expected 1"), ([], "expected 1")],
)  # fmt: skip
def test_a_changed_order_does_not_hold(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], orders: list[list[int]], said: str
) -> None:
    evidence = evidence_of(tmp_path, capsys, VALID, "--expect", "sequential")
    data = json.loads(evidence.read_text())
    assert data["orders"] == [{"key": None, "order": [2, 0, 4]}]
    evidence.write_text(json.dumps({**data, "orders": [{"order": order} for order in orders]}))
    status, answer = verified(capsys, evidence, tmp_path / "history.jsonl")
    assert status == 1
    assert said in answer["explanation"]


@pytest.mark.parametrize(("lists", "status"), [([[0, 4, 6]], 0), ([[4, 6]], 1), ([[1]], 1), ([[]], 1), ([], 1)])
def test_a_changed_witness_does_not_hold(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], lists: list[list[int]], status: int
) -> None:
    evidence = evidence_of(tmp_path, capsys, BACK, "--expect", "sequential")
    data = json.loads(evidence.read_text())
    assert [each["operations"] for each in data["witnesses"]] == [[0, 4, 6]]
    evidence.write_text(json.dumps({**data, "witnesses": [{"operations": each} for each in lists]}))
    assert verified(capsys, evidence, tmp_path / "history.jsonl")[0] == status


def test_evidence_of_what_has_none_is_no_evidence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    evidence = evidence_of(tmp_path, capsys, VALID, "--expect", "sequential")
    evidence.write_text(json.dumps({**json.loads(evidence.read_text()), "expect": "set"}))
    assert verified(capsys, evidence, tmp_path / "history.jsonl")[0] == 254


def _itself(question: Question) -> Question:
    return question


@pytest.mark.parametrize("model", [CAS_REGISTER, "queue"])
def test_all_evidence_of_random_histories_holds(model: str, tmp_path: Path) -> None:
    found: Counter[Any] = Counter()
    path, certificate = tmp_path / "h.jsonl", tmp_path / "e.json"
    for number in range(60):
        lines, initial = small(model, Random(f"evidence {number}"))
        path.write_text("".join(jsonl.dump(op) + "\n" for op in lines))
        for expect in EXPECTATIONS:
            question = Question(path, expect, model, initial, time_limit_s=20.0, certificate=certificate)
            answer = answered(str(path), partial(_itself, question), lambda progress: None)
            found[answer.valid] += 1
            if answer.valid in (True, False):
                evidence = read_evidence(certificate)
                assert (evidence.valid, evidence.expect) == (answer.valid, expect)
                assert examine(evidence, read_recording(path), monotonic() + 20.0).holds is True, number
    assert min(found[True], found[False]) > 10, found
    assert found["unknown"] == 0
