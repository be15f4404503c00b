"""``run --artifacts`` and ``--capture`` on real nodes: what is kept of a run that failed, and what of any other."""

from __future__ import annotations

import json
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest

from harness.commands.session import keep_or_drop_data
from harness.store import RunFolder
from tests.harness.agent.pcap import frames
from tests.harness.clusters.local_clusters import missing

ROOT = Path(__file__).resolve().parents[3]
WRONG = str(ROOT / "examples" / "every_node_for_itself.py")
real = pytest.mark.skipif(bool(missing()), reason=f"no local clusters here: {missing()}")


def run(store: Path, *words: str) -> tuple[dict[str, object], Path]:
    command = [sys.executable, "-m", "harness.cli", "run", *words, "--nodes", "3", "--time-limit", "2", "--store",
               str(store), "--json"]  # fmt: skip
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=120)
    told = json.loads(done.stdout.splitlines()[-1])
    return told, Path(str(told["store"])) / "nodes"


@pytest.mark.cluster
@real
def test_a_failure_keeps_what_was_on_the_disks(tmp_path: Path) -> None:
    told, nodes = run(tmp_path, WRONG)
    assert told["valid"] is False
    for name in ("n1", "n2", "n3"):
        with tarfile.open(nodes / name / "data.tar.gz") as archive:
            assert archive.getnames() is not None
        assert not (nodes / name / "data.pcap").exists(), "nobody asked for packets"


@pytest.mark.cluster
@real
def test_a_valid_run_keeps_packets_if_asked_and_no_data(tmp_path: Path) -> None:
    told, nodes = run(tmp_path, "raft", "--capture")
    assert told["valid"] is True
    assert not list(nodes.glob("*/data.tar.gz"))
    for name in ("n1", "n2", "n3"):
        seen = b"".join(frames(nodes / name / "data.pcap"))
        assert b"AppendEntries" in seen, "what Raft's leader says, and is told"


@pytest.mark.parametrize("valid", [True, False, "unknown"])
@pytest.mark.parametrize("wish", ["always", "failure"])
def test_data_goes_when_nobody_wants_it(tmp_path: Path, wish: str, valid: bool | str) -> None:
    archive = tmp_path / "nodes" / "n1" / "data.tar.gz"
    archive.parent.mkdir(parents=True)
    archive.write_bytes(b"x")
    keep_or_drop_data(RunFolder(tmp_path), wish, valid)
    assert archive.exists() is (wish == "always" or valid is False)
