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

from harness.cluster import NOT_REMOVED
from harness.clusters.local import leftovers
from harness.clusters.local.provider import PROVIDER
from tests.harness.clusters.local_clusters import traces_of

pytestmark = [pytest.mark.cluster, pytest.mark.usefixtures("local_provider")]

ROOT = Path(__file__).parents[4]
SECONDS_MAX = 10.0
NO_PROCESS = 4194305  # beyond the largest process id


@pytest.fixture
def runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of runs, so that no other harness's start tidies up after the one that is killed."""
    monkeypatch.setattr(leftovers, "RUNS", tmp_path / "runs")
    monkeypatch.setattr(leftovers, "SUPERVISOR_SECONDS_MAX", 0.1)
    monkeypatch.setattr(leftovers, "DISK_SECONDS_MAX", 0.1)
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
def test_the_next_start_frees_what_a_killed_supervisor_left(
    harness: subprocess.Popen[str], runs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The harness itself is dead for this test only: to those of other tests it lives, and they leave this to us."""
    (folder,) = runs.iterdir()
    outer = int((folder / "supervisor").read_text().split()[0])
    (inner,) = map(int, Path(f"/proc/{outer}/task/{outer}/children").read_text().split())
    harness.send_signal(signal.SIGSTOP)
    os.kill(inner, signal.SIGKILL)
    os.kill(outer, signal.SIGKILL)
    start_time = leftovers.start_time
    monkeypatch.setattr(leftovers, "start_time", lambda pid: None if pid == harness.pid else start_time(pid))
    said = PROVIDER.remove_leftovers()
    assert len([line for line in said if f"{harness.pid}-" in line and "frozen" in line]) == 2, "\n".join(said)
    assert within_seconds(f"{harness.pid}-") == {}
    assert not [line for line in PROVIDER.remove_leftovers() if str(harness.pid) in line]


def test_a_disk_that_is_in_use_and_not_frozen_is_told_and_left_alone(tmp_path: Path, runs: Path) -> None:
    image = tmp_path / f"{NO_PROCESS}-{os.getpid()}-1-n1.ext4"
    with image.open("wb") as file:
        file.truncate(8 << 20)
    subprocess.run(["mkfs.ext4", "-q", "-F", str(image)], check=True)
    (tmp_path / "disk").mkdir()
    use = 'mount -o loop "$1" "$2" && cd "$2" && echo mounted && exec sleep 60'
    user = subprocess.Popen(["unshare", "--mount", "sh", "-c", use, "sh", str(image), str(tmp_path / "disk")],
                            stdout=subprocess.PIPE, text=True)  # fmt: skip
    try:
        assert user.stdout is not None
        assert user.stdout.readline() == "mounted\n"
        (said,) = [line for line in PROVIDER.remove_leftovers() if image.name in line]
        assert said.startswith(NOT_REMOVED)
        assert "not frozen" in said
        assert user.poll() is None
    finally:
        user.kill()
        user.wait()
    assert not [line for line in PROVIDER.remove_leftovers() if image.name in line]


def within_seconds(run: str) -> object:
    """What is left of a run in the end."""
    deadline = time.monotonic() + SECONDS_MAX
    while traces_of(run) and time.monotonic() < deadline:
        time.sleep(0.02)
    return traces_of(run)
