"""A bent clock as a program under libfaketime reads it; its monotonic clock, and threads that wait, are left alone."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from harness.agent import clock
from harness.clusters.remote.clocks import settings

ROOT = Path(__file__).resolve().parents[3]
faked = pytest.mark.skipif(not clock.library(), reason="libfaketime is not here: apt-get install -y libfaketime")

READER = """
import sys, time
for line in sys.stdin:
    print(time.time_ns() - time.clock_gettime_ns(time.CLOCK_REALTIME), time.time_ns(), time.monotonic_ns(), flush=True)
"""

WAITER = """
import threading, time
slowest = 0
for _ in range(150):
    begin = time.monotonic()
    threads = [threading.Thread(target=lambda: [time.time() for _ in range(50)]) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    slowest = max(slowest, time.monotonic() - begin)
print(slowest)
"""


def bend(file: Path, *figures: float) -> subprocess.Popen[bytes]:
    code = "import sys; from harness.agent.clock import main; main(sys.argv[1:])"
    return subprocess.Popen([sys.executable, "-c", code, "bend", str(file), *map(str, figures)], cwd=ROOT)


def environment(file: Path) -> dict[str, str]:
    return {**os.environ, **settings(clock.library(), str(file))}


def test_offsets_are_seconds_with_their_sign() -> None:
    assert clock.content(0) == b"+0.000000000\n"
    assert clock.content(-1500.5) == b"-1.500500000\n"


@faked
def test_a_program_reads_each_step_and_its_monotonic_clock_is_true(tmp_path: Path) -> None:
    file = tmp_path / "clock"
    clock.write(str(file), 0.0)
    pipe = subprocess.PIPE
    program = subprocess.Popen(
        [sys.executable, "-c", READER], stdin=pipe, stdout=pipe, text=True, env=environment(file)
    )
    assert program.stdin is not None
    assert program.stdout is not None
    try:
        for offset_ms in (0.0, 2_500.25, -7_200_000.0, 0.0):
            clock.write(str(file), offset_ms)
            before = time.time_ns(), time.monotonic_ns()
            print("read", file=program.stdin, flush=True)
            _, wall_ns, monotonic_ns = map(int, program.stdout.readline().split())
            after = time.time_ns(), time.monotonic_ns()
            assert before[0] - 1_000_000 < wall_ns - offset_ms * 1e6 < after[0] + 1_000_000
            assert before[1] < monotonic_ns < after[1]
    finally:
        program.kill()
        program.communicate()


@faked
def test_threads_do_not_wait_longer_for_each_other_under_a_bent_clock(tmp_path: Path) -> None:
    """They did, for seconds, by libfaketime's own idea of conditions on the monotonic clock."""
    file = tmp_path / "clock"
    bending = bend(file, 5_000, 3_600_000, 10, 1.5, 60)
    try:
        while not file.exists():
            time.sleep(0.01)
        done = subprocess.run(
            [sys.executable, "-c", WAITER], capture_output=True, text=True, check=True, env=environment(file)
        )
    finally:
        bending.kill()
        bending.wait()
    assert float(done.stdout) < 0.5


def test_a_strobe_goes_to_and_fro_and_a_rate_on_and_on_and_its_end_is_true(tmp_path: Path) -> None:
    file = tmp_path / "clock"
    bending = bend(file, 100, 60_000, 20, 3.0, 1.0)
    seen = []
    while bending.poll() is None:
        if file.exists():
            seen.append(float(file.read_bytes()))
        time.sleep(0.002)
    away, home = [offset for offset in seen if offset > 60], [offset for offset in seen if 0 < offset < 60]
    assert len(away) > 5
    assert len(home) > 5
    assert max(home) > 1.0, "a clock of three times the rate gains two seconds in one"
    assert home[0] < max(home)
    assert file.read_bytes() == clock.content(0), "its life is bounded"


def test_looking_tells_how_far_the_wall_clock_is_ahead(capsys: pytest.CaptureFixture[str]) -> None:
    clock.main(["look"])
    said = json.loads(capsys.readouterr().out)
    assert abs(said["ahead_ns"] - (time.time_ns() - time.monotonic_ns())) < 1e9
    assert said["library"] == clock.library()
