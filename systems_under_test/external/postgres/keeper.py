"""The node program beside a PostgreSQL server: makes it what it was last ordered to be, and says what it is.

An *order* has a term and names the primary, or nobody. Newer terms win; within a term nobody may become somebody, once.
An order is on the disk before it is obeyed or answered for, so a node that was told of term 7 follows no primary of
term 6 any more, whatever happens to it: that is what a controller counts on (``controller``).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Final

from harness.node import Message
from harness.node.machine import CommandError, MachineEnv

from systems_under_test.blocks.durable_cell import DurableCell
from systems_under_test.external.postgres.server import Observation, Server

FIRST_TERM: Final = 1
POLL_MS: Final = 400
SPARE: Final = "spare"
PRIMARY, STANDBY, DETACHED, BUSY = "primary", "standby", "detached", "busy"
"""What a node is: the primary; a standby that streams from it; one that streams from nobody and has replayed all that
it has; or on its way to one of these. Without replication all but one node have nothing to do: they are spare."""


@dataclass(frozen=True, slots=True)
class Order:
    """``joined``: the term of the primary whose database this node has, or has copied."""

    term: int
    leader: str | None
    joined: int = 0

    def allows(self, term: int, leader: str | None) -> bool:
        """Whether it may be replaced by that one."""
        return term > self.term or (term == self.term and self.leader is None and leader is not None)


def quorum(nodes: int) -> int:
    """How many standbys confirm a commit where replication is synchronous: with the primary they are a majority."""
    return nodes // 2


class Keeper:
    """:class:`harness.node.Program`; the options are those of ``SYSTEM``. ``server`` makes what it keeps."""

    def __init__(
        self, env: MachineEnv, options: Mapping[str, str], server: Callable[[MachineEnv, str], Server] = Server
    ) -> None:
        self._env = env
        members = [node for node in env.nodes if node == env.name or node in env.peers]
        self._spare = options["replication"] == "none" and env.name != members[0]
        synchronous = options["replication"] == "sync" and len(members) > 1
        standbys = f"ANY {quorum(len(members))} ({', '.join(members)})" if synchronous else ""
        self._server = server(env, standbys)
        self._cell = DurableCell(env.disk, "order.json")
        self._order = Order(FIRST_TERM, members[0])
        self._seen: Observation | None = None

    async def start(self) -> None:
        if self._spare:
            return
        kept = await self._cell.load()
        if kept is not None:
            self._order = Order(**kept)
        self._env.spawn(self._keep(), "keeper")

    def status(self) -> Message:
        role = self._role()
        seen = self._seen
        return {
            "leader": self._order.leader,
            "term": self._order.term,
            "role": role,
            "ready": role in (PRIMARY, STANDBY, SPARE),
            "log": [seen.term, seen.position] if seen is not None else [0, 0],
        }

    async def handle(self, source: str, message: Message) -> Message | None:
        match message.get("type"):
            case "look":
                return self.status()
            case "order" if not self._spare:
                await self._accept(message["term"], message["leader"])
                return self.status()
        return {"error": "unsupported"}

    async def _accept(self, term: int, leader: str | None) -> None:
        if self._order.allows(term, leader):
            self._order, self._seen = replace(self._order, term=term, leader=leader), None
            self._env.event("ordered", term=term, leader=leader)
            await self._cell.save(asdict(self._order))

    def _role(self) -> str:
        if self._spare:
            return SPARE
        seen = self._seen
        if seen is None:
            return BUSY
        if self._order.leader is None:
            return DETACHED if seen.recovering and seen.waiting else BUSY
        if self._order.leader == self._env.name:
            return BUSY if seen.recovering else PRIMARY
        return STANDBY if seen.recovering and seen.streaming else BUSY

    async def _keep(self) -> None:
        """Obey the last order, and look what has become of it, for ever."""
        obeyed: tuple[int, str | None] | None = None
        complaint = ""
        while True:
            order = self._order
            seen = None
            try:
                if obeyed != (order.term, order.leader):
                    await self._obey(order)
                    obeyed = order.term, order.leader
                seen = await self._server.observe()
            except CommandError as error:
                if str(error) != complaint:
                    self._env.log(f"{order}: {error}")
                complaint = str(error)
            if (order.term, order.leader) == (self._order.term, self._order.leader):
                self._seen = seen
            await self._env.sleep(POLL_MS)

    async def _obey(self, order: Order) -> None:
        """Raises CommandError; it is tried again then."""
        if order.leader == self._env.name:
            await self._lead(order)
        else:
            await self._follow(order)

    async def _lead(self, order: Order) -> None:
        server = self._server
        if not server.has_data and order.term == FIRST_TERM:
            await server.initialise()
        if not server.runs:
            await server.start()
        await server.promote()
        await server.begin_term(order.term)
        if order.joined != order.term:
            self._env.event("became-leader", term=order.term)
        await self._joined(order.term)

    async def _follow(self, order: Order) -> None:
        server = self._server
        await server.stop()
        if order.leader is not None and (order.joined != order.term or not server.has_data):
            await server.copy(order.leader)
            await self._joined(order.term)
        if server.has_data:
            await server.start_standby(order.leader)

    async def _joined(self, term: int) -> None:
        self._order = replace(self._order, joined=term)
        await self._cell.save(asdict(self._order))
