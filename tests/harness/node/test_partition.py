"""Dropped packets, by the kernel's own firewall: connections hang, calls learn what is known, traffic resumes."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.harness.node.cluster import ROOT

MISSING = [tool for tool in ("unshare", "nft", "ip") if shutil.which(tool) is None]


@pytest.mark.cluster
@pytest.mark.skipif(os.geteuid() != 0 or bool(MISSING), reason=f"needs root, nft, iproute2, unshare; missing {MISSING}")
def test_traffic_resumes_soon_after_a_partition(tmp_path: Path) -> None:
    scenario = [sys.executable, "-m", "tests.harness.node.partition_scenario", str(tmp_path), "2.37"]
    done = subprocess.run(["unshare", "--net", "--", *scenario], cwd=ROOT, capture_output=True, text=True, check=False,
                          timeout=30)  # fmt: skip
    assert done.returncode == 0, done.stderr
    seen = json.loads(done.stdout)
    for outcomes in (seen["nodes"], seen["client"]):
        assert outcomes[0] == "Timeout", "the first call was written before anyone could know"
        assert "reply" not in outcomes
        assert outcomes[-1] == "Refused", "later ones never left: the silent connection has been given up"
    assert max(seen["healed_s"]) < 1.5
