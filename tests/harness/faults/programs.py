"""Node programs for the tests of the faults."""

from __future__ import annotations

from collections.abc import Mapping

from harness.node import CallError, Env, Message

PERIOD_MS = 20.0


class Heartbeats:
    """Each node tells all others that it lives; with ``ask=yes`` it wants an answer, too. The first node leads."""

    def __init__(self, env: Env, options: Mapping[str, str]) -> None:
        self._env, self._options = env, options

    async def start(self) -> None:
        for peer in self._env.peers:
            self._env.spawn(self._beat(peer), f"beat-{peer}")

    async def _beat(self, peer: str) -> None:
        while True:
            if self._options["ask"] == "yes":
                try:
                    await self._env.call(peer, {"type": "beat"}, 100)
                except CallError:
                    self._env.count("missed")
            elif self._options["ask"] == "no":
                self._env.send(peer, {"type": "beat"})
            await self._env.sleep(PERIOD_MS)

    def status(self) -> Message:
        return {"leader": self._env.nodes[0]}

    async def handle(self, source: str, message: Message) -> Message:
        if message.get("type") == "vote":
            self._env.event("voted")
            self._env.log("vote: granted (of course)")
        return {}
