"""A whole run on containers, as a person would make it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[4]

pytestmark = [pytest.mark.cluster, pytest.mark.usefixtures("docker_provider")]


def test_raft_holds_and_every_fault_bites(tmp_path: Path) -> None:
    words = ("raft", "--provider", "docker", "--faults", "partition,kill,pause", "--time-limit", "8", "--seed", "1")
    done = subprocess.run([sys.executable, "-m", "harness.cli", "run", *words, "--json", "--store", str(tmp_path)],
                          cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    told = json.loads(done.stdout.splitlines()[-1])
    assert told["valid"] is True
    for fault in ("partition", "kill", "pause"):
        assert f"fault:   {fault}, 1 times, bit" in done.stderr, done.stderr
