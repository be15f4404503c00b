"""The power switch of the pair: each node may order the other off ("shoot the other node in the head"), and people may
order nodes on again.

``obedient``: it carries out every order, also that of a node which another order has doomed already (but none that is
older than the current of whoever gave it, and was long under way). Two nodes that do not hear each other both order,
and none is left. ``arbiter``: whoever asks first is granted the order, and is then the only one; who is doomed has
lost, and is told so. ``stuck``: the relay does not move, and the switch says that it did; then both go on, each for the
only one.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from harness.node import Env, Message

from systems_under_test.blocks.durable_cell import DurableCell
from systems_under_test.failover_pair.power import LEASE_MS

CUT_MS: Final = 100  # from an order to the click of the relay
DRAIN_MS: Final = LEASE_MS + 10
PRIMARY: Final = "primary"
STANDBY: Final = "standby"


class Switch:
    """:class:`harness.node.Program`. ``number`` counts all that was switched; of each node it is kept whether it is on,
    the number of the last change (its ``cycle``, while it is on), and as what it was switched on. Off is off, whoever
    restarts: nobody is told anything that a crash of the switch would take back."""

    def __init__(self, env: Env, options: Mapping[str, str]) -> None:
        self._env, self._arbiter, self._stuck = env, options["switch"] == "arbiter", options["switch"] == "stuck"
        self._cell = DurableCell(env.disk, "switch")
        self._pair = env.nodes[:2]
        self._number = 1
        self._sockets: dict[str, dict[str, Any]] = {
            node: {"on": True, "number": 1, "part": part}
            for node, part in zip(self._pair, (PRIMARY, STANDBY), strict=True)
        }
        self._doomed: set[str] = set()
        self._durable: Mapping[str, Any] = self._state()

    async def start(self) -> None:
        state = await self._cell.load()
        if state is not None:
            self._number, self._sockets = state["number"], state["sockets"]
            self._durable = self._state()

    async def handle(self, source: str, message: Message) -> Message | None:
        match message["type"]:
            case "power":
                socket = self._durable["sockets"][source]
                return {"on": socket["on"], "cycle": socket["number"], "part": socket["part"]}
            case "off":
                return await self._off(source, message)
            case "on":
                return await self._on(message["node"], message["part"], message["seen"])
            case "look":
                return {"sockets": self._durable["sockets"]}
            case "request":
                return {"error": "no-leader", "leader": None}
        return {"error": "unsupported"}

    def status(self) -> Message:
        return {"leader": None, "role": "switch", "term": self._durable["number"],
                "on": [node for node, socket in self._durable["sockets"].items() if socket["on"]]}  # fmt: skip

    def _has_lost(self, source: str, message: Message) -> bool:
        """Whether the one who orders was off since it gave the order; or, for the arbiter, is off or about to be. A
        person loses to whatever was switched since that person looked."""
        socket = self._sockets.get(source)
        if socket is None:
            return not self._is_as(message["seen"])
        if socket["on"] and message["cycle"] != socket["number"]:
            return True
        return self._arbiter and (source in self._doomed or not socket["on"])

    def _is_as(self, seen: Mapping[str, int]) -> bool:
        """Whether nothing was switched since somebody saw these numbers: an order may have been long under way."""
        return {node: socket["number"] for node, socket in self._sockets.items()} == seen

    async def _off(self, source: str, message: Message) -> Message:
        """When it answers that it is done, that node has no current; ``number`` is the change's."""
        if self._has_lost(source, message):
            self._env.event("order-refused", source=source)
            return {"done": False}
        if self._stuck:
            self._number += 1
            return {"done": True, "number": self._number}
        node = message["node"]
        self._doomed.add(node)
        await self._env.sleep(CUT_MS)
        socket = self._sockets[node]
        was_on = socket["on"]
        if was_on:
            self._number += 1
            socket.update(on=False, number=self._number)
        await self._save()
        if was_on:
            self._env.event("switched-off", switched=node, source=source, number=socket["number"])
        await self._env.sleep(DRAIN_MS)
        return {"done": not socket["on"], "number": socket["number"]}

    async def _on(self, node: str, part: str, seen: Mapping[str, int]) -> Message:
        """Not before every node that was ordered off is dark; and as the standby only of one that is there to stay."""
        await self._env.sleep(DRAIN_MS)
        (other,) = (each for each in self._pair if each != node)
        stays, is_off = self._sockets[other]["on"] and other not in self._doomed, not self._sockets[other]["on"]
        if self._sockets[node]["on"] or not (stays if part == STANDBY else is_off) or not self._is_as(seen):
            return {"done": False}
        self._number += 1
        self._doomed.discard(node)
        self._sockets[node] = socket = {"on": True, "number": self._number, "part": part}
        await self._save()
        self._env.event("switched-on", switched=node, part=part, number=socket["number"])
        return {"done": True}

    def _state(self) -> Mapping[str, Any]:
        return {"number": self._number, "sockets": {node: dict(socket) for node, socket in self._sockets.items()}}

    async def _save(self) -> None:
        """What is ordered now is durable on return, and told from then on. Saves may overlap."""
        state = self._state()
        await self._cell.save(state)
        self._durable = max(self._durable, state, key=lambda each: each["number"])
