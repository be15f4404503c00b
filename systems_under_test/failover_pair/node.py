"""The node program of primary and standby: who serves, and what a node does that does not hear the other.

The primary takes all requests, and acknowledges what both have on their disks (``replication=async``: what it has on
its own; what the standby lacks then is lost when that takes over). It cannot know why the other is silent:
dead, slow, or cut off and about to take over. So whoever wants to go on without the other first has it ordered off at
the switch; once that is done, nobody else serves, and to be alone is safe.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from harness.node import CallError, Env, Message

from systems_under_test.blocks.condition import Condition
from systems_under_test.blocks.corruption import Corruption
from systems_under_test.blocks.failure_detector import FixedTimeout
from systems_under_test.blocks.heartbeat import beat
from systems_under_test.blocks.replicated_log import Position
from systems_under_test.blocks.request_try import TriesTakenUp
from systems_under_test.blocks.request_waiting_list import RequestWaitingList, WaitingListFull
from systems_under_test.failover_pair.power import Power
from systems_under_test.failover_pair.replica import Replica
from systems_under_test.failover_pair.shipping import BEAT_MS, Shipping
from systems_under_test.failover_pair.standing import Standing

LOOK_MS: Final = 20
SILENT_MS: Final = 300
ORDER_MS: Final = 600
UNAVAILABLE: Final[Message] = {"error": "unavailable"}


class Node:
    """:class:`harness.node.Program`; the options are those of ``SYSTEM``. A node without current does nothing and
    answers nobody ("unavailable" stands for the connection that cannot be made)."""

    def __init__(self, env: Env, options: Mapping[str, str]) -> None:
        self._env, self._automatic = env, options["failover"] == "automatic"
        self._tries = TriesTakenUp()
        (self._other,), self._switch = env.peers, env.nodes[2]
        self._waits = options["replication"] == "sync"
        self._replica, self._standing = Replica(env, keeps=self._waits), Standing(env.disk)
        self._log = self._replica.log
        self._power = Power(env, self._switch, self._switched_on)
        self._detector = FixedTimeout(env.clock, SILENT_MS)
        self._shipping = Shipping(env, self._other, self._replica, self._standing, self._leads, self._detector.heard,
                                  self._advance)  # fmt: skip
        self._waiting: RequestWaitingList[int, Message] = RequestWaitingList(env)
        self._grown = Condition(env)
        self._settled = 0  # the end of the log when this node became the primary, or was restarted as such
        self._orders = self._corrupt = False

    async def start(self) -> None:
        try:
            await self._log.open()
            await self._standing.load()
        except Corruption as error:
            self._corrupt = True
            self._env.event("disk-corrupt", error=str(error))
            return
        self._power.cycle, self._settled = self._standing.cycle, self._log.last
        self._detector.heard()
        self._env.spawn(self._power.keep(), "power")
        self._env.spawn(self._watch(), "watch")
        self._env.spawn(self._sync_loop(), "sync")
        self._env.spawn(self._shipping.serve(), "ship")
        self._env.spawn(beat(self._env, BEAT_MS, lambda: True, self._beat), "beat")

    async def handle(self, source: str, message: Message) -> Message | None:
        kind = message["type"]
        if kind == "request" and not self._tries.take_up(source, message):
            return None
        if self._corrupt or not self._power.is_on:
            return UNAVAILABLE if kind == "request" else None
        match kind:
            case "request":
                return await self._request(message)
            case "ship":
                return await self._store(message)
            case "look":
                return {"serving": self._serves, "whole": self._standing.whole, "alone": self._standing.alone}
            case "promote":
                return {"promoted": await self._take_over(message["generation"])}
        return {"error": "unsupported"}

    def status(self) -> Message:
        on = self._power.is_on and not self._corrupt
        return {
            "leader": self._env.name if self._leads() else self._other, "term": self._standing.generation,
            "role": "corrupt" if self._corrupt else ("primary" if self._standing.is_primary else "standby") if on
            else "off",
            "serving": self._serves, "whole": self._standing.whole, "alone": self._standing.alone,
            "last": self._log.last, "applied": self._replica.applied,
        }  # fmt: skip

    def _leads(self) -> bool:
        return self._standing.is_primary and self._power.is_on

    @property
    def _serves(self) -> bool:
        """Whether all that was ever acknowledged is applied here, and nobody else serves."""
        return self._leads() and self._replica.applied >= self._settled

    # Requests

    async def _request(self, message: Message) -> Message:
        if message["f"] == "dump":
            return self._replica.dump()
        if not self._leads():
            return {"error": "not-leader", "leader": self._other}
        if not self._serves:
            return UNAVAILABLE
        return self._replica.read(message["key"]) if message["f"] == "read" else await self._write(message)

    async def _write(self, message: Message) -> Message:
        """Answered when it is on both disks; or, if this node is alone, on its own."""
        command = {name: message.get(name) for name in ("client", "sequence", "f", "key", "value")}
        try:
            reply = self._waiting.add(self._log.last + 1)
        except WaitingListFull:
            return UNAVAILABLE
        self._append(command)
        return await reply

    def _append(self, command: Mapping[str, Any] | None) -> None:
        self._log.append({"generation": self._standing.generation, "command": command})
        self._grown.notify()

    async def _sync_loop(self) -> None:
        while True:
            if self._log.durable == self._log.last:
                await self._grown.wait()
            await self._log.sync()
            self._shipping.wake()
            self._advance()

    def _beat(self) -> None:
        """Even where nothing is written: the standby hears something, and a primary that was restarted goes on."""
        self._shipping.wake()
        self._advance()

    def _advance(self) -> None:
        """Acknowledge what is on as many disks as it must be."""
        if not self._leads() or not self._standing.durable:
            return
        durable = self._log.durable
        waits = self._waits and not self._standing.alone
        for index, reply in self._replica.apply(self._both(durable) if waits else durable):
            self._waiting.answer(index, reply)

    def _both(self, durable: int) -> int:
        return max(min(durable, self._shipping.stored), self._replica.applied)

    async def _store(self, message: Message) -> Message:
        """As the standby. The reply says since when this one is on; a message from before does not make it whole."""
        generation, cycle = message["generation"], self._standing.cycle
        refused = {"outcome": "refused", "cycle": cycle}
        if self._standing.is_primary or generation < self._standing.generation:
            return refused
        self._detector.heard()
        previous = Position(*message["previous"])
        end = await self._replica.store(previous, message["entries"])
        if self._standing.is_primary or generation < self._standing.generation or cycle != self._standing.cycle:
            return refused
        if end is None:
            return {"outcome": "mismatch", "position": self._log.common_point(previous).as_json(), "cycle": cycle}
        self._replica.apply(max(min(end, message["applied"]), self._replica.applied))
        told = message["whole"] and message["cycle"] == cycle and end >= message["applied"]
        await self._standing.follow(generation, is_whole=told)
        return {"outcome": "stored", "cycle": cycle}

    # The other one

    async def _watch(self) -> None:
        """For as long as the node lives, if failover is automatic: do not wait for one that is silent."""
        while self._automatic:
            await self._env.sleep(LOOK_MS)
            waits = self._standing.whole and not self._standing.alone
            if self._power.is_on and waits and self._detector.suspects():
                await self._order_off()

    async def _order_off(self) -> None:
        """Shoot the other node in the head, and be the only one. What the switch refuses, it refuses to a loser."""
        cycle = self._standing.cycle
        order = {"type": "off", "node": self._other, "cycle": cycle}
        self._env.event("ordered-off", ordered=self._other)
        try:
            reply = await self._env.call(self._switch, order, ORDER_MS)
        except CallError:
            return
        if reply["done"] and cycle == self._standing.cycle:
            await self._take_over(reply["number"])

    async def _take_over(self, generation: int) -> bool:
        """The other is off, if it was not switched on again since. Whether this node serves alone from now on."""
        late = generation <= max(self._standing.generation, self._standing.other)
        if late or not self._power.is_on or not self._standing.whole:
            return False
        if promoted := not self._standing.is_primary:
            self._settled = self._log.last  # at once: what only the other had applied is not applied here
        await self._standing.take_over(generation)
        if not self._standing.is_primary or self._standing.generation != generation:
            return False  # switched off and on again, while it was saved
        self._lead(promoted=promoted)
        return True

    def _lead(self, *, promoted: bool) -> None:
        self._shipping.begin()
        self._append(None)  # what only the other one had, and nobody acknowledged, has no place any more
        self._settled = self._log.last if promoted else self._settled
        self._env.event("became-leader", generation=self._standing.generation)

    async def _switched_on(self, cycle: int, part: str) -> None:
        self._waiting.answer_all({"error": "unknown"})
        self._settled = self._log.last
        await self._standing.switched_on(cycle, part)
        self._detector.heard()
        if self._standing.is_primary:
            self._lead(promoted=True)
