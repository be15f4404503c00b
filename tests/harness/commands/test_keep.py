"""``splitbrain keep``: a plan becomes a test that pytest runs, and only if it repeats."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from harness import cli
from harness.plan import Plan
from tests.harness.report.example import PLAN

ROOT = Path(__file__).resolve().parents[3]
EXAMPLE = ROOT / "examples" / "every_node_for_itself.py"
LOST = {"valid": False, "anomalies": [{"type": "lost"}, {"type": "lost"}, {"type": "divergent"}]}
SIMULATED = Plan(
    str(EXAMPLE), "register", provider="sim", nodes=3, concurrency=3, rate_hz=20.0, time_limit_s=2.0, seed=1
)


def run_folder(folder: Path, results: Any = None, plan: Plan = PLAN) -> Path:
    folder.mkdir()
    (folder / "plan.json").write_text(json.dumps(plan.as_json()))
    if results is not None:
        (folder / "results.json").write_text(json.dumps(results))
    return folder


def keep(*arguments: str | Path) -> int:
    return cli.main(["keep", *map(str, arguments)])


def kept(path: Path) -> dict[str, Any]:
    data: dict[str, Any] = json.loads(path.read_text())
    return data


def test_a_plan_is_kept_with_what_it_showed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = run_folder(tmp_path / "run", LOST)
    assert keep(folder, "--to", tmp_path / "reg", "--unchecked") == 0
    path = tmp_path / "reg" / "single-leader-divergent.json"
    assert f"kept:  {path}, expected to be invalid (divergent, lost)" in capsys.readouterr().out
    data = kept(path)
    assert data["expect"] == {"valid": False, "anomalies": ["divergent", "lost"]}
    assert data["file"] is None
    assert Plan.from_json(data["plan"]) == Plan.from_json({**json.loads(json.dumps(PLAN.as_json())), "provider": "sim"})
    test = (tmp_path / "reg" / "test_regressions.py").read_text()
    assert test == (ROOT / "harness" / "commands" / "regressions.py").read_text()


def test_the_test_is_written_once_and_then_the_users(tmp_path: Path) -> None:
    folder = run_folder(tmp_path / "run", LOST)
    (tmp_path / "reg").mkdir()
    (tmp_path / "reg" / "test_regressions.py").write_text("# mine\n")
    assert keep(folder, "--to", tmp_path / "reg", "--unchecked", "--name", "a") == 0
    assert (tmp_path / "reg" / "test_regressions.py").read_text() == "# mine\n"


def test_a_fixed_bug_is_expected_to_stay_fixed(tmp_path: Path) -> None:
    folder, reg = run_folder(tmp_path / "run", LOST), tmp_path / "reg"
    assert keep(folder, "--to", reg, "--unchecked", "--name", "lost-write") == 0
    again = (reg / "lost-write.json", "--to", reg, "--unchecked", "--expect-valid")
    assert keep(*again) == cli.USAGE, "it would write over what is there"
    assert keep(*again, "--replace") == 0
    assert kept(reg / "lost-write.json")["expect"] == {"valid": True, "anomalies": []}
    assert [path.name for path in reg.glob("*.json")] == ["lost-write.json"]


def test_keeping_the_same_twice_changes_nothing(tmp_path: Path) -> None:
    folder = run_folder(tmp_path / "run", LOST)
    assert [keep(folder, "--to", tmp_path / "reg", "--unchecked") for _ in range(2)] == [0, 0]
    assert len(list((tmp_path / "reg").glob("*.json"))) == 1


def test_json_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = run_folder(tmp_path / "run", LOST)
    assert keep(folder, "--to", tmp_path / "reg", "--unchecked", "--json", "--name", "x") == 0
    (line,) = capsys.readouterr().out.splitlines()
    assert json.loads(line)["kept"] == str(tmp_path / "reg" / "x.json")


@pytest.mark.parametrize(
    ("results", "arguments", "said"),
    [
        (None, [], "--expect-valid"),
        ({"valid": "unknown"}, [], "a test needs an answer"),
        ([], [], "a test needs an answer"),
        (LOST, ["--name", "../evil"], "up to 80 letters"),
        (LOST, ["--name", ""], "up to 80 letters"),
        (LOST, ["--to", "/proc/nothing"], "nothing can be written"),
    ],
)
def test_what_cannot_be_kept_is_explained(
    tmp_path: Path, results: Any, arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = run_folder(tmp_path / "run", results)
    assert keep(folder, "--to", tmp_path / "reg", "--unchecked", *arguments) == cli.USAGE
    assert said in capsys.readouterr().err
    assert not (tmp_path / "reg").exists()


KEPT = '{"schema": "splitbrain.regression/1"'


@pytest.mark.parametrize("content", ["", "[]", "{", KEPT + "}", KEPT + ', "plan": 7, "expect": 7, "file": 7}'])
def test_what_is_no_plan_is_refused(tmp_path: Path, content: str, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "plan.json").write_text(content)
    assert keep(tmp_path / "plan.json", "--to", tmp_path / "reg", "--unchecked") == cli.USAGE
    assert "plan.json" in capsys.readouterr().err
    assert keep(tmp_path / "nowhere.json") == cli.USAGE


def test_kept_and_replayed_by_pytest(tmp_path: Path) -> None:
    """The whole way: a system in a file of its own, found out; kept, which replays it; and replayed by pytest."""
    folder, reg = (
        run_folder(tmp_path / "run", {"valid": False, "anomalies": [{"type": "non-linearizable"}]}, SIMULATED),
        tmp_path / "reg",
    )
    assert keep(folder, "--to", reg, "--name", "own-memory") == 0
    assert kept(reg / "own-memory.json")["file"] == os.path.relpath(EXAMPLE, reg)
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(reg)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, env=environment, check=False)
    assert done.returncode == 0, done.stdout
    wrong = kept(reg / "own-memory.json")
    wrong["expect"] = {"valid": True, "anomalies": []}
    (reg / "own-memory.json").write_text(json.dumps(wrong))
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, env=environment, check=False)
    assert done.returncode == 1
    assert "the run is invalid: non-linearizable" in done.stdout


def test_what_does_not_repeat_is_not_kept(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = run_folder(tmp_path / "run", {"valid": False, "anomalies": [{"type": "lost"}]}, SIMULATED)
    assert keep(folder, "--to", tmp_path / "reg") == cli.USAGE
    assert "expected invalid: lost. Nothing was kept" in capsys.readouterr().err
    assert not (tmp_path / "reg").exists()
