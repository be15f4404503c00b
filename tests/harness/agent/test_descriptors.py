"""A limit of descriptors leaves exactly so many, to a real process that opens all it can, and is lifted again."""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.agent import descriptors

OPENER = """
import os, sys
os.dup2(0, 30)  # a high number, with free ones below
for line in sys.stdin:
    opened = []
    try:
        while len(opened) < 40:
            opened.append(os.open("/dev/null", os.O_RDONLY))
    except OSError as error:
        assert error.errno == 24
    for fd in opened:  # before it answers: what is open then counts
        os.close(fd)
    print(len(opened), flush=True)
"""


@given(st.sets(st.integers(0, 60)), st.integers(0, 20))
def test_under_the_limit_so_many_numbers_are_free_and_not_one_more(used: set[int], spare: int) -> None:
    limit = descriptors.lowest_limit(used, spare)
    assert len(set(range(limit)) - used) == spare
    assert limit not in used


@pytest.fixture
def opener(tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen([sys.executable, "-c", OPENER], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    started = Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].split()[19]
    (tmp_path / "pid").write_text(f"{process.pid} {started}\n")
    yield process
    process.kill()
    process.communicate()


def opened(process: subprocess.Popen[str]) -> int:
    assert process.stdin is not None
    assert process.stdout is not None
    print("go", file=process.stdin, flush=True)
    return int(process.stdout.readline())


def run(folder: Path, capsys: pytest.CaptureFixture[str], *words: str) -> int | None:
    descriptors.main([words[0], str(folder / "pid"), str(folder / "kept"), *words[1:]])
    limit: int | None = json.loads(capsys.readouterr().out)["limit"]
    return limit


def test_a_process_can_open_so_many_more_and_all_once_it_is_lifted(
    opener: subprocess.Popen[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert opened(opener) == 40
    for spare in (5, 0, 12):
        run(tmp_path, capsys, "limit", str(spare))
        assert opened(opener) == spare
    assert run(tmp_path, capsys, "unlimit") == resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    assert opened(opener) == 40


def test_a_process_that_is_gone_or_another_of_its_number_is_left_alone(
    opener: subprocess.Popen[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "pid").write_text(f"{opener.pid} 1\n")
    assert run(tmp_path, capsys, "limit", "0") is None
    assert opened(opener) == 40
    (tmp_path / "pid").unlink()
    assert run(tmp_path, capsys, "unlimit") is None


def test_a_new_process_does_not_get_the_former_ones_limit(
    opener: subprocess.Popen[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "kept").write_text(f"{os.getpid()} 7\n")
    assert run(tmp_path, capsys, "unlimit") == resource.getrlimit(resource.RLIMIT_NOFILE)[0]
