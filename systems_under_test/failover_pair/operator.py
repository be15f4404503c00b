"""The person who is called when nobody serves: comes after a while, looks, and gives the orders that a machine should
not give by itself.

With ``failover=manual`` that is how a standby is promoted; with automatic failover, how a pair whose nodes have shot
each other comes back. Who serves alone gets its other half back, too. ``operator-ms`` is how long it takes until
somebody is awake, has looked and is sure; 0: nobody ever comes.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from harness.node import CallError, Env, Message

from systems_under_test.failover_pair.switch import PRIMARY, STANDBY

LOOK_MS: Final = 50
CALL_MS: Final = 100
ORDER_MS: Final = 600


class Operator:
    """:class:`harness.node.Program` of that person."""

    def __init__(self, env: Env, options: Mapping[str, str]) -> None:
        self._env, self._patience_ms = env, float(options["operator-ms"])
        self._pair, self._switch = env.nodes[:2], env.nodes[2]
        self._served_ns = env.clock.monotonic()

    async def start(self) -> None:
        if self._patience_ms:
            self._env.spawn(self._watch(), "operator")

    async def handle(self, source: str, message: Message) -> Message | None:
        return {"error": "no-leader", "leader": None} if message["type"] == "request" else {"error": "unsupported"}

    def status(self) -> Message:
        return {"leader": None, "role": "operator", "term": 0}

    async def _watch(self) -> None:
        while True:
            await self._env.sleep(LOOK_MS)
            seen = await self._look()
            if any(node["serving"] for node in seen.values()):
                self._served_ns = self._env.clock.monotonic()
                await self._repair()
            elif self._env.clock.monotonic() - self._served_ns >= self._patience_ms * 1e6:
                await self._restore(seen)
                self._served_ns = self._env.clock.monotonic()  # and waits what comes of it

    async def _look(self) -> dict[str, Message]:
        """What the nodes that answer say of themselves."""
        replies = self._env.quorum(self._pair, {"type": "look"}, CALL_MS)
        return {node: reply async for node, reply in replies if not isinstance(reply, CallError)}

    async def _call(self, node: str, message: Message) -> Mapping[str, Any]:
        try:
            return await self._env.call(node, message, ORDER_MS)
        except CallError:
            return {}

    async def _sockets(self) -> Mapping[str, Any]:
        return dict((await self._call(self._switch, {"type": "look"})).get("sockets", {}))

    async def _order(self, seen: Mapping[str, Any], order: Message) -> Mapping[str, Any]:
        """To the switch, which refuses it if anything was switched since those sockets were seen."""
        numbers = {node: socket["number"] for node, socket in seen.items()}
        return await self._call(self._switch, {**order, "seen": numbers})

    async def _repair(self) -> None:
        """Somebody serves; who was shot may come back, and catch up."""
        sockets = await self._sockets()
        for node, socket in sockets.items():
            if not socket["on"]:
                await self._order(sockets, {"type": "on", "node": node, "part": STANDBY})

    async def _restore(self, seen: Mapping[str, Message]) -> None:
        """Nobody serves. Who is whole is promoted when the other is off. If both are off, who was shot last has
        everything: the other one could not acknowledge anything any more."""
        sockets = await self._sockets()
        if sockets and not any(socket["on"] for socket in sockets.values()):
            last = max(sockets, key=lambda node: sockets[node]["number"])
            await self._order(sockets, {"type": "on", "node": last, "part": PRIMARY})
            return
        whole = [node for node in sorted(seen) if seen[node]["whole"]]
        if sockets and whole:
            await self._promote(whole[0], sockets)

    async def _promote(self, node: str, sockets: Mapping[str, Any]) -> None:
        other = next(each for each in self._pair if each != node)
        reply = await self._order(sockets, {"type": "off", "node": other})
        if reply.get("done"):
            await self._call(node, {"type": "promote", "generation": reply["number"]})
