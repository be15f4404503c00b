"""Machines with little memory or processor time, programs with few file descriptors."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import Mapping, Sequence
from typing import Final

from harness.cluster_faults import checked_share
from harness.clusters.remote.node import EVENTS, PID_FILE, RemoteNode
from harness.clusters.remote.nodes import Nodes
from harness.clusters.remote.tally import Tally
from harness.node.failure import DISK_FAILURE
from harness.node.link import NO_DESCRIPTOR, OUT_OF_DESCRIPTORS

FDS_FILE: Final = "/run/splitbrain/descriptors"
"""Where the limit that the program had before is kept, on the node."""

FDS: Final = "fds"
WANTING: Final = sorted(OUT_OF_DESCRIPTORS)
BY_SITE: Final = ("memory", "cpu")


class RemoteLimits:
    """See :class:`harness.clusters.remote.nodes.Part`, and :class:`harness.cluster_faults.ResourceFaults`.

    Memory and processor are the whole machine's, by means of its site. Descriptors are the program's own: a soft limit
    that is set on its process from outside, and is set anew on the next one while it is in force.
    """

    def __init__(self, nodes: Nodes) -> None:
        self._nodes = nodes
        self._spare: dict[str, int] = {}
        self._by_site: dict[tuple[str, str], float] = {}  # node and resource -> amount
        self._refused = Tally(NO_DESCRIPTOR)

    @property
    def capabilities(self) -> frozenset[str]:
        return frozenset({FDS})

    async def limit_memory(self, nodes: Sequence[str], limit_bytes: int) -> None:
        await self._limit(nodes, "memory", limit_bytes)

    async def limit_cpu(self, nodes: Sequence[str], share: float) -> None:
        await self._limit(nodes, "cpu", checked_share(share))

    async def limit_fds(self, nodes: Sequence[str], spare: int) -> None:
        self._spare.update(dict.fromkeys(nodes, spare))
        await self._nodes.each(nodes, self._limit_fds)

    async def unlimit(self, nodes: Sequence[str]) -> None:
        """What the site does comes first: a machine without memory or processor time obeys no command."""
        for resource in BY_SITE:
            limited = [node for node in nodes if self._by_site.pop((node, resource), None) is not None]
            await self._tell_site(limited, resource, None)
        few = [node for node in nodes if node in self._spare]
        for node in few:
            del self._spare[node]
        await self._nodes.each(few, self._unlimit_fds)

    async def booted(self, names: Sequence[str]) -> None:
        """Nothing to set up."""

    async def starting(self, names: Sequence[str]) -> None:
        """Nothing to prepare."""

    async def started(self, names: Sequence[str]) -> None:
        """A new program is under no limit yet."""
        for (name, resource), amount in self._by_site.items():
            if name in names:
                await self._tell_site([name], resource, amount)
        await self._nodes.each([name for name in names if name in self._spare], self._limit_fds)

    async def met(self) -> Mapping[str, Mapping[str, int]]:
        needs, names = self._nodes.spec.needs, self._nodes.names
        counts: dict[str, dict[str, int]] = {name: {} for name in names}
        if needs & set(BY_SITE):
            felt = await asyncio.gather(*(self._nodes.site.felt(self._nodes.index(name)) for name in names))
            for name, figures in zip(names, felt, strict=True):
                counts[name].update(figures)
        if FDS in needs:
            unheard = await self._refused.renew(self._nodes)
            await self._nodes.each([name for name in unheard if name in self._spare], self._read_last_words)
            for name in names:
                counts[name][FDS] = self._refused[name]
        return counts

    async def _limit(self, names: Sequence[str], resource: str, amount: float) -> None:
        self._by_site.update({(name, resource): amount for name in names})
        await self._tell_site(names, resource, amount)

    async def _tell_site(self, names: Sequence[str], resource: str, amount: float | None) -> None:
        site, index = self._nodes.site, self._nodes.index
        await asyncio.gather(*(site.limit(index(name), resource, amount) for name in names))

    async def _limit_fds(self, node: RemoteNode) -> None:
        spare = str(self._spare[node.name])
        await self._nodes.agent(node.name).run("descriptors", "limit", PID_FILE, FDS_FILE, spare)

    async def _read_last_words(self, node: RemoteNode) -> None:
        """A program that could not open a file, and ended of it, has told so in its events; its counters are gone."""
        last = (await node.shell.run("tail", "-n", "1", EVENTS, idempotent=True)).stdout
        with contextlib.suppress(ValueError):  # torn: it was killed as it wrote
            event = json.loads(last)
            if event.get("name") == DISK_FAILURE and any(f"[Errno {n}]" in last or f"({n}," in last for n in WANTING):
                self._refused.add_last(node.name, event["incarnation"])

    async def _unlimit_fds(self, node: RemoteNode) -> None:
        await self._nodes.agent(node.name).run("descriptors", "unlimit", PID_FILE, FDS_FILE)
