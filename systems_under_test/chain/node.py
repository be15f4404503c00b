"""The node program of a replica: its place in the chain, and which message goes where.

* An update enters at the head, flows down the chain, each replica storing it before it forwards it, and is committed
  when the tail has stored it. That is acknowledged up the chain, and the head answers the client.
* A query is answered by the tail; apportioned (CRAQ), by any replica: from its own copy if no update of the object is
  under way there, otherwise after asking the tail what is committed.
* A replica speaks in one epoch, and is refused by whoever is in another.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from harness.node import Env, Message

from systems_under_test.blocks.corruption import Corruption
from systems_under_test.blocks.request_try import TriesTakenUp
from systems_under_test.blocks.request_waiting_list import RequestWaitingList, WaitingListFull
from systems_under_test.chain.bug import REPAIR_DOES_NOT_RESEND
from systems_under_test.chain.downstream import Downstream
from systems_under_test.chain.history import History
from systems_under_test.chain.membership import Membership
from systems_under_test.chain.query import Queries
from systems_under_test.chain.standing import Standing
from systems_under_test.chain.upstream import Upstream

UNAVAILABLE: Final[Message] = {"error": "unavailable"}
REFUSED: Final[Message] = {"outcome": "refused"}


class Node:
    """:class:`harness.node.Program`; the options are those of ``SYSTEM``. The replicas are the nodes of its role, the
    masters all others.

    A replica whose disk turns out to be corrupt at the start stays up and takes no part: it sends no heartbeats.
    """

    def __init__(self, env: Env, options: Mapping[str, str]) -> None:
        self._env, self._tries = env, TriesTakenUp()
        lossy = env.bug(REPAIR_DOES_NOT_RESEND)
        masters = [node for node in env.nodes if node != env.name and node not in env.peers]
        self._history = History(env, lossy=lossy)
        self._membership = Membership(env, masters, self._report, self._changed)
        self._downstream = Downstream(env, self._history, self._advance, self._acknowledged, resends=not lossy)
        self._upstream = Upstream(env, self._history, lossy=lossy)
        leased = options["tail-reads"] == "lease"
        self._standing = Standing(env, self._membership, self._history, self._upstream, leased=leased)
        apportioned = options["reads"] == "apportioned"
        self._queries = Queries(
            env, self._membership, self._standing, self._history, self._commit, apportioned=apportioned
        )
        self._waiting: RequestWaitingList[int, Message] = RequestWaitingList(env)
        self._corrupt = False

    async def start(self) -> None:
        try:
            await self._history.recover()
        except Corruption as error:
            self._corrupt = True
            self._env.event("disk-corrupt", error=str(error))
            return
        self._env.spawn(self._membership.keep(), "heartbeat")
        self._env.spawn(self._downstream.pulse(), "pulse")

    async def handle(self, source: str, message: Message) -> Message | None:
        if message["type"] == "request" and not self._tries.take_up(source, message):
            return None
        match message["type"]:
            case kind if self._corrupt:
                return UNAVAILABLE if kind == "request" else REFUSED
            case "request":
                return await self._request(message)
            case "configuration":
                self._membership.told(message)
                return None
            case kind if not self._is_of_our_epoch(message):
                return REFUSED
            case "link":
                return self._upstream.position()
            case "ship":
                return await self._store(message)
            case "ack":
                self._acknowledged(message["committed"])
                return None
            case "version":
                return self._queries.version()
        return {"error": "unsupported"}

    def status(self) -> Message:
        configuration, place = self._membership.configuration, "corrupt" if self._corrupt else self._standing.place
        return {
            "leader": configuration.head if configuration else None, "term": self._membership.epoch, "role": place,
            "chain": list(configuration.chain) if configuration else [], "serving": self._standing.may_speak,
            "last": self._history.log.last, "durable": self._history.log.durable,
            "committed": self._history.committed,
        }  # fmt: skip

    # Its place in the chain

    def _is_of_our_epoch(self, message: Message) -> bool:
        return message.get("epoch") == self._membership.epoch

    def _report(self) -> dict[str, Any]:
        """What a heartbeat says."""
        epoch = self._membership.epoch
        in_step = epoch if self._upstream.in_step else 0
        return {"epoch": epoch, "in_step": in_step, "unreachable": self._downstream.unreachable}

    def _changed(self) -> None:
        """There is a new configuration: both links begin anew. What a head that is head no more has taken in may still
        be committed, and nobody here will know."""
        configuration = self._membership.configuration
        assert configuration is not None, "a configuration was adopted"
        self._env.event("took-place", epoch=configuration.epoch, place=self._standing.place)
        if not self._standing.is_head:
            self._waiting.answer_all({"error": "unknown"})
        self._standing.enter()
        self._upstream.begin(configuration.epoch, first=configuration.predecessor(self._env.name) is None)
        self._downstream.connect(configuration)
        self._advance()

    # Updates

    async def _request(self, message: Message) -> Message:
        configuration = self._membership.configuration
        if message["f"] == "dump":
            return self._history.dump()
        if configuration is None:
            return UNAVAILABLE
        if message["f"] == "read":
            return await self._queries.answer(configuration, message)
        if not self._standing.is_head:
            return {"error": "not-leader", "leader": configuration.head}
        return await self._update(message) if self._standing.may_speak else UNAVAILABLE

    async def _update(self, message: Message) -> Message:
        """Store it and send it down the chain; the answer comes when it is committed, however long that takes."""
        command = {name: message.get(name) for name in ("client", "sequence", "f", "key", "value")}
        try:
            reply = self._waiting.add(self._history.log.last + 1)
        except WaitingListFull:
            return UNAVAILABLE
        self._history.log.append({"generation": self._membership.epoch, "command": command})
        await self._history.log.sync()
        self._advance()
        self._downstream.wake()
        return await reply

    async def _store(self, message: Message) -> Message:
        """Updates from the predecessor. The answer: they are on this disk; and what is known to be committed."""
        if message["incarnation"] != self._env.incarnation:
            return REFUSED
        end = await self._upstream.store(message, joining=self._standing.place == "joining")
        if not self._is_of_our_epoch(message):
            return REFUSED
        if end is None:
            return self._upstream.mismatch(message)
        self._commit(min(message["committed"], end))
        self._advance()
        self._downstream.wake()
        return {"outcome": "stored", "committed": self._history.committed}

    def _advance(self) -> None:
        """The tail commits what it has stored. While another joins, and may become the tail at any moment, it must have
        all that is committed: what was in this log when the epoch began, without which it is not in step, or what it is
        known to have stored. (One that was restarted may have told it of an earlier beginning.)"""
        configuration, durable = self._membership.configuration, self._history.log.durable
        if configuration is None or not self._standing.is_tail:
            return
        secured = durable if configuration.joining is None else max(self._standing.settled, self._downstream.stored)
        self._commit(min(durable, secured))

    def _acknowledged(self, committed: int) -> None:
        """The successor's word of what the tail has. A joining replica is none that the tail takes it from."""
        if not self._standing.is_tail:
            self._commit(committed)

    def _commit(self, to: int) -> None:
        """Apply what is committed, answer the clients who wait for it, and pass it on towards the head."""
        configuration, applied = self._membership.configuration, self._history.commit(to)
        for index, reply in applied:
            self._waiting.answer(index, reply)
        predecessor = configuration.predecessor(self._env.name) if configuration else None
        if applied and predecessor is not None:
            self._env.send(predecessor, {"type": "ack", "epoch": self._membership.epoch, "committed": to})
