"""Findings: what is missing is named with the command that adds it; the machine is not changed by looking."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from harness.cluster import ClusterError, Finding
from harness.clusters.local import examination, isolation
from harness.clusters.local.provider import PROVIDER
from harness.real_runtime import RealRuntime
from tests.harness.clusters.local_clusters import root_network, spec

ROOT = Path(__file__).resolve().parents[4]


@pytest.fixture
def fresh() -> Iterator[None]:
    examination.examine.cache_clear()
    yield
    examination.examine.cache_clear()


def by_name() -> dict[str, Finding]:
    return {finding.name: finding for finding in PROVIDER.examine()}


def test_every_missing_tool_is_named_with_its_package(
    fresh: None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(isolation, "PATH", str(tmp_path))
    found = by_name()
    remedies = {name: finding.remedy for name, finding in found.items() if not finding.present}
    assert remedies["nft"] == "apt-get install -y nftables"
    assert remedies["sshd"] == "apt-get install -y openssh-server"
    assert remedies["ip"] == "apt-get install -y iproute2"
    assert remedies["unshare"] == "apt-get install -y util-linux"
    assert remedies["mkfs.ext4"] == "apt-get install -y e2fsprogs"
    assert "not tried" in found["kernel: namespaces"].detail


def test_without_what_it_needs_no_cluster_is_made_and_the_error_says_what_to_do(
    fresh: None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(isolation, "PATH", str(tmp_path))

    async def create() -> None:
        await PROVIDER.create(spec(tmp_path), RealRuntime(1))

    with pytest.raises(ClusterError, match=r"local cannot be used here; it lacks: .*apt-get install -y nftables"):
        asyncio.run(create())


def test_another_user_than_root_is_told_so() -> None:
    # All is imported first: "nobody" may not be allowed to read the sources or the interpreter's library.
    code = "import json, os; from harness.clusters.local.provider import PROVIDER\n"
    code += "if os.geteuid() == 0: os.setuid(65534)\n"
    code += "print(json.dumps([[f.name, f.present, f.remedy] for f in PROVIDER.examine()]))"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    found = {name: (present, remedy) for name, present, remedy in json.loads(done.stdout)}
    assert found["root"] == (False, "run it with sudo")
    assert found["kernel: namespaces"][0] is False


@pytest.mark.cluster
def test_a_machine_that_can_is_examined_quickly_and_unchanged(local_provider: None, fresh: None) -> None:
    before = root_network()
    found = by_name()
    assert all(finding.present for finding in found.values() if finding.required)
    assert root_network() == before
    optional = {finding.name for finding in found.values() if not finding.required}
    assert {"kernel: packet queues", "cgroups", "user namespaces", "nsenter"} <= optional
    assert PROVIDER.examine() is PROVIDER.examine(), "tried once per process"


def test_listing_and_examining_load_no_ssh_library() -> None:
    code = "import sys; from harness.clusters.local.provider import PROVIDER; PROVIDER.examine()\n"
    code += "sys.exit('paramiko' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False).returncode == 0
