"""Node programs for the tests of blocks."""

from __future__ import annotations

import json
from collections.abc import Mapping

from harness.node import Env, Message


class Scripted:
    """Answers requests by the script in its option, a JSON list of replies, "silence" or "die"; repeats the last.

    {"type": "seen"} gives the requests it has met.
    """

    def __init__(self, env: Env, options: Mapping[str, str]) -> None:
        self._script = json.loads(options[env.name])
        self._seen: list[Message] = []

    async def start(self) -> None:
        """Nothing to recover."""

    def status(self) -> Message:
        return {"leader": None}

    async def handle(self, source: str, message: Message) -> Message | None:
        if message["type"] == "seen":
            return {"seen": self._seen}
        self._seen.append({**message, "source": source})
        reply = self._script.pop(0) if len(self._script) > 1 else self._script[0]
        assert reply != "die", "the script says so"
        return None if reply == "silence" else dict(reply)
