"""A disk that is made to fail under a program that goes on writing: no sync of before may have lied."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[4]
NEEDED = ("unshare", "mkfs.ext4", "losetup", "e2fsck")
ROUNDS = 20

pytestmark = [
    pytest.mark.cluster,
    pytest.mark.skipif(os.geteuid() != 0, reason="loop devices and mounts need root"),
    pytest.mark.skipif(any(shutil.which(name) is None for name in NEEDED), reason=f"needs {', '.join(NEEDED)}"),
]


@pytest.mark.parametrize("verb", ["fail", "read_only"])
def test_what_was_synced_is_there_after_the_disk_has_failed(verb: str, tmp_path: Path) -> None:
    """With EXT4_GOING_FLAGS_NOLOGFLUSH 1 of 20 such syncs lied, with a bare abort 1 of 8."""
    command = [
        "unshare",
        "-m",
        sys.executable,
        "-m",
        "tests.harness.agent.disk.racer",
        verb,
        str(ROUNDS),
        str(tmp_path),
    ]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "lies: 0"
