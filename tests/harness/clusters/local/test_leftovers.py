"""Run folders: a process is known by id and start time, and only what is dead is removed."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from harness.clusters.local import frozen, leftovers


@pytest.fixture(autouse=True)
def runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of runs, apart from the machine's own."""
    monkeypatch.setattr(leftovers, "RUNS", tmp_path / "runs")
    monkeypatch.setattr(frozen, "LOOPS", tmp_path / "devices")
    monkeypatch.setattr(leftovers, "SUPERVISOR_SECONDS_MAX", 0.3)
    return tmp_path / "runs"


@pytest.fixture
def sleeper() -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen(["sleep", "60"])
    yield process
    process.kill()
    process.wait()


def test_the_start_time_tells_a_process_from_a_later_one_and_from_none(sleeper: subprocess.Popen[bytes]) -> None:
    assert leftovers.start_time(os.getpid()) == leftovers.start_time(os.getpid())
    assert (leftovers.start_time(sleeper.pid) or 0) >= (leftovers.start_time(os.getpid()) or 0)
    sleeper.kill()
    os.waitid(os.P_PID, sleeper.pid, os.WEXITED | os.WNOWAIT)
    assert leftovers.start_time(sleeper.pid) is None, "a zombie is dead"
    sleeper.wait()
    assert leftovers.start_time(sleeper.pid) is None


def test_folders_of_living_processes_stay(sleeper: subprocess.Popen[bytes], runs: Path) -> None:
    own = leftovers.new_run_folder()
    other = runs / f"{sleeper.pid}-{leftovers.start_time(sleeper.pid)}-1"
    other.mkdir()
    assert leftovers.remove_leftovers() == ()
    assert own.is_dir()
    assert other.is_dir()


def test_folders_of_dead_processes_go_and_others_things_stay(runs: Path) -> None:
    runs.mkdir()
    reused = runs / f"{os.getpid()}-1-1"  # our id, but started at another time: its process is gone
    gone = runs / "4194305-7-2"  # beyond the largest process id
    foreign = runs / "notes"
    for folder in (reused, gone, foreign):
        folder.mkdir()
    said = leftovers.remove_leftovers()
    assert [str(folder) in text for folder, text in zip(sorted([reused, gone]), said, strict=True)] == [True, True]
    assert list(runs.iterdir()) == [foreign]


def test_what_we_did_not_put_there_is_never_removed_but_named(runs: Path) -> None:
    gone = runs / "4194305-7-2"
    gone.mkdir(parents=True)
    (gone / "precious").write_text("x")
    (said,) = leftovers.remove_leftovers()
    assert said.startswith(f"could NOT remove {gone}")
    assert (gone / "precious").exists()


def test_a_supervisor_that_outlived_its_harness_is_killed(runs: Path, sleeper: subprocess.Popen[bytes]) -> None:
    gone = runs / "4194305-7-2"
    gone.mkdir(parents=True)
    leftovers.record_supervisor(gone, sleeper.pid)
    (said,) = leftovers.remove_leftovers()
    assert "its supervisor, killed" in said
    assert sleeper.wait(1) == -9
    assert not gone.exists()


def test_a_supervisor_that_is_about_to_end_may_do_so(runs: Path) -> None:
    gone = runs / "4194305-7-2"
    gone.mkdir(parents=True)
    with subprocess.Popen(["sh", "-c", "sleep 0.1; exit 7"]) as ending:
        leftovers.record_supervisor(gone, ending.pid)
        (said,) = leftovers.remove_leftovers()
        assert "killed" not in said
        assert ending.wait(1) == 7
    assert not gone.exists()


def test_a_process_that_merely_has_the_supervisors_id_is_spared(runs: Path, sleeper: subprocess.Popen[bytes]) -> None:
    gone = runs / "4194305-7-2"
    gone.mkdir(parents=True)
    (gone / "supervisor").write_text(f"{sleeper.pid} 1")
    leftovers.remove_leftovers()
    assert sleeper.poll() is None
    assert not gone.exists()


def test_nothing_to_do_where_nothing_ever_ran() -> None:
    assert leftovers.remove_leftovers() == ()
