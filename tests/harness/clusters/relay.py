"""A node program for tests of clusters: says who it is, or asks another node to."""

from __future__ import annotations

from collections.abc import Mapping

from harness.node import CallError, Env, Message


class Relay:
    def __init__(self, env: Env, options: Mapping[str, str]) -> None:
        self._env, self._options = env, options

    async def start(self) -> None:
        assert self._options.get("fail") != self._env.name, "told to fail"

    async def handle(self, source: str, message: Message) -> Message:
        if "to" not in message:
            return {"node": self._env.name, "source": source, "incarnation": self._env.incarnation}
        try:
            return await self._env.call(message["to"], {}, message.get("timeout_ms", 1000))
        except CallError as error:
            return {"error": type(error).__name__}

    def status(self) -> Message:
        return {"leader": "n1", "options": dict(self._options)}
