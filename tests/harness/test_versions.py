"""Versions of what runs on a node: what its commands print, what dpkg knows, and why there is none."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping
from pathlib import Path

import pytest

from harness.clusters.local.provider import PROVIDER
from harness.real_runtime import RealRuntime
from harness.system import External
from harness.versions import TEXT_CHARACTERS_MAX, versions
from tests.harness.clusters.local_clusters import missing, spec

EXTERNAL = External(
    packages=("dpkg", "libc-bin=1.0", "no-such-package"),
    versions={
        "Debian's packages": ("dpkg", "--version"),
        "on standard error": ("sh", "-c", "echo 7 >&2"),
        "silent": ("true",),
        "absent": ("no-such-command", "--version"),
        "long": ("sh", "-c", "yes | head -c 9999 | tr -d '\\n'"),
    },
)


@pytest.mark.cluster
def test_versions_are_what_a_node_says(tmp_path: Path) -> None:
    if reason := missing():
        pytest.skip(f"the provider local cannot be used here: {reason}")

    async def ask() -> Mapping[str, str]:
        cluster = await PROVIDER.create(spec(tmp_path, nodes=1), RealRuntime(1))
        try:
            return await versions(EXTERNAL, cluster.shell("n1"))
        finally:
            await cluster.down()

    found = asyncio.run(ask())
    assert list(found) == [*EXTERNAL.versions, "dpkg", "libc-bin", "no-such-package"]
    assert re.fullmatch(
        r"Debian 'dpkg' package management program version [0-9.]+ \(\w+\)\.", found["Debian's packages"]
    )
    assert found["on standard error"] == "7"
    assert found["silent"] == "unknown: it prints nothing"
    assert found["absent"].startswith("unknown: ")
    assert found["long"] == "y" * TEXT_CHARACTERS_MAX
    assert re.match(r"[0-9]+\.[0-9]", found["dpkg"])
    assert re.match(r"[0-9]+\.[0-9]", found["libc-bin"])
    assert found["no-such-package"] == "not installed"
