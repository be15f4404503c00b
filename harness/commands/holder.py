"""The process that holds one standing cluster: makes it, says so, and waits until it is told to remove it.

Started by ``splitbrain cluster up`` in a session of its own, with one JSON object as its argument. It prints one line
of JSON, {"up": true} or {"error": ...}, and nothing more.
"""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import signal
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from harness import catalog
from harness.cluster import Cluster, ClusterError, ClusterSpec
from harness.clusters.local.leftovers import start_time
from harness.commands.standing import Standing, StandingNode, folder_of, forget, record
from harness.real_runtime import RealRuntime
from harness.setup import node_specs, packages_of


def main(request: Mapping[str, Any]) -> int:
    """0 when the cluster was held until it was to be removed; 2 if there is none."""
    folder = folder_of(request["name"])
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    try:
        asyncio.run(_hold(request, folder))
    except (ClusterError, OSError, asyncio.CancelledError) as error:
        _say({"error": str(error) or "interrupted"})
        return 2
    finally:
        forget(request["name"])
        shutil.rmtree(folder, ignore_errors=True)
    return 0


async def _hold(request: Mapping[str, Any], folder: Path) -> None:
    ended, task = asyncio.Event(), asyncio.current_task()
    assert task is not None, "asyncio.run made it"
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        loop.add_signal_handler(number, task.cancel)
    cluster = await catalog.provider(request["provider"]).create(_spec(request, folder), RealRuntime(request["seed"]))
    try:
        await cluster.start(cluster.nodes)
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            loop.add_signal_handler(number, ended.set)
        record(_standing(request, cluster))
        _say({"up": True})
        _let_go_of_output()
        await ended.wait()
    finally:
        await cluster.down()


def _spec(request: Mapping[str, Any], folder: Path) -> ClusterSpec:
    system = catalog.system(request["system"])
    return ClusterSpec(
        nodes=node_specs(system, request["nodes"]), options=request["options"], bugs=(), seed=request["seed"],
        clients=1, client_timeout_ms=1000, folder=folder,
        modules=(Path(request["system"]),) if catalog.is_file(request["system"]) else (),
        packages=packages_of(system), keepers=system.external is not None, files=catalog.files_of(request["system"]),
    )  # fmt: skip


def _standing(request: Mapping[str, Any], cluster: Cluster) -> Standing:
    nodes = tuple(StandingNode(name, role, cluster.entry(name)) for name, role in cluster.roles.items())
    started = start_time(os.getpid())
    assert started is not None, "we are running"
    return Standing(request["name"], request["system"], request["provider"], request["options"], os.getpid(), started,
                    time.time(), nodes)  # fmt: skip


def _say(line: Mapping[str, Any]) -> None:
    try:
        print(json.dumps(line), flush=True)
    except BrokenPipeError:  # whoever asked has gone; the file tells of the cluster all the same
        _let_go_of_output()


def _let_go_of_output() -> None:
    """What reads our output waits for its end."""
    null = os.open(os.devnull, os.O_RDWR)
    for fd in (1, 2):
        os.dup2(null, fd)


if __name__ == "__main__":
    sys.exit(main(json.loads(sys.argv[1])))
