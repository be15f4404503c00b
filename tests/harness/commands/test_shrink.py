"""`splitbrain shrink`, the whole command."""

from __future__ import annotations

import json
import os
import shlex
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from harness.cli import main
from harness.commands import USAGE
from harness.plan import Plan
from harness.store import create_folder

ROOT = Path(__file__).resolve().parents[3]
FOR_ITSELF = str(ROOT / "examples" / "every_node_for_itself.py")


@pytest.fixture
def run_folder(tmp_path: Path) -> Path:
    plan = Plan(FOR_ITSELF, "register", time_limit_s=3.0, rate_hz=30.0, seed=4)
    return create_folder(tmp_path, plan).path


def emitted(capsys: pytest.CaptureFixture[str]) -> tuple[dict[str, Any], str]:
    out, err = capsys.readouterr()
    data: dict[str, Any] = json.loads(out.splitlines()[-1])
    return data, err


def test_it_writes_the_smaller_plan_and_tells_it(run_folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = (run_folder / "plan.json").read_bytes()
    assert main(["shrink", FOR_ITSELF, str(run_folder), "--time-limit", "20"]) == 0
    out, _ = capsys.readouterr()
    assert (run_folder / "plan.json").read_bytes() == before
    shrunk = Plan.from_json(json.loads((run_folder / "shrunk.json").read_text()))
    assert len(shrunk.operations or ()) == 2
    assert "-> 0 faults, 2 operations" in out
    assert "c0 write 1 of key 0 -> n1" in out
    assert "non-linearizable" in out
    commands = dict(line.split(":", 1) for line in out.splitlines() if line.startswith(("replay:", "keep:", "real:")))
    assert main([*shlex.split(commands["replay"])[1:], "--store", str(run_folder)]) == 1
    assert "verdict: INVALID" in capsys.readouterr().out
    assert main([*shlex.split(commands["keep"])[1:], "--to", str(run_folder / "kept")]) == 0


def test_json_has_the_plan_the_figures_and_the_stages(run_folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["shrink", FOR_ITSELF, str(run_folder / "plan.json"), "--json"]) == 0
    data, err = emitted(capsys)
    assert (data["faults"], data["operations"]) == (0, 2)
    assert Plan.from_json(data["plan"]) == Plan.from_json(json.loads((run_folder / "shrunk.json").read_text()))
    assert data["before"]["operations"] > 50
    assert data["failure"] == {"type": "non-linearizable", "checker": "linearizable", "shape": ""}
    assert data["tries"] > 5
    assert data["seconds"] > 0
    assert data["stages"]["removals"]["tries"] > 0
    assert data["lines"][0].startswith("2 nodes, ")
    assert "shrunk:" in err


def test_a_system_of_ones_own_is_named_again(run_folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["shrink", str(run_folder)]) == USAGE
    err = capsys.readouterr().err
    assert f"splitbrain shrink {FOR_ITSELF} {run_folder}" in err
    assert "will be executed" in err


def test_a_plan_that_does_not_fail_ends_with_2(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    options = {"replication": "sync", "failover": "automatic", "reads": "leader", "generation": "on"}
    plan = Plan("single-leader", "set", options=options, time_limit_s=2.0, rate_hz=30.0)
    folder = create_folder(tmp_path, plan).path
    assert main(["shrink", str(folder), "--json"]) == 2
    data, _ = emitted(capsys)
    assert data["valid"] == "True"
    assert "nothing to shrink" in data["error"]
    assert not (folder / "shrunk.json").exists()


def test_wrong_usage_is_named(tmp_path: Path, run_folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["shrink", str(tmp_path / "none.json")]) == USAGE
    assert "none.json" in capsys.readouterr().err
    own = str(run_folder / "plan.json")
    assert main(["shrink", FOR_ITSELF, own, "--output", own]) == USAGE
    assert "the plan itself" in capsys.readouterr().err
    assert main(["shrink", FOR_ITSELF, own, "--output", str(tmp_path / "no" / "where.json")]) == USAGE
    assert "nothing can be written" in capsys.readouterr().err


def test_an_interruption_keeps_the_best_so_far(tmp_path: Path) -> None:
    plan = Plan(FOR_ITSELF, "register", time_limit_s=15.0, rate_hz=50.0)
    folder = create_folder(tmp_path, plan).path
    process = subprocess.Popen([sys.executable, "-m", "harness.cli", "shrink", FOR_ITSELF, str(folder)], cwd=ROOT,
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=os.environ)  # fmt: skip
    assert process.stdout is not None
    process.stdout.readline()  # it has begun
    time.sleep(0.3)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 0, err
    assert "keeping the best so far" in err
    assert "shrunk:" in out
    assert (folder / "shrunk.json").exists()
