"""An outside cache, beside the database: rows by their ids, kept from the first look on.

It is right as long as an id means the same row for ever. Nobody tells it when a failover takes rows back.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from harness.node import CallError, Env, Message

from systems_under_test.blocks.key_value import canonical

CALL_MS: Final = 200
UNAVAILABLE: Final[Message] = {"error": "unavailable"}


class Cache:
    """:class:`harness.node.Program`; in memory only, like most caches."""

    def __init__(self, env: Env, options: Mapping[str, str]) -> None:
        self._env, self._pair = env, env.nodes[:2]
        self._rows: dict[str, Any] = {}

    async def start(self) -> None:
        """It starts empty."""

    async def handle(self, source: str, message: Message) -> Message | None:
        if message["type"] != "request":
            return {"error": "unsupported"}
        return await self._look_up(message["key"]) if message["f"] == "look-up" else {"error": "no-leader"}

    def status(self) -> Message:
        return {"leader": None, "role": "cache", "term": 0, "rows": len(self._rows)}

    async def _look_up(self, key: Any) -> Message:
        """The row; from the database if it is not here yet."""
        name = canonical(key)
        if name in self._rows:
            self._env.count("cache-hit")
            return {"value": self._rows[name]}
        async for _, reply in self._env.quorum(self._pair, {"type": "request", "f": "read", "key": key}, CALL_MS):
            if not isinstance(reply, CallError) and "value" in reply:
                if reply["value"] is not None:
                    self._rows.setdefault(name, reply["value"])
                return {"value": self._rows.get(name)}
        return UNAVAILABLE
