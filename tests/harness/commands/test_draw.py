"""`check --drawings FOLDER`."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from harness.cli import main

SKEW = """\
{"type": "invoke", "process": 0, "f": "txn", "value": [["append", "x", 1], ["r", "y", null]]}
{"type": "invoke", "process": 1, "f": "txn", "value": [["append", "y", 2], ["r", "x", null]]}
{"type": "ok", "process": 0, "f": "txn", "value": [["append", "x", 1], ["r", "y", []]]}
{"type": "ok", "process": 1, "f": "txn", "value": [["append", "y", 2], ["r", "x", []]]}
"""


@pytest.fixture
def skew(tmp_path: Path) -> str:
    path = tmp_path / "skew.jsonl"
    path.write_text(SKEW)
    return str(path)


def test_the_files_are_written_and_named(skew: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "new" / "pictures"
    assert main(["check", skew, "--drawings", str(folder), "--json"]) == 1
    named = json.loads(capsys.readouterr().out)["details"]["drawings"]
    assert sorted(named) == sorted(map(str, folder.iterdir()))
    assert str(folder / "1-write-skew-graph.svg") in named


def test_a_valid_history_leaves_nothing(skew: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "pictures"
    assert main(["check", skew, "--expect", "snapshot-isolation", "--drawings", str(folder)]) == 0
    assert "nothing, for there is no anomaly" in capsys.readouterr().out
    assert not folder.exists()


def test_a_folder_that_cannot_be_one(skew: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", skew, "--drawings", skew + "/pictures"]) == 254
    assert "expected a folder for drawings" in capsys.readouterr().err


def test_one_history_at_a_time(skew: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", skew, skew, "--drawings", "pictures"]) == 254
    assert "read --drawings with several histories" in capsys.readouterr().err
