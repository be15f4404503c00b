"""The process outside, of trigger-based replication: polls the change table and writes what it finds elsewhere.

It keeps nothing: how far a database has come is written there, together with the changes. So it may be killed at any
moment, and may send anything twice.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from harness.node import CallError, Env, Message

from systems_under_test.replication_log.target import NUMBER

POLL_MS: Final = 50
CALL_MS: Final = 400


class Replicator:
    """:class:`harness.node.Program`: from the first database to all others; idle unless ``log=trigger``."""

    def __init__(self, env: Env, options: Mapping[str, str]) -> None:
        self._env = env
        self._source = env.nodes[0]
        others = tuple(node for node in env.nodes if node not in (self._source, env.name))
        self._targets = others if options["log"] == "trigger" else ()

    async def start(self) -> None:
        for target in self._targets:
            self._env.spawn(self._replicate(target), f"replicate-{target}")

    async def handle(self, source: str, message: Message) -> Message | None:
        return {"error": "unsupported"}

    def status(self) -> Message:
        return {"leader": self._source, "role": "replicator"}

    async def _replicate(self, target: str) -> None:
        while True:
            try:
                await self._step(target)
            except CallError:
                self._env.count("replicator.retries")
            await self._env.sleep(POLL_MS)

    async def _step(self, target: str) -> None:
        """Ask the target how far it is, the source for what comes next, and bring that to the target."""
        position = await self._env.call(target, {"type": "position"}, CALL_MS)
        found = await self._env.call(self._source, {"type": "changes", "after": position[NUMBER]}, CALL_MS)
        if found["changes"]:
            message = {"type": "take", "first": position[NUMBER] + 1, "changes": found["changes"]}
            await self._env.call(target, message, CALL_MS)
