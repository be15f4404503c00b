"""A node program for tests of links: sends numbered messages when asked to, and tells which it took up, in order."""

from __future__ import annotations

from collections.abc import Mapping

from harness.node import Env, Message


class Numbers:
    def __init__(self, env: Env, options: Mapping[str, str]) -> None:
        self._env = env
        self._taken: dict[str, list[int]] = {}

    async def start(self) -> None:
        """Nothing to recover."""

    async def handle(self, source: str, message: Message) -> Message | None:
        if message["type"] == "number":
            self._taken.setdefault(source, []).append(message["number"])
        elif message["type"] == "send":
            for number in range(message["count"]):
                self._env.send(message["to"], {"type": "number", "number": number})
                await self._env.sleep(1)
        elif message["type"] == "forget":
            self._taken.clear()
        elif message["type"] == "work":
            begin_ns = self._env.clock.monotonic()
            await self._env.work(message["ms"])
            return {"ms": (self._env.clock.monotonic() - begin_ns) / 1e6}
        return {}

    def status(self) -> Message:
        return {"taken": self._taken}
