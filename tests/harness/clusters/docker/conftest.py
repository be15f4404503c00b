"""A cluster of containers for the tests of each module; skipped, saying why, where this machine cannot have one.

Nothing has to start an engine: the provider does, where none runs, and it ends with the tests' process.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest

from harness.clusters.docker.provider import PROVIDER
from harness.clusters.remote.cluster import RemoteCluster
from harness.real_runtime import RealRuntime
from tests.harness.clusters.local_clusters import missing, spec


@pytest.fixture(scope="session")
def docker_provider() -> None:
    """Skips where the docker provider cannot be used."""
    if reason := missing(PROVIDER):
        pytest.skip(f"the provider docker cannot be used here: {reason}")


@pytest.fixture(scope="module")
def containers(
    docker_provider: None, runner: asyncio.Runner, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[RemoteCluster]:
    """Three nodes with the program ``relay`` running, the third without a disk."""

    async def make() -> RemoteCluster:
        cluster = await PROVIDER.create(spec(tmp_path_factory.mktemp("containers")), RealRuntime(1))
        await cluster.start(cluster.nodes)
        return cluster

    cluster = runner.run(make())
    yield cluster
    runner.run(cluster.down())


@pytest.fixture(scope="module")
def runner(docker_provider: None) -> Iterator[asyncio.Runner]:
    """One event loop for all tests of a module."""
    with asyncio.Runner() as runner:
        yield runner
