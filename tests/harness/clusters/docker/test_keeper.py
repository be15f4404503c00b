"""An engine of our own: it is there while a process needs it, and ends by itself when the last one has ended."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from harness.clusters.docker import engine, lease
from harness.clusters.docker.examination import examine
from harness.clusters.local.leftovers import start_time

ROOT = Path(__file__).resolve().parents[4]
KEEP = """
import sys
from pathlib import Path
from harness.clusters.docker import lease
root = Path(sys.argv[1])
lease.FOLDER, lease._LEASES, lease.DATA_ROOT = root / "engine", root / "engine/leases", root / "data"
lease.SOCKET, lease.LOG, lease.PID_FILE = root / "engine/sock", root / "engine/log", root / "engine/pid"
lease.make_folders()
(lease._LEASES / sys.argv[2]).touch()
from harness.clusters.docker import keeper
sys.exit(keeper.main())
"""


@pytest.mark.cluster
def test_the_engine_ends_with_the_last_process_that_needs_it() -> None:
    if not engine.can_start():
        pytest.skip("no engine of our own can be started here: that takes root and dockerd, and no DOCKER_HOST")
    with tempfile.TemporaryDirectory(prefix="sb-") as place:  # short: the name of a socket has at most 108 bytes
        _live_and_end(Path(place))


def _live_and_end(root: Path) -> None:
    with (
        subprocess.Popen(["sleep", "60"]) as needing,
        subprocess.Popen([sys.executable, "-c", KEEP, str(root), _lease(needing.pid)], cwd=ROOT) as keeper,
    ):
        try:
            _until(lambda: engine._answers(f"unix://{root}/engine/sock"), 20)
            pid = int((root / "engine/pid").read_text())
            assert os.readlink(f"/proc/{pid}/ns/net") != os.readlink("/proc/self/ns/net")
            assert os.readlink(f"/proc/{pid}/ns/mnt") != os.readlink("/proc/self/ns/mnt")
            time.sleep(0.5)
            assert keeper.poll() is None, "it is needed"
            needing.kill()
            needing.wait()
            assert keeper.wait(25) == 0
            assert not Path(f"/proc/{pid}").exists()
            assert not (root / "engine/sock").exists()
        finally:
            needing.kill()
            keeper.kill()


def _lease(pid: int) -> str:
    return f"{pid}-{start_time(pid)}"


def _until(check: Callable[[], bool], seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while not check():
        assert time.monotonic() < deadline, f"not so after {seconds} s"
        time.sleep(0.05)


def test_a_lease_ends_with_its_process(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lease, "_LEASES", tmp_path)
    (tmp_path / "1-0").touch()
    (tmp_path / "not a lease").touch()
    assert not lease.is_leased()
    assert list(tmp_path.iterdir()) == []
    lease.take_lease()
    assert lease.is_leased()


def test_an_engine_elsewhere_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its containers are on another machine, whose networks cannot be reached from here."""
    monkeypatch.setenv(engine.HOST_VARIABLE, "tcp://198.18.0.1:2375")
    assert engine.answering() is None
    assert not engine.can_start()
    (found,) = (finding for finding in examine() if finding.name == "docker engine")
    assert (found.present, found.remedy) == (False, "unset DOCKER_HOST")
