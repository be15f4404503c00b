"""The process outside, of trigger-based replication: polls the change table and writes what it finds elsewhere.

It keeps nothing on its disk: how far a database has come is written there, together with the changes. So it may be
killed at any moment, and may send anything twice.
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
        number: int | None = None  # of the last change that the target has; None: it must be asked
        while True:
            try:
                number = await self._step(target, number)
            except CallError:
                number = None
            await self._env.sleep(POLL_MS)

    async def _step(self, target: str, number: int | None) -> int:
        """Bring what comes next from the source to the target; returns how far that is now."""
        if number is None:
            number = int((await self._env.call(target, {"type": "position"}, CALL_MS))[NUMBER])
        found = await self._env.call(self._source, {"type": "changes", "after": number}, CALL_MS)
        if not found["changes"]:
            return number
        message = {"type": "take", "first": number + 1, "changes": found["changes"]}
        return int((await self._env.call(target, message, CALL_MS))[NUMBER])
