"""Local clusters for the tests of this folder; skipped, saying why, where this machine cannot have one."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from harness.clusters.remote.cluster import RemoteCluster
from tests.harness.clusters.local_clusters import make, missing


@pytest.fixture(scope="session")
def local_provider() -> None:
    """Skips where the local provider cannot be used."""
    if reason := missing():
        pytest.skip(f"the provider local cannot be used here: {reason}")


@pytest.fixture(scope="module")
def runner(local_provider: None) -> Iterator[asyncio.Runner]:
    """One event loop for all tests of a module."""
    with asyncio.Runner() as runner:
        yield runner


@pytest.fixture(scope="module")
def five(runner: asyncio.Runner, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RemoteCluster]:
    """Five nodes with the program ``relay`` deployed, shared by the tests of a module."""
    cluster = runner.run(make(tmp_path_factory.mktemp("five"), nodes=5))
    yield cluster
    runner.run(cluster.down())


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path
