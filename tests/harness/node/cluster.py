"""Clusters of echo nodes for tests: gone when the block ends, whatever happens in it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from harness.cluster import ClusterSpec, NodeSpec
from harness.clusters.loopback import LoopbackCluster
from harness.real_runtime import RealRuntime

ROOT = Path(__file__).resolve().parents[3]
ECHO = "tests.harness.node.programs:Echo"


def spec(folder: Path, count: int, options: Mapping[str, str] | None = None) -> ClusterSpec:
    nodes = tuple(NodeSpec(f"n{i}", "server", ECHO) for i in range(1, count + 1))
    return ClusterSpec(nodes, options or {}, ("planted",), seed=7, clients=3, client_timeout_ms=1000, folder=folder)


@asynccontextmanager
async def echo_cluster(folder: Path, count: int = 1) -> AsyncIterator[LoopbackCluster]:
    cluster = LoopbackCluster(spec(folder, count), RealRuntime(seed=7), python_path=[ROOT])
    try:
        await cluster.start(cluster.nodes)
        yield cluster
    finally:
        await cluster.down()


def events(folder: Path, node: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / node / "events.jsonl").read_text().splitlines()]


def data_address(folder: Path, node: str) -> tuple[str, int]:
    config = json.loads((folder / node / "config.json").read_text())
    return config["listen"]["address"], config["listen"]["port"]


async def until(condition: Callable[[], bool], within_s: float = 5) -> None:
    async with asyncio.timeout(within_s):
        while not condition():  # noqa: ASYNC110 - another process, which sets no event of ours
            await asyncio.sleep(0.001)
