"""Machines that are stopped in good order, turned off and on, or run another build."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Final

from harness.clusters.remote.node import PROGRAM, RemoteNode
from harness.clusters.remote.nodes import Nodes
from harness.deploy import build_zipapp
from harness.node.main import NEW, OLD

OFF: Final = "the machine is off"


class RemoteMachines:
    """See :class:`harness.clusters.remote.nodes.Part`, and :class:`harness.cluster_faults.MachineFaults`."""

    def __init__(self, nodes: Nodes) -> None:
        self._nodes = nodes

    @property
    def capabilities(self) -> frozenset[str]:
        return frozenset({"stop", "upgrade"})

    async def stop(self, nodes: Sequence[str]) -> None:
        self._nodes.silent.update(nodes)
        await self._nodes.each(nodes, RemoteNode.stop)

    async def power_off(self, nodes: Sequence[str]) -> None:
        """Commands fail at once from here on: a machine that is off does not even refuse."""
        self._nodes.silent.update(nodes)
        await self._nodes.each(nodes, self._turn_off)

    async def _turn_off(self, node: RemoteNode) -> None:
        self._nodes.off.add(node.name)
        node.shell.connection.suspend(OFF)
        await self._nodes.site.switch(self._nodes.index(node.name), False)

    async def turn_on(self, names: Sequence[str]) -> Sequence[str]:
        """Turn on those that are off; returns which were."""
        woken = [name for name in names if name in self._nodes.off]
        await asyncio.gather(*(self._nodes.site.switch(self._nodes.index(name), True) for name in woken))
        for name in woken:
            self._nodes[name].shell.connection.resume()
        self._nodes.off.difference_update(woken)
        return woken

    async def install(self, nodes: Sequence[str], build: str) -> None:
        """The build is packed when it is asked for, and put in the place of the present one, whole. A program that runs
        has the old file open, and may still import from it: so this is for nodes that are stopped."""
        if build not in (OLD, NEW):
            raise ValueError(f"read the build {build!r}; expected {OLD} or {NEW}")
        file = self._nodes.spec.folder / f"node-{build}.pyz"
        program = await asyncio.to_thread(build_zipapp, file, self._nodes.spec.modules, build)
        await self._nodes.each(nodes, partial(_upload, program))

    async def booted(self, names: Sequence[str]) -> None:
        """Nothing to set up."""

    async def starting(self, names: Sequence[str]) -> None:
        """Nothing to prepare."""

    async def started(self, names: Sequence[str]) -> None:
        """Nothing to tell."""

    async def met(self) -> Mapping[str, Mapping[str, int]]:
        return {}


async def _upload(program: Path, node: RemoteNode) -> None:
    await node.shell.upload(program, PROGRAM)
