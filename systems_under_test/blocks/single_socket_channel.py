"""Single-socket channel: what one node sends to another arrives in that order, once
(*Patterns of Distributed Systems*, "Single-Socket Channel").

Messages between nodes may be lost, repeated or overtaken; TCP's means restore their order. The sender numbers what it
sends, keeps it until it is acknowledged, and sends it again; the receiver takes each number once, in order. A channel
is opened by a handshake, so that a straggler of an earlier channel is never taken for one of the present:

    sender                                                    receiver
    open    channel: the sender's name for itself         ->
                                                          <-  opened   token: the receiver's name for the channel
    data    channel, token, first number, bodies          ->
                                                          <-  got      the next number it waits for

The first data that carry a token make its channel the present one. If either side restarts there is a new channel: what
was not acknowledged in the old one may or may not have arrived, in order and without a gap up to some point, and the
sender is told; what is sent next begins the new one.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Awaitable, Callable
from typing import Any, Final

from harness.node import CallError, Env, Message

from systems_under_test.blocks.condition import Condition

TYPE: Final = "channel"
CALL_MS: Final = 300
RETRY_MS: Final = 20
BATCH_MAX: Final = 64
BOUND: Final = 1000
OPENINGS_MAX: Final = 8


class ChannelFull(Exception):
    """So many messages are not acknowledged yet that the sender must wait."""


class Outgoing:
    """The sender's end, without I/O: ``next`` is the request to make, ``answered`` takes its reply."""

    def __init__(self, life: str) -> None:
        self._channel = life
        self._life_there = ""
        self._token: str | None = None
        self.first = 1
        self.waiting: deque[Message] = deque()

    def next(self) -> dict[str, Any]:
        """Open the channel, or send, perhaps again, the oldest of what is not acknowledged."""
        head = {"type": TYPE, "channel": self._channel}
        if self._token is None:
            return {**head, "part": "open"}
        bodies = [body for body, _ in zip(self.waiting, range(BATCH_MAX), strict=False)]
        return {**head, "part": "data", "token": self._token, "first": self.first, "bodies": bodies}

    def answered(self, reply: Message) -> list[Message]:
        """Returns what is given up, since the receiver that it was sent to is no more."""
        match reply.get("part"):
            case "opened":
                self._token, self._life_there = reply["token"], reply["life"]
            case "got":
                while self.first < reply["next"]:
                    self.waiting.popleft()
                    self.first += 1
            case "unknown" if reply["life"] == self._life_there:
                self._token = None  # it was displaced before any data came: nothing was taken, open it again
            case "unknown":
                lost, self.waiting = list(self.waiting), deque()
                self._token, self.first = None, 1
                return lost
        return []


class Incoming:
    """The receiver's end, without I/O."""

    def __init__(self, life: str) -> None:
        self._life, self._tokens = life, 0
        self._openings: dict[str, str] = {}  # channel -> token, of which no data came yet
        self._present: tuple[str, str] | None = None
        self._next = 1

    def open(self, channel: str) -> Message:
        """A channel of which no data came yet may be the next, or a straggler: only its data will tell."""
        if self._present is not None and self._present[0] == channel:
            token = self._present[1]
        else:
            token = self._openings.get(channel) or self._begin(channel)
        return {"part": "opened", "token": token, "life": self._life}

    def take(self, message: Message, room: int) -> tuple[list[Message], Message]:
        """What of these data is new and next, at most ``room`` of it; and the reply."""
        channel, token, first = message["channel"], message["token"], message["first"]
        if self._openings.get(channel) == token:
            self._present, self._next, self._openings = (channel, token), 1, {}
        if self._present != (channel, token):
            return [], {"part": "unknown", "life": self._life}
        assert first <= self._next, f"number {first} is sent, and {self._next} was never acknowledged"
        bodies = message["bodies"][self._next - first :][:room]
        self._next += len(bodies)
        return bodies, {"part": "got", "next": self._next}

    def _begin(self, channel: str) -> str:
        self._tokens += 1
        if len(self._openings) >= OPENINGS_MAX:
            del self._openings[next(iter(self._openings))]
        self._openings[channel] = token = f"{self._life}#{self._tokens}"
        return token


class SingleSocketChannel:
    """One node's channels to and from its peers. ``handle`` must be given the messages whose type is ``TYPE``.

    ``deliver(source, body)`` is awaited for one message of a source at a time. ``broken(peer, bodies)`` is told what
    was not acknowledged when a channel ended. No more than ``bound`` messages wait at either end.
    """

    def __init__(
        self,
        env: Env,
        deliver: Callable[[str, Message], Awaitable[None]],
        broken: Callable[[str, list[Message]], None] = lambda peer, bodies: None,
        bound: int = BOUND,
    ) -> None:
        self._env, self._deliver, self._broken, self._bound = env, deliver, broken, bound
        life = f"{env.incarnation}/{env.clock.wall()}"  # a node whose disk was lost counts its incarnations anew
        others = [node for node in env.nodes if node != env.name]
        self._outgoing = {node: Outgoing(life) for node in others}
        self._incoming = {node: Incoming(life) for node in others}
        self._inbox: dict[str, deque[Message]] = {node: deque() for node in others}
        self._sent = {node: Condition(env) for node in others}
        self._arrived = {node: Condition(env) for node in others}

    def start(self) -> None:
        """Begin to carry and to deliver."""
        for node in self._outgoing:
            self._env.spawn(self._carry(node), f"channel-to-{node}")
            self._env.spawn(self._take_out(node), f"channel-from-{node}")

    def send(self, to: str, body: Message) -> None:
        """Behind all that was sent there before. Raises ChannelFull."""
        waiting = self._outgoing[to].waiting
        if len(waiting) >= self._bound:
            raise ChannelFull(f"{len(waiting)} messages to {to} are not acknowledged")
        waiting.append(body)
        self._sent[to].notify()

    def handle(self, source: str, message: Message) -> Message:
        """The reply to another node's channel."""
        if message["part"] == "open":
            return self._incoming[source].open(message["channel"])
        inbox = self._inbox[source]
        bodies, reply = self._incoming[source].take(message, self._bound - len(inbox))
        inbox.extend(bodies)
        self._arrived[source].notify()
        return reply

    async def _carry(self, to: str) -> None:
        """One request under way at a time: the next one holds all that was sent since."""
        outgoing = self._outgoing[to]
        while True:
            if not outgoing.waiting:
                await self._sent[to].wait()
            try:
                reply = await self._env.call(to, outgoing.next(), CALL_MS)
            except CallError:
                await self._env.sleep(RETRY_MS)
                continue
            before = outgoing.first
            if lost := outgoing.answered(reply):
                self._broken(to, lost)
            if outgoing.first == before and reply.get("part") != "opened":  # there is no room, or nobody to take it
                await self._env.sleep(RETRY_MS)

    async def _take_out(self, source: str) -> None:
        inbox = self._inbox[source]
        while True:
            if not inbox:
                await self._arrived[source].wait()
            while inbox:
                await self._deliver(source, inbox.popleft())
