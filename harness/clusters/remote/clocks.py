"""Wall clocks that jump, strobe, or run at a wrong rate: the program's own, by libfaketime; the machine's stays true.

The library is loaded when a program starts, so a cluster can bend clocks only if its spec says that it will be needed
to; then every program has it all the time, and costs 6 us per reading. Monotonic clocks are left alone, or else asyncio
would hang on a jump.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from harness.agent.clock import content
from harness.clusters.remote.agent import BOOT
from harness.clusters.remote.node import PROGRAM, PYTHON, RemoteNode
from harness.clusters.remote.nodes import Nodes
from harness.clusters.remote.tally import Tally
from harness.node.clock import TRUE_AHEAD

CLOCK: Final = "clock"
FILE: Final = "/run/splitbrain/clock"
PID_FILE: Final = "/run/splitbrain/clock.pid"
LIFE_S: Final = 900
ASK_MS: Final = 1000


@dataclass(frozen=True, slots=True)
class Bend:
    """How a node's clock is bent since ``since_s`` (of the monotonic clock): off by ``offset_ms`` then, at ``factor``
    times its rate from then on, and by ``strobe_ms`` more in every other period."""

    since_s: float
    offset_ms: float = 0.0
    strobe_ms: float = 0.0
    period_ms: float = 1000.0
    factor: float = 1.0

    def bent(self, kind: str, amount: Mapping[str, float], now_s: float) -> Bend:
        """As the simulated clock has it: jumps add up, a strobe or a rate replaces the one before."""
        drifted = self.offset_ms + (now_s - self.since_s) * 1000 * (self.factor - 1)
        moved = replace(self, since_s=now_s, offset_ms=drifted)
        if kind == "jump":
            return replace(moved, offset_ms=drifted + amount["offset_ms"])
        if kind == "strobe":
            return replace(moved, strobe_ms=amount["offset_ms"], period_ms=max(1.0, amount["period_ms"]))
        if kind == "rate":
            return replace(moved, factor=amount["factor"])
        raise ValueError(f"read the bend {kind!r}; expected jump, strobe or rate")


class RemoteClocks:
    """See :class:`harness.clusters.remote.nodes.Part`, and :class:`harness.cluster_faults.ClockFaults`."""

    def __init__(self, nodes: Nodes) -> None:
        self._nodes = nodes
        self._able: set[str] = set()
        self._bends: dict[str, Bend] = {}
        self._false = Tally("clock.false")

    @property
    def capabilities(self) -> frozenset[str]:
        return frozenset({CLOCK}) if self._able == set(self._nodes.names) else frozenset()

    async def clock_bend(self, nodes: Sequence[str], kind: str, amount: Mapping[str, float]) -> None:
        now_s = time.monotonic()
        for name in nodes:
            self._bends[name] = self._bends.get(name, Bend(now_s)).bent(kind, amount, now_s)
        await self._nodes.each(nodes, self._impose)

    async def clock_unbend(self, nodes: Sequence[str]) -> None:
        for name in nodes:
            self._bends.pop(name, None)
        await self._nodes.each([name for name in nodes if name in self._able], self._impose)

    async def clock_offsets(self, nodes: Sequence[str]) -> Mapping[str, float]:
        asked = [name for name in nodes if name not in self._nodes.silent]
        offsets = await asyncio.gather(*(_offset_ms(self._nodes[name]) for name in asked))
        return {name: offset for name, offset in zip(asked, offsets, strict=True) if offset is not None}

    async def booted(self, names: Sequence[str]) -> None:
        """A machine that boots has a true clock."""
        if CLOCK in self._nodes.spec.needs:
            for name in names:
                self._bends.pop(name, None)
            await self._nodes.each(names, self._prepare)

    async def starting(self, names: Sequence[str]) -> None:
        """Nothing to prepare."""

    async def started(self, names: Sequence[str]) -> None:
        """A new program reads the same file."""

    async def met(self) -> Mapping[str, Mapping[str, int]]:
        if not self.capabilities:
            return {}
        await self._false.renew(self._nodes)
        return {name: {CLOCK: self._false[name]} for name in self._nodes.names}

    async def _prepare(self, node: RemoteNode) -> None:
        found = await self._nodes.agent(node.name).run("clock", "look")
        if not found["library"]:
            return
        await node.shell.write(FILE, content(0.0))
        node.environment.update({**settings(found["library"], FILE), TRUE_AHEAD: str(found["ahead_ns"])})
        self._able.add(node.name)

    async def _impose(self, node: RemoteNode) -> None:
        """What is to hold from now on, in the place of what held. A jump needs nobody who goes on."""
        await node.kill_aside(PID_FILE)
        bend = self._bends.get(node.name)
        if bend is None or (not bend.strobe_ms and bend.factor == 1):
            await node.shell.write(FILE, content(0.0 if bend is None else bend.offset_ms))
            return
        figures = (bend.offset_ms, bend.strobe_ms, bend.period_ms, bend.factor, LIFE_S)
        command = (PYTHON, "-S", "-c", BOOT, PROGRAM, "clock", "bend", FILE, *map(str, figures))
        await node.start_aside(PID_FILE, *command)


def settings(library: str, file: str) -> dict[str, str]:
    """The environment of a program whose wall clock is to follow the file."""
    return {
        "LD_PRELOAD": library,
        "FAKETIME_TIMESTAMP_FILE": file,
        "FAKETIME_NO_CACHE": "1",
        "FAKETIME_DONT_FAKE_MONOTONIC": "1",
        "FAKETIME_FORCE_MONOTONIC_FIX": "0",  # or else a thread that waits for another may wait for seconds
        "NO_FAKE_STAT": "1",
    }


async def _offset_ms(node: RemoteNode) -> float | None:
    """What the program's own wall clock says, against ours in the middle of the question."""
    before = time.time_ns()
    status = await node.status(ASK_MS)
    return None if status is None else round((status["wall_ns"] - (before + time.time_ns()) / 2) / 1e6, 3)
