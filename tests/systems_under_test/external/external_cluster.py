"""Real local clusters of external systems for tests: clients of theirs, and what the nodes say of themselves."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from harness import catalog
from harness.cluster import ClusterSpec
from harness.clusters.local.provider import PROVIDER
from harness.clusters.remote.cluster import RemoteCluster
from harness.faults.leader import statuses
from harness.history import Op
from harness.node import Message
from harness.readiness import until_ready
from harness.real_runtime import RealRuntime
from harness.setup import node_specs, packages_of
from harness.system import Client, ClientEnv, System
from tests.harness.clusters.local_clusters import missing

ENDPOINTS = 16


@dataclass
class ExternalCluster:
    system: System
    cluster: RemoteCluster
    runtime: RealRuntime
    clients: int = 0

    async def ready(self) -> None:
        await until_ready(self.system, self.cluster, self.runtime, stopped=lambda: False)

    async def statuses(self) -> dict[str, Message]:
        return await statuses(self.cluster, self.runtime)

    async def leader(self) -> str:
        """The leader, once the system is ready."""
        await self.ready()
        found = self.system.leader(await self.statuses())
        assert found is not None
        return found

    def env(self) -> ClientEnv:
        """A new client's environment. There are ENDPOINTS of them at a time: each ends the one that many before it."""
        self.clients += 1
        return self.cluster.client_env(self.clients % ENDPOINTS, f"c{self.clients}")

    async def client(self, node: str, **options: str) -> Client:
        """A new client, at that node; options other than the defaults by their names, with _ for -."""
        chosen = self.system.completed({name.replace("_", "-"): value for name, value in options.items()})
        client = self.system.client(self.env(), chosen)
        await client.open(node)
        return client


async def ask(client: Client, f: str, value: Any = None, key: Any = None, node: str | None = None) -> Op:
    return await client.invoke(Op("invoke", 0, f, value, key=key, node=node))


def skip_without_local() -> None:
    if reason := missing():
        pytest.skip(f"the provider local cannot be used here: {reason}")


@asynccontextmanager
async def external_cluster(
    name: str, folder: Path, nodes: int = 3, options: Mapping[str, str] | None = None, timeout_ms: float = 1000
) -> AsyncIterator[ExternalCluster]:
    """A cluster of the external system ``name`` that is ready."""
    system, runtime = catalog.system(name), RealRuntime(1)
    spec = ClusterSpec(
        nodes=node_specs(system, nodes), options=system.completed(options or {}), bugs=(), seed=1, clients=ENDPOINTS,
        client_timeout_ms=timeout_ms, folder=folder, packages=packages_of(system), keepers=True,
        files=catalog.files_of(name),
    )  # fmt: skip
    cluster = await PROVIDER.create(spec, runtime)
    try:
        await cluster.start(cluster.nodes)
        made = ExternalCluster(system, cluster, runtime)
        await made.ready()
        yield made
    finally:
        await cluster.down()
