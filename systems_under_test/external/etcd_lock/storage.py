"""The resource that the lock is to protect: a node that keeps lists, each read and replaced as a whole.

With ``fencing=on`` it knows the newest token that it has been shown of each list, and refuses older ones. Reads show
theirs, too, and are refused: what is replaced later was computed from them, and an old holder that came in between the
new one's read and its write would be overwritten, though it was told that all was well.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from harness.node import Env, Message

from systems_under_test.blocks.durable_cell import DurableCell

FENCED: Final = "fenced"


class Storage:
    """Serves ``get`` and ``put`` of a list to holders of its lock, ``read`` of all lists to anybody."""

    def __init__(self, env: Env, options: Mapping[str, str]) -> None:
        self._env = env
        self._is_fenced = options["fencing"] == "on"
        self._cell = DurableCell(env.disk, "lists")
        self._lists: dict[str, list[Any]] = {}
        self._newest: dict[str, int] = {}  # list -> token

    async def start(self) -> None:
        kept = await self._cell.load() or {"lists": {}, "newest": {}}
        self._lists, self._newest = kept["lists"], kept["newest"]

    async def handle(self, source: str, message: Message) -> Message:
        if message["f"] == "read":
            return {"value": [element for _, each in sorted(self._lists.items()) for element in each]}
        name, token = message["list"], message["token"]
        if self._is_fenced and token < self._newest.get(name, 0):
            self._env.event("fenced", list=name, token=token, newest=self._newest[name])
            return {"error": FENCED}
        self._newest[name] = max(token, self._newest.get(name, 0))
        if message["f"] == "put":
            self._lists[name] = message["value"]
        value = self._lists.get(name, [])
        await self._cell.save({"lists": self._lists, "newest": self._newest})
        return {"value": value}

    def status(self) -> Message:
        return {"role": "storage", "leader": None, "term": 0, "newest": dict(self._newest)}
