"""`splitbrain doctor` says what is there, and how to add what is not."""

from __future__ import annotations

import json

import pytest

from harness import cli
from harness.cluster import Finding
from harness.clusters.docker.provider import DockerProvider
from harness.clusters.local.provider import LocalProvider

LACKING = (
    Finding("root", True, "namespaces"),
    Finding("nft", False, "partitions", remedy="apt-get install -y nftables"),
    Finding("kernel: netem", False, "delays", required=False),
)


def test_findings_name_every_provider(capsys: pytest.CaptureFixture[str]) -> None:
    status = cli.main(["doctor", "--json"])
    told = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert set(told["providers"]) == {"local", "docker", "sim"}
    real = [told["providers"][name] for name in ("local", "docker")]
    assert status == (0 if any(provider["usable"] for provider in real) else 2)
    for finding in (*real[0]["findings"], *real[1]["findings"], *told["python"]):
        assert finding["present"] or finding["remedy"] or not finding["required"], finding


def test_what_is_missing_comes_with_its_remedy(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for provider in (LocalProvider, DockerProvider):
        monkeypatch.setattr(provider, "examine", lambda self: LACKING)
    assert cli.main(["doctor"]) == 2
    lines = [line.strip() for line in capsys.readouterr().out.splitlines()]
    assert "provider local: cannot be used yet" in lines
    missing = next(i for i, line in enumerate(lines) if line.startswith("NO   nft"))
    assert lines[missing + 1] == "to add it: apt-get install -y nftables"
    optional = next(i for i, line in enumerate(lines) if line.startswith("no   kernel: netem"))
    assert "nothing can add it" in lines[optional + 1]
