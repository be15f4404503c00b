"""`splitbrain run --provider sim`: the whole command, in virtual time."""

from __future__ import annotations

import json
import re
import shlex
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from harness.cli import main
from harness.commands import PROGRAM, USAGE

ROOT = Path(__file__).resolve().parents[3]
LOSING = ("single-leader", "-o", "replication=async", "--workload", "set", "--faults", "partition=isolate-leader",
          "--time-limit", "6")  # fmt: skip


def command(capsys: pytest.CaptureFixture[str], tmp_path: Path, *words: str) -> tuple[int, dict[str, Any], str]:
    """Exit status, the line of JSON, and what was said to people."""
    status = main(["run", *words, "--provider", "sim", "--json", "--store", str(tmp_path)])
    shown = capsys.readouterr()
    return status, json.loads(shown.out.splitlines()[-1]), shown.err


def test_one_run_leaves_what_a_real_one_leaves_and_a_trace(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    status, told, said = command(capsys, tmp_path, "raft", "--faults", "kill", "--seed", "7", "--time-limit", "5")
    assert (status, told["valid"], told["runs"], told["failures"], told["unknowns"]) == (0, True, 1, [], [])
    assert told["seed"] == 7
    folder = Path(told["store"])
    for name in ("plan.json", "history.jsonl", "results.json", "faults.jsonl", "report.html", "trace.jsonl"):
        assert (folder / name).is_file(), name
    assert (folder / "nodes/n5/events.jsonl").is_file()
    assert "seed 7" in said
    assert "simulated" in said


def test_a_failing_run_repeats_itself(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    status, told, _ = command(capsys, tmp_path, *LOSING, "--seed", "1")
    assert (status, told["valid"], told["anomalies"][0]["type"]) == (1, False, "lost")
    assert told["failures"] == [{"seed": 1, "anomalies": ["lost"], "reason": None}]
    words = shlex.split(told["repeat"])
    assert words[0] == PROGRAM
    status = main([*words[1:], "--json", "--store", str(tmp_path)])
    again = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert status == 1
    histories = [(Path(store) / "history.jsonl").read_text() for store in (told["store"], again["store"])]
    assert histories[0] == histories[1]


def test_many_runs_stop_at_the_first_failure_and_keep_it(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    status, told, said = command(capsys, tmp_path, *LOSING, "--runs", "6", "--seed", "1")
    assert (status, told["valid"]) == (1, False)
    assert 1 <= told["runs"] <= 6
    failure = told["failures"][0]
    assert (failure["anomalies"], Path(failure["store"], "report.html").is_file()) == (["lost"], True)
    assert told["seeds"] == [1, 6]
    assert "shrink" in said


def test_a_failing_plan_is_shrunk_on_request(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    words = [
        "single-leader",
        "--bug",
        "stale-backup-reads",
        "--workload",
        "register",
        "--faults",
        "none",
        "--seed",
        "1",
    ]
    status, told, said = command(capsys, tmp_path, *words, "--runs", "40", "--time-limit", "4", "--shrink")
    assert status == 1
    smaller = json.loads(Path(told["shrunk"]).read_text())
    assert len(smaller["operations"]) <= 4
    assert "shrunk:" in said


def test_keep_going_counts_them_all(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    status, told, said = command(capsys, tmp_path, *LOSING, "--runs", "4", "--seed", "1", "--keep-going")
    assert (status, told["runs"]) == (1, 4)
    assert len(told["failures"]) >= 2
    assert told["runs_per_second"] > 0
    assert told["virtual_seconds"] > 24
    assert any(phase == "in-force" for _, phase, _, _ in told["coverage"])
    assert f"failed:  seed {told['failures'][0]['seed']}" in said


def test_a_good_system_passes_and_rare_branches_are_told(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    status, told, said = command(capsys, tmp_path, "raft", "--faults", "partition,kill", "--search", "swarm", "--runs",
                                 "4", "--seed", "5", "--time-limit", "6")  # fmt: skip
    assert (status, told["valid"], told["runs"], told["failures"]) == (0, True, 4, [])
    assert all(0 <= row["taken"] <= row["reached"] for row in told["rare"].values())
    assert sum(row["taken"] for row in told["rare"].values()) > 0
    assert "rare:" in said
    assert set(told["faults_bit"]) == {"partition", "kill"}


def test_runs_that_say_nothing_are_unknown(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    status, told, said = command(capsys, tmp_path, "raft", "--faults", "clock", "--runs", "2", "--seed", "1")
    assert (status, told["valid"]) == (2, "unknown")
    assert told["unknown_reasons"] == {"fault-without-effect": 2}
    assert {row["reason"] for row in told["unknowns"]} == {"fault-without-effect"}
    assert "NEVER" in said


def test_determinism_is_checked(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    status, told, _ = command(capsys, tmp_path, "raft", "--faults", "kill", "--time-limit", "2", "--check-determinism")
    assert (status, told["deterministic"], told["runs"]) == (0, True, 1)
    first, second = told["comparisons"][0]["digests"]
    assert first == second


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["raft", "--runs", "3"], "--runs without --provider sim or --replay"),
        (["raft", "--shrink"], "--shrink without --provider sim"),
        (["raft", "--provider", "sim", "--leave-running"], "--leave-running with --provider sim"),
        (["raft", "--check-determinism"], "--check-determinism without --provider sim"),
        (["raft", "--provider", "sim", "--bug", "vote-not-persistent"], "did you mean vote-not-persisted?"),
        (["raft", "--provider", "sim", "--search", "swam"], "did you mean swarm?"),
        (["raft", "--provider", "sim", "--runs", "0"], "expected an integer from 1"),
        (["raft", "--provider", "sim", "--faults", "after 3rd vote-grated: kill its node"], "vote-granted"),
    ],
)
def test_wrong_words_are_explained(capsys: pytest.CaptureFixture[str], words: list[str], expected: str) -> None:
    assert main(["run", *words]) == USAGE
    assert expected in capsys.readouterr().err


def test_an_interrupt_tells_what_there_is_and_leaves_no_worker(tmp_path: Path) -> None:
    words = ["run", "raft", "--provider", "sim", "--runs", "10000", "--seed", "1", "--json", "--store", str(tmp_path)]
    process = subprocess.Popen([sys.executable, "-m", "harness.cli", *words], cwd=ROOT, text=True,
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE)  # fmt: skip
    assert process.stderr is not None
    for line in process.stderr:
        if re.search(r" [1-9][0-9]*/10000 runs", line):
            break
    children = child_pids(process.pid)
    assert children, "workers are processes"
    process.send_signal(signal.SIGINT)
    output, said = process.communicate(timeout=60)
    told = json.loads(output.splitlines()[-1])
    assert 1 <= told["runs"] < 10_000
    assert "interrupted after" in said
    deadline = time.monotonic() + 10
    while any(Path(f"/proc/{pid}").exists() for pid in children):
        assert time.monotonic() < deadline, "a worker was left behind"
        time.sleep(0.05)


def child_pids(parent: int) -> list[int]:
    found: list[int] = []
    for entry in Path(f"/proc/{parent}/task").iterdir():
        found += map(int, (entry / "children").read_text().split())
    return found
