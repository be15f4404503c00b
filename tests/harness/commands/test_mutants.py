"""``splitbrain mutants``: a bug that is found, a twin that is quiet, and the exit status."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from harness.cli import main
from harness.commands import UsageError
from harness.commands.mutants import choose


def test_bugs_come_by_row() -> None:
    chosen = choose([], "single-leader")
    assert chosen[0] == ("single-leader", "acknowledge-before-backup")
    assert {system for system, _ in chosen} == {"single-leader"}


def test_a_name_that_is_none_is_refused() -> None:
    with pytest.raises(UsageError, match="did you mean local-reads"):
        choose(["local-read"], None)
    with pytest.raises(UsageError, match="has none"):
        choose(["local-reads"], "single-leader")


def test_a_bug_is_found_and_its_twin_is_quiet(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["mutants", "acknowledge-before-backup", "--runs", "3", "--jobs", "1", "--store", str(tmp_path), "--json"]
    assert main(words) == 0
    told = json.loads(capsys.readouterr().out)
    (bug,), (twin,) = told["bugs"], told["twins"]
    assert {"name", "system", "options", "row", "runs", "detected", "median_runs", "median_seconds", "checkers"} <= set(
        bug
    )
    assert (bug["runs"], bug["row"], bug["options"]) == (3, 1, {"replication": "sync"})
    assert bug["detected"] >= 1
    assert set(bug["checkers"]) & set(bug["shows_as"])
    assert (twin["runs"], twin["false_alarms"]) == (3, 0)
    assert Path(bug["repeat"].split()[-1]).is_file()


def test_a_bug_that_is_not_found_is_no_pass(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["mutants", "commit-earlier-term-by-count", "--runs", "1", "--twins", "0", "--store", str(tmp_path)]
    assert main([*words, "--json"]) == 2
    told = capsys.readouterr()
    (bug,) = json.loads(told.out)["bugs"]
    assert (bug["detected"], bug["median_runs"]) == (0, None)
    assert (bug["random"]["runs"], bug["random"]["detected"], bug["random"]["median_seconds"]) == (1, 0, None)
    assert "never" in told.err
    assert "among random faults" in told.err
