"""A frozen file system is one that nobody can end: nothing of it is left all the same, whoever was killed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from harness.clusters.local import leftovers
from harness.clusters.local.provider import PROVIDER
from tests.harness.clusters.local_clusters import traces_of

pytestmark = [pytest.mark.cluster, pytest.mark.usefixtures("local_provider")]

ROOT = Path(__file__).parents[4]
SECONDS_MAX = 10.0


@pytest.fixture
def runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of runs, so that no other harness's start tidies up after the one that is killed."""
    monkeypatch.setattr(leftovers, "RUNS", tmp_path / "runs")
    return tmp_path / "runs"


@pytest.fixture(params=["stall", "slow"])
def harness(request: pytest.FixtureRequest, tmp_path: Path, runs: Path) -> Iterator[subprocess.Popen[str]]:
    """One with frozen disks, running."""
    module = "tests.harness.clusters.local.frozen_process"
    process = subprocess.Popen(
        [sys.executable, "-m", module, str(tmp_path / "run"), str(runs), request.param],
        cwd=ROOT, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert process.stdout is not None
    if request.param == "stall":
        assert process.stdout.readline() == "waits\n"
    assert process.stdout.readline() == "running\n"
    yield process
    process.kill()
    process.wait()
    process.stdout.close()


def test_nothing_is_left_when_the_harness_is_killed(harness: subprocess.Popen[str]) -> None:
    harness.kill()
    harness.wait()
    assert within_seconds(f"{harness.pid}-") == {}


def test_nothing_is_left_when_the_harness_ends_in_good_order(harness: subprocess.Popen[str]) -> None:
    harness.send_signal(signal.SIGINT)
    harness.wait(SECONDS_MAX)
    assert within_seconds(f"{harness.pid}-") == {}


@pytest.mark.parametrize("harness", ["stall"], indirect=True)
def test_the_next_start_frees_what_a_killed_supervisor_left(harness: subprocess.Popen[str], runs: Path) -> None:
    (folder,) = runs.iterdir()
    outer = int((folder / "supervisor").read_text().split()[0])
    (inner,) = map(int, Path(f"/proc/{outer}/task/{outer}/children").read_text().split())
    harness.send_signal(signal.SIGSTOP)
    os.kill(inner, signal.SIGKILL)
    harness.kill()
    harness.wait()
    time.sleep(0.3)
    assert traces_of(f"{harness.pid}-").get("loops"), "frozen, it outlives its supervisor"
    said = PROVIDER.remove_leftovers()
    assert len([line for line in said if f"{harness.pid}-" in line and "frozen" in line]) == 2, said
    assert within_seconds(f"{harness.pid}-") == {}
    assert not [line for line in PROVIDER.remove_leftovers() if str(harness.pid) in line]


def within_seconds(run: str) -> object:
    """What is left of a run in the end."""
    deadline = time.monotonic() + SECONDS_MAX
    while traces_of(run) and time.monotonic() < deadline:
        time.sleep(0.02)
    return traces_of(run)
