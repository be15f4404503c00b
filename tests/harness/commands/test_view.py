"""``splitbrain view``: one file, with the verdict that ``check`` gives, and no file where something is wrong."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from harness import cli
from harness.report.history_view.document import SCHEMA
from tests.harness.commands.test_check import CAS, EDN, LOST, SET, STALE, VALID, written
from tests.harness.report.example import operations, results, write_run


def viewed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], *arguments: str
) -> tuple[dict[str, Any], dict[str, Any]]:
    """What is said, and what is in the page."""
    assert cli.main(["view", *arguments, "--json"]) == 0
    said: dict[str, Any] = json.loads(capsys.readouterr().out)
    page = Path(said["written"]).read_text(encoding="utf-8")
    found = re.search(r'id="meta">(.*?)</script>', page)
    assert found
    data: dict[str, Any] = json.loads(found[1])
    assert data["schema"] == SCHEMA
    return said, data


@pytest.mark.parametrize(
    ("content", "options", "verdict", "anomalies"),
    [
        (VALID, [], "valid", 0),
        (STALE, [], "invalid", 1),
        (STALE, ["--nil-reads", "unknown"], "valid", 0),
        (STALE, ["--no-check"], "unjudged", 0),
        (CAS, ["--initial", "0"], "invalid", 1),
        (CAS, ["--model", "register"], "unknown", 0),
        (EDN, [], "valid", 0),
        (EDN, ["--format", "edn", "--method", "brute"], "valid", 0),
        (SET, ["--expect", "set"], "valid", 0),
        (LOST, ["--expect", "set"], "invalid", 1),
        (SET, [], "unjudged", 0),
    ],
)
def test_the_verdict_is_the_one_of_check(
    tmp_path: Path, content: str, options: list[str], verdict: str, anomalies: int, capsys: pytest.CaptureFixture[str]
) -> None:
    said, data = viewed(tmp_path, capsys, written(tmp_path, content), *options)
    assert Path(said["written"]) == tmp_path / "history.html"
    assert (data["verdict"], len(data["anomalies"])) == (verdict, anomalies)
    assert data["calls"] == 2
    placed = any(column["name"] == "rank" for column in data["columns"])
    assert placed == (verdict == "valid" and "set" not in options), "a certificate is drawn"


def test_a_run_is_shown_with_its_faults(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    ops = operations(300, 30.0)
    folder = write_run(tmp_path / "run", ops, results(ops))
    said, data = viewed(tmp_path, capsys, str(folder))
    assert said["written"] == str(folder / "view.html")
    assert (said["valid"], said["expect"]) == (False, "set")
    assert [window["name"] for window in data["windows"]][:2] == ["partition (isolate-leader, n3)", "kill (leader, n1)"]
    assert data["anomalies"][0]["type"] == "lost"
    assert len(data["anomalies"][0]["calls"]) > 2
    _, data = viewed(tmp_path, capsys, str(folder), "--no-check")
    assert data["verdict"] == "unjudged"


@pytest.mark.parametrize(("content", "verdict"), [(VALID, "valid"), (STALE, "invalid")])
def test_evidence_is_shown_as_it_is(
    tmp_path: Path, content: str, verdict: str, capsys: pytest.CaptureFixture[str]
) -> None:
    history, evidence = written(tmp_path, content), str(tmp_path / "evidence.json")
    cli.main(["check", history, "--certificate", evidence])
    capsys.readouterr()
    said, data = viewed(tmp_path, capsys, history, "--evidence", evidence, "-o", str(tmp_path / "x.html"))
    assert data["verdict"] == verdict
    if verdict == "invalid":
        assert said["anomalies"] == 1
        assert "began after process 0's write of 1" in data["anomalies"][0]["explanation"]
    else:
        assert any(column["name"] == "rank" for column in data["columns"])


def test_evidence_of_another_history_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    evidence = tmp_path / "evidence.json"
    cli.main(["check", written(tmp_path, STALE), "--certificate", str(evidence)])
    assert (
        cli.main(["view", written(tmp_path, SET + VALID.replace('": 1', '": 2'), "b"), "--evidence", str(evidence)])
        == 254
    )
    assert "evidence about a history of 4 lines" in capsys.readouterr().err
    data = json.loads(evidence.read_text())
    data["witnesses"][0]["operations"] = [1]
    evidence.write_text(json.dumps(data))
    assert cli.main(["view", str(tmp_path / "history.jsonl"), "--evidence", str(evidence)]) == 254
    assert "operation 1, which is no invocation" in capsys.readouterr().err
    assert not list(tmp_path.glob("*.html"))


def test_only_a_view_is_written_over(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    history = written(tmp_path, VALID)
    assert cli.main(["view", history]) == 0
    assert cli.main(["view", history]) == 0
    assert "history.html: " in capsys.readouterr().out
    (tmp_path / "history.html").write_text("<h1>mine</h1>")
    assert cli.main(["view", history]) == 254
    assert "is no view" in capsys.readouterr().err
    assert (tmp_path / "history.html").read_text() == "<h1>mine</h1>"
    assert cli.main(["view", history, "-o", str(tmp_path)]) == 254


@pytest.mark.parametrize(
    ("content", "options", "said"),
    [
        (VALID[:-5], [], "cut off"),
        (VALID, ["-o", "nowhere/x.html"], "wrote nothing"),
        (VALID, ["--model", "register", "--no-check"], "nothing is judged"),
        (VALID, ["--evidence", "x.json", "--no-check"], "nothing is judged"),
        (VALID, ["--evidence", "missing.json"], "read nothing"),
        (VALID, ["--model", "register", "--expect", "set"], "--expect linearizable only"),
    ],
)
def test_what_cannot_be_shown_leaves_nothing(
    tmp_path: Path, content: str, options: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["view", written(tmp_path, content), *options]) == 254
    assert said in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["history.jsonl"]
    assert cli.main(["view", str(tmp_path / "missing")]) == 254
