"""`splitbrain selftest` runs every gate, and only in a clone."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from harness import cli
from harness.commands import selftest


def only(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, gates: dict[str, str]) -> None:
    """A clone with these gates: name -> Python code."""
    (tmp_path / "tests").mkdir()
    (tmp_path / "pyproject.toml").touch()
    monkeypatch.setattr(selftest, "ROOT", tmp_path)
    monkeypatch.setattr(selftest, "gates", lambda words: {n: [sys.executable, "-c", code] for n, code in gates.items()})


def test_outside_a_clone_it_says_so(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(selftest, "ROOT", tmp_path)
    assert cli.main(["selftest"]) == 254
    assert "needs a clone" in capsys.readouterr().err


def test_a_failed_gate_fails_it_and_the_others_still_run(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    only(monkeypatch, tmp_path, {"lint": "raise SystemExit(1)", "tests": "print('1 passed')"})
    assert cli.main(["selftest", "--json"]) == 1
    out, err = capfd.readouterr()
    (line,) = out.splitlines()
    told = json.loads(line)
    assert told["passed"] is False
    assert [(gate["gate"], gate["passed"]) for gate in told["gates"]] == [("lint", False), ("tests", True)]
    assert "1 passed" in err


def test_all_gates_passed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    only(monkeypatch, tmp_path, {"lint": "", "tests": "print('1 passed')"})
    assert cli.main(["selftest"]) == 0
    assert "1 passed" in capfd.readouterr().out


def test_the_gates_are_the_documented_ones_and_words_go_to_pytest() -> None:
    gates = selftest.gates(["-k", "raft"])
    assert [" ".join(command[2:4]) for command in gates.values()] == ["ruff format", "ruff check", "mypy", "pytest -n"]
    assert gates["tests"][-2:] == ["-k", "raft"]
