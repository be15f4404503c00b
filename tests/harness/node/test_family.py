"""A program and all that it starts, stopped and killed as one, while it forks, and where children leave its session."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from harness.agent import family as agent
from harness.node import family as family_module
from harness.node.family import Family, started_at

PARENT = """
import ctypes, os, sys, threading, time
ctypes.CDLL(None).prctl(36, 1, 0, 0, 0)  # it adopts orphans
counter = sys.argv[1]

def beat():
    while True:
        with open(f"{counter}/{os.getpid()}", "w") as file:
            file.write(str(time.monotonic()))
        time.sleep(0.01)

def fork(leaves):
    if os.fork() == 0:
        if leaves:
            os.setsid()
            if os.fork():
                os._exit(0)  # its child is an orphan in a session of its own
        threading.Thread(target=beat, daemon=True).start()
        beat()

for number in range(4):
    fork(number % 2 == 0)
while True:  # a child every few ms, each of which ends soon
    if os.fork() == 0:
        if os.fork() == 0:
            time.sleep(0.02)
        os._exit(0)
    try:
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
    except ChildProcessError:
        pass
    time.sleep(0.001)
"""


@pytest.fixture
def parent(tmp_path: Path) -> Iterator[tuple[int, int]]:
    (tmp_path / "beats").mkdir()
    process = subprocess.Popen([sys.executable, "-S", "-c", PARENT, str(tmp_path / "beats")])
    started = started_at(process.pid)
    assert started is not None
    deadline = time.monotonic() + 10
    while len(beats(tmp_path)) < 4:
        assert time.monotonic() < deadline, "its children did not start"
        time.sleep(0.01)
    yield process.pid, started
    Family((process.pid, started)).kill()
    process.wait()


def beats(folder: Path) -> dict[int, str]:
    return {int(path.name): path.read_text() for path in (folder / "beats").iterdir()}


def still(folder: Path) -> bool:
    before = beats(folder)
    time.sleep(0.1)
    return beats(folder) == before


def test_a_family_that_forks_stops_as_one_and_goes_on(parent: tuple[int, int], tmp_path: Path) -> None:
    family = Family(parent)
    for _ in range(10):
        stopped = family.stop()
        assert stopped >= 5
        assert still(tmp_path)
        assert set(beats(tmp_path)) <= set(family.look())
        family.resume()
        assert any(not still(tmp_path) for _ in range(50))


def test_a_family_that_forks_is_killed_to_the_last(parent: tuple[int, int], tmp_path: Path) -> None:
    family = Family(parent)
    assert family.kill() >= 5
    assert not family.look()
    assert still(tmp_path)
    assert not any(running(pid) for pid in beats(tmp_path))
    assert family.kill() == 0


def test_a_stopped_family_is_killed_too(parent: tuple[int, int], tmp_path: Path) -> None:
    Family(parent).stop()
    Family(parent).kill()
    assert not any(running(pid) for pid in beats(tmp_path))


def test_who_lost_their_keeper_are_found_by_their_mark(tmp_path: Path) -> None:
    """A mark of this test's own: others' families on this machine have that of keepers."""
    mark, pid_file = 417, tmp_path / "node.pid"
    (tmp_path / "beats").mkdir()
    code = f"open('/proc/self/oom_score_adj', 'w').write('{mark}')\n" + PARENT.replace(
        "while True:  # a child", "time.sleep(0.5); os._exit(0)\nwhile True:  # a child"
    ).replace("ctypes.CDLL(None).prctl(36, 1, 0, 0, 0)", "0")
    process = subprocess.Popen([sys.executable, "-S", "-c", code, str(tmp_path / "beats")])
    pid_file.write_text(f"{process.pid} {started_at(process.pid)}\n")
    process.wait()
    orphans = set(beats(tmp_path))
    assert len(orphans) >= 4
    assert all(running(pid) for pid in orphans)
    agent.main(["clear", str(pid_file)], mark)
    assert not any(running(pid) for pid in orphans)


def running(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state not in "ZX"


def test_nothing_is_done_where_no_program_runs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for verb in ("kill", "pause", "resume", "clear"):
        agent.main([verb, str(tmp_path / "none.pid")], -1)
    agent.main(["stop", str(tmp_path / "none.pid"), "1"], -1)
    told = capsys.readouterr().out.splitlines()
    assert told == ['{"killed": 0}', '{"paused": 0}', '{"resumed": 0, "waiting": 0}', '{"killed": 0}', '{"killed": 0}']


def test_who_asks_is_left_alone() -> None:
    started = started_at(os.getpid())
    assert started is not None
    assert os.getpid() not in Family((os.getpid(), started)).look()


def test_a_resume_reaches_who_has_still_to_see_its_stop(
    parent: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    """One that waits for its disk counts as stopped before it is: were it left out, it would stop later, for ever."""
    told: list[tuple[int, int]] = []
    monkeypatch.setattr(family_module, "_signal", lambda member, number: told.append((member.pid, number)))
    Family(parent).resume()
    assert (parent[0], signal.SIGCONT) in told
