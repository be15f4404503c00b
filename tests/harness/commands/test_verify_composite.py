"""``splitbrain verify`` on evidence about sets, counters and ranges: serial orders executed, the rest decided again."""

from __future__ import annotations

import json
from collections import Counter
from functools import partial
from pathlib import Path
from random import Random
from typing import Any

import pytest

from benchmarks import random_composite
from checkers.transactional import MODELS
from harness import cli
from harness.commands.evidence import read_evidence
from harness.commands.judge import answered
from harness.commands.question import Question
from harness.commands.verify_transactional import examine
from harness.formats import jsonl, read_recording
from harness.history import History
from tests.checkers.transactional.composite.notation import concurrent
from tests.harness.commands.test_check import written
from tests.harness.commands.test_verify import evidence_of, verified

GOOD = concurrent("+s1", "rs{1} +c2", "rc=2")
SKEW = concurrent("+s1 rc=0", "+c2 rs{}")


def text_of(history: History) -> str:
    return "".join(jsonl.dump(op) + "\n" for op in history)


@pytest.mark.parametrize(("proof", "said"), [
    (None, None),
    ({"order": [1, 0, 2]}, "read something else"), ({"order": [0, 1]}, "is ok"), ({"order": [0, 1, 2, 2]}, "twice"),
    ({"order": [0, 1, 5]}, "operation 5, which begins no transaction"), ({"order": 3}, "no list of integers"),
    ({"order": [0, 1, 2], "snapshots": [0, 0, 0]}, "expected a serial order"),
])  # fmt: skip
def test_a_serial_order(tmp_path: Path, capsys: pytest.CaptureFixture[str], proof: Any, said: str | None) -> None:
    evidence = evidence_of(tmp_path, capsys, text_of(GOOD), "--expect", "serializable")
    data = json.loads(evidence.read_text())
    assert (data["model"], data["proof"]) == ("composite", {"order": [0, 1, 2]})
    evidence.write_text(json.dumps({**data, **({} if proof is None else {"proof": proof})}))
    status, answer = verified(capsys, evidence, tmp_path / "history.jsonl")
    assert (status, answer["method"] in ("replay", "reading")) == (0 if said is None else 1, True)
    assert said is None or said in answer["explanation"]


def test_what_no_serial_order_explains_has_no_certificate(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "evidence.json"
    arguments = [written(tmp_path, text_of(SKEW)), "--expect", "snapshot-isolation", "--certificate", str(path)]
    assert cli.main(["check", *arguments]) == 0
    assert "no certificate was written: of sets, counters and ranges" in capsys.readouterr().out
    assert not path.exists()


def test_anomalies_are_decided_again(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    evidence = evidence_of(tmp_path, capsys, text_of(SKEW), "--expect", "serializable")
    status, answer = verified(capsys, evidence, tmp_path / "history.jsonl")
    assert (status, answer["valid"], answer["method"]) == (0, False, "brute")
    data = json.loads(evidence.read_text())
    evidence.write_text(json.dumps({**data, "expect": "snapshot-isolation"}))
    assert verified(capsys, evidence, tmp_path / "history.jsonl")[0] == 1
    evidence.write_text(json.dumps({**data, "anomalies": []}))
    assert verified(capsys, evidence, tmp_path / "history.jsonl")[0] == 1
    evidence.write_text(json.dumps({**data, "model": "list"}))
    assert verified(capsys, evidence, tmp_path / "history.jsonl")[0] == 1


def test_all_evidence_of_random_histories_holds(tmp_path: Path) -> None:
    found: Counter[Any] = Counter()
    path, certificate = tmp_path / "h.jsonl", tmp_path / "e.json"
    for number in range(60):
        random = Random(f"composite evidence {number}")
        path.write_text("".join(jsonl.dump(op) + "\n" for op in random_composite.small(random, 4)))
        question = Question(path, random.choice(list(MODELS)), time_limit_s=20.0, certificate=certificate)
        certificate.unlink(missing_ok=True)
        answer = answered(str(path), partial(_itself, question), lambda progress: None)
        if certificate.exists():
            evidence = read_evidence(certificate)
            assert evidence.valid is answer.valid
            finding = examine(evidence, read_recording(path), "value")
            assert finding.holds is True, (number, finding)
            found[answer.valid] += 1
        else:
            found[answer.valid, "no certificate"] += 1
    assert min(found[True], found[False]) > 10, found


def _itself(question: Question) -> Question:
    return question
