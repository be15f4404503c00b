"""The tutorial of one's own database is true: its code is the files', and its commands come to what it shows."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.harness.clusters.local_clusters import missing

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "examples" / "own_database"
TEXT = (FOLDER / "README.md").read_text()
BLOCKS = re.findall(r"^```(\w*)\n(.*?)^```$", TEXT, re.MULTILINE | re.DOTALL)
RUN_S = 120


def test_the_code_is_that_of_the_files() -> None:
    shown = [block for language, block in BLOCKS if language == "python"]
    assert shown == [(FOLDER / name).read_text() for name in ("server.py", "system.py")]


def test_every_block_is_of_a_kind_that_is_executed() -> None:
    assert {language for language, _ in BLOCKS} == {"python", "diff", ""}
    assert all(block.startswith("$ ") for language, block in BLOCKS if not language)


def test_the_files_named_are_there() -> None:
    named = re.findall(r"`((?:examples|systems_under_test)/[\w./]+)`", TEXT)
    assert named
    assert [path for path in named if not (ROOT / path).exists()] == []


@pytest.mark.cluster
def test_the_commands_come_to_what_is_shown(tmp_path: Path) -> None:
    """All of them, in order, in a copy; the correction is made where it stands."""
    if reason := missing():
        pytest.skip(f"the provider local cannot be used here: {reason}")
    shutil.copytree(FOLDER, tmp_path / "examples" / "own_database")
    for language, block in BLOCKS:
        if language == "diff":
            correct(block, tmp_path)
        elif not language:
            for command, expected in commands(block):
                printed = executed(command, tmp_path)
                assert [line for line in expected if not shows(printed, line)] == [], f"{command}\n{printed}"


def commands(block: str) -> list[tuple[str, list[str]]]:
    """Each command with the lines that it is said to print."""
    parts = [part.splitlines() for part in block.removeprefix("$ ").split("\n$ ")]
    return [(command, lines) for command, *lines in parts]


def executed(command: str, folder: Path) -> str:
    tool = f"{sys.executable} -m harness.cli"
    done = subprocess.run(["bash", "-c", command.replace("./splitbrain", tool)], cwd=folder, capture_output=True,
                          text=True, timeout=RUN_S, check=False,
                          env={**os.environ, "PYTHONPATH": str(ROOT)})  # fmt: skip
    assert done.returncode == (1 if "verdict: INVALID" in done.stdout else 0), done.stdout + done.stderr
    return done.stdout


def shows(printed: str, line: str) -> bool:
    """Whether a line was printed, with whatever numbers, and anything in place of "…"."""
    pattern = re.sub(r"\d+", r"\\d+", re.escape(line)).replace("…", ".*")
    return re.search(f"^{pattern}$", printed, re.MULTILINE) is not None


def correct(block: str, folder: Path) -> None:
    """Change a file as a diff of one place says."""
    name, *lines = block.removeprefix("--- ").splitlines()
    old = "".join(f"{line[1:]}\n" for line in lines if line[0] != "+")
    new = "".join(f"{line[1:]}\n" for line in lines if line[0] != "-")
    text = (folder / name).read_text()
    assert text.count(old) == 1, f"{name} has not, once:\n{old}"
    (folder / name).write_text(text.replace(old, new))
