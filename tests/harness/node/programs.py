"""Node programs for the tests of the real host."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from harness.node import CallError, Env, Message


class Echo:
    """Answers everything with what was asked; a type of message for each thing that a test wants to see."""

    def __init__(self, env: Env, options: Mapping[str, str]) -> None:
        self._env, self._options = env, options
        self._received: list[Any] = []

    async def start(self) -> None:
        assert "fail_start" not in self._options, "asked to fail at the start"

    def status(self) -> Message:
        return {"leader": None, "received": len(self._received)}

    async def handle(self, source: str, message: Message) -> Message | None:
        act = getattr(self, f"_{message.get('type', 'echo')}")
        reply: Message | None = await act(source, message)
        return reply

    async def _echo(self, source: str, message: Message) -> Message:
        return {"source": source, "echo": message}

    async def _note(self, source: str, message: Message) -> None:
        self._received.append([source, message["value"]])

    async def _notes(self, source: str, message: Message) -> Message:
        return {"notes": self._received}

    async def _send(self, source: str, message: Message) -> Message:
        for value in range(message["from"], message["from"] + message["count"]):
            self._env.send(message["to"], {"type": "note", "value": value})
        return {}

    async def _forward(self, source: str, message: Message) -> Message:
        try:
            return {"reply": await self._env.call(message["to"], message["message"], message["timeout_ms"])}
        except CallError as error:
            return {"error": type(error).__name__, "text": str(error)}

    async def _quorum(self, source: str, message: Message) -> Message:
        replies = []
        asked = self._env.quorum(message["peers"], message["message"], message["timeout_ms"])
        async for peer, reply in asked:
            replies.append([peer, type(reply).__name__ if isinstance(reply, CallError) else reply])
            if len(replies) == message["needed"]:
                break
        return {"replies": replies}

    async def _sleep(self, source: str, message: Message) -> Message:
        await self._env.sleep(message["ms"])
        return {"slept": message["ms"]}

    async def _silence(self, source: str, message: Message) -> None:
        return None

    async def _large(self, source: str, message: Message) -> Message:
        return {"data": "x" * message["bytes"]}

    async def _fail(self, source: str, message: Message) -> Message:
        assert message.get("value"), "asked to fail"
        raise RuntimeError("asked to fail otherwise")

    async def _fail_task(self, source: str, message: Message) -> Message:
        self._env.spawn(self._fail(source, message), "failing")
        return {}

    async def _about(self, source: str, message: Message) -> Message:
        env = self._env
        code = env.hmac(b"message")
        return {
            "name": env.name, "role": env.role, "nodes": env.nodes, "peers": env.peers, "incarnation": env.incarnation,
            "random": env.random("stream").random(), "again": env.random("stream").random(),
            "other": env.random("other").random(), "bug": env.bug("planted"), "options": dict(self._options),
            "hmac": [env.hmac_valid(node, b"message", code) for node in env.nodes],
        }  # fmt: skip

    async def _disk_append(self, source: str, message: Message) -> Message:
        self._env.disk.append(message["file"], message["data"].encode())
        await self._env.disk.sync(message["file"])
        await self._env.disk.sync_dir()
        return {"size": self._env.disk.size(message["file"])}

    async def _disk_read(self, source: str, message: Message) -> Message:
        return {"data": self._env.disk.read(message["file"]).decode()}

    async def _announce(self, source: str, message: Message) -> Message:
        self._env.event("announced", value=message["value"])
        self._env.count("announced")
        self._env.gauge("value", message["value"])
        self._env.sometimes("announced")
        return {}

    async def _pass(self, source: str, message: Message) -> Message:
        await self._env.failpoint(message["failpoint"])
        return {}
