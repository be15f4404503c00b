"""What has arrived at a replica and no turn has taken yet: messages of servers, requests of clients and operators.

It is bounded. Who asks too much is told so (``Replica`` counts what is ``waiting``); a message too many is lost, as
messages may be.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from harness.node import Env, Future, Message

from systems_under_test.blocks.condition import Condition
from systems_under_test.blocks.raft.core import ChangeMembers, HandOver, Receive
from systems_under_test.blocks.raft.order import Order

MESSAGES_MAX: Final = 10_000


@dataclass(frozen=True, slots=True)
class Waiting:
    """A command, or a read."""

    request: Message
    reply: Future[Message]


class Inbox:
    """Each ``take`` empties what it takes. ``arrival`` is notified of everything."""

    def __init__(self, env: Env) -> None:
        self._env = env
        self._messages: list[Receive] = []
        self._writes: list[Waiting] = []
        self._reads: list[Waiting] = []
        self._orders: list[Order] = []
        self.arrival = Condition(env)

    @property
    def is_empty(self) -> bool:
        return not (self._messages or self._writes or self._reads or self._orders)

    @property
    def waiting(self) -> int:
        """Requests and orders, whose senders all want an answer."""
        return len(self._writes) + len(self._reads) + len(self._orders)

    def add_message(self, message: Receive) -> None:
        if len(self._messages) >= MESSAGES_MAX:
            self._env.count("raft.dropped")
            return
        self._messages.append(message)
        self.arrival.notify()

    async def add_write(self, request: Message) -> Message:
        """Returns the reply, once there is one."""
        return await self._wait(self._writes, request)

    async def add_read(self, request: Message) -> Message:
        return await self._wait(self._reads, request)

    async def _wait(self, queue: list[Waiting], request: Message) -> Message:
        waiting = Waiting(request, self._env.future())
        queue.append(waiting)
        self.arrival.notify()
        return await waiting.reply

    async def add_order(self, event: HandOver | ChangeMembers) -> Message:
        order = Order(event, self._env.future())
        self._orders.append(order)
        self.arrival.notify()
        return await order.reply

    def take_messages(self) -> list[Receive]:
        """All of them, but for the rare turn that takes one."""
        alone = len(self._messages) > 1 and self._env.sometimes("one-message-turn")
        count = 1 if alone else len(self._messages)
        taken, self._messages = self._messages[:count], self._messages[count:]
        return taken

    def take_requests(self) -> tuple[list[Waiting], list[Waiting]]:
        """Commands, and reads."""
        taken = self._writes, self._reads
        self._writes, self._reads = [], []
        return taken

    def take_orders(self) -> list[Order]:
        taken, self._orders = self._orders, []
        return taken
