"""Compiled functions: kept from one process to the next, and never kept when what they were made of has changed."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from harness.compiled import announced

ROOT = Path(__file__).resolve().parents[2]
FACTORS = """
from harness.compiled import compiled
FACTOR = {factor}

@compiled
def times(number):
    return number * {factor} + {more}
"""
USER = """
from harness.compiled import compiled
from middle import scaled
from factors import FACTOR

@compiled
def both(number):
    return scaled(number) + FACTOR * 1000

print(both(1), sum(both.stats.cache_hits.values()))
"""
MIDDLE = """
from harness.compiled import compiled
from factors import times

@compiled
def scaled(number):
    return times(number)
"""


def answer(folder: Path, **environment: str) -> list[str]:
    path = os.pathsep.join((str(ROOT), str(folder)))
    done = subprocess.run(
        [sys.executable, "-B", str(folder / "user.py")], capture_output=True, text=True, check=True,
        env={"PYTHONPATH": path, "PATH": "/usr/bin:/bin", "HOME": str(folder), **environment},
    )  # fmt: skip
    return done.stdout.split()


def test_nothing_stale_is_used(tmp_path: Path) -> None:
    (tmp_path / "user.py").write_text(USER)
    (tmp_path / "middle.py").write_text(MIDDLE)
    (tmp_path / "factors.py").write_text(FACTORS.format(factor=2, more=0))
    assert answer(tmp_path) == ["2002", "0"]
    assert answer(tmp_path) == ["2002", "1"], "it was kept"
    kept = list((tmp_path / ".cache" / "splitbrain" / "compiled").rglob("*.nbi"))
    assert kept, "not in the user's cache folder"
    # Only a module that it does not take from itself changes, and only what is inside a function there.
    (tmp_path / "factors.py").write_text(FACTORS.format(factor=2, more=10))
    assert answer(tmp_path) == ["2012", "0"]


def test_it_works_where_nothing_can_be_kept(tmp_path: Path) -> None:
    (tmp_path / "user.py").write_text(USER)
    (tmp_path / "middle.py").write_text(MIDDLE)
    (tmp_path / "factors.py").write_text(FACTORS.format(factor=3, more=0))
    assert answer(tmp_path, XDG_CACHE_HOME="/proc/nowhere")[0] == "3003"


def test_it_says_what_takes_long(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    with announced("the fast reader"):
        pass
    assert capsys.readouterr().err == ""
    monkeypatch.setattr("harness.compiled.PATIENCE_S", 0.01)
    with announced("the fast reader"):
        deadline = time.monotonic() + 10
        while not (said := capsys.readouterr().err) and time.monotonic() < deadline:
            time.sleep(0.01)
    assert said == "splitbrain: compiling the fast reader, once\n"
