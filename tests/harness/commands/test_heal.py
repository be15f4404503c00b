"""``splitbrain heal``: what crashed runs left is removed and named; what lives is left alone; twice is once."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from harness import catalog, cli
from harness.clusters.local import leftovers
from harness.commands import USAGE
from harness.commands import cluster as _cluster  # noqa: F401 (who may read nothing can import nothing)
from harness.commands import heal as _heal  # noqa: F401
from tests.harness.clusters.local_clusters import missing

RUN = [sys.executable, "-m", "harness.cli", "run", "raft", "--provider", "local", "--nodes", "3", "--faults",
       "partition,pause", "--time-limit", "60"]  # fmt: skip


NOBODY = 65534


def told(capsys: pytest.CaptureFixture[str], *words: str) -> dict[str, dict[str, list[str]]]:
    """What it says; others' leftovers, which may remain on this machine, are theirs."""
    status = cli.main(["heal", "--json", *words])
    answer = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert status == (0 if answer["healed"] else 2)
    assert answer["healed"] is not any(each["remains"] for each in answer["providers"].values())
    return answer["providers"]


def test_nothing_is_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    assert told(capsys, "--provider", "sim") == {"sim": {"removed": [], "remains": [], "living": []}}
    assert cli.main(["heal", "--provider", "sim"]) == 0
    assert capsys.readouterr().out == "nothing was left behind (sim)\n"


class Stubborn:
    """A provider one of whose leftovers will not go."""

    name = "local"

    def living(self) -> Sequence[str]:
        return ["a run of process 7"]

    def remove_leftovers(self) -> Sequence[str]:
        return ["/run/x, left by process 9", "could NOT remove /run/y: busy"]


def test_what_remains_is_said_and_is_no_success(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(catalog, "provider", lambda name: Stubborn())
    assert cli.main(["heal", "--provider", "local"]) == 2
    assert capsys.readouterr().out.splitlines() == [
        "local: removed /run/x, left by process 9",
        "local: could NOT remove /run/y: busy",
        "local: left alone: a run of process 7, which is under way",
    ]
    assert cli.main(["heal", "--provider", "local", "--json"]) == 2
    assert json.loads(capsys.readouterr().out)["healed"] is False


def own_folder(pid: int) -> list[Path]:
    return [folder for folder in leftovers.RUNS.glob("*") if folder.name.startswith(f"{pid}-")]


@pytest.fixture
def run_under_way(tmp_path: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A real run with nodes up, in a process of its own."""
    process = subprocess.Popen([*RUN, "--store", str(tmp_path)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + 30
    while not list(tmp_path.glob("raft-register/*/history.jsonl")) and time.monotonic() < deadline:
        assert process.poll() is None, "the run ended by itself"
        time.sleep(0.05)
    yield process
    if process.poll() is None:
        process.kill()
    process.wait()


@pytest.mark.cluster
@pytest.mark.skipif(bool(missing()), reason=f"the provider local cannot be used here: {missing()}")
def test_a_run_that_was_killed_leaves_what_heal_removes_and_one_that_lives_does_not(
    run_under_way: subprocess.Popen[bytes], capsys: pytest.CaptureFixture[str]
) -> None:
    pid = run_under_way.pid
    local = told(capsys, "--provider", "local")["local"]
    assert f"a run of process {pid}" in local["living"]
    assert not any(str(pid) in line for line in local["removed"])
    assert own_folder(pid), "the living run keeps its folder"
    os.kill(pid, signal.SIGKILL)
    run_under_way.wait()
    local = told(capsys, "--provider", "local")["local"]
    assert any(f"left by process {pid}" in line for line in local["removed"])
    assert not any(str(pid) in line for line in local["remains"])
    assert f"a run of process {pid}" not in local["living"]
    assert not own_folder(pid)
    for _ in range(3):  # on a busy machine a group of processes may take a second look to be empty
        again = told(capsys, "--provider", "local")["local"]
        mentioned = [line for lines in again.values() for line in lines if re.search(rf"\b{pid}\b", line)]
        if not mentioned:
            break
    assert not mentioned


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")
@pytest.mark.parametrize("words", [["heal"], ["cluster", "list"], ["cluster", "down", "--all"]], ids=" ".join)
def test_who_cannot_see_is_not_told_that_there_is_nothing(words: list[str], capfd: pytest.CaptureFixture[str]) -> None:
    leftovers.RUNS.mkdir(mode=0o700, exist_ok=True)
    pid = os.fork()
    if pid == 0:
        os.setuid(NOBODY)
        os._exit(cli.main(words))
    _, status = os.waitpid(pid, 0)
    assert os.waitstatus_to_exitcode(status) == USAGE
    assert "expected root" in capfd.readouterr().err
