"""The real host: ``Env`` on asyncio, TCP and files. One object is one incarnation of one node."""

from __future__ import annotations

import asyncio
import hmac
import os
from collections import Counter
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from functools import partial
from random import Random
from typing import Any, Final, TypeVar

from harness.node.clock import HostClock, true_ahead_ns
from harness.node.config import NodeConfig
from harness.node.disk import HostDisk
from harness.node.env import CallError, Clock, Disk, Future, Message, Program, Refused, Task, Timeout
from harness.node.inert import INERT_DISK, inert
from harness.node.journal import Record
from harness.node.link import Link, connect
from harness.node.listener import Answer
from harness.node.machine import Machine
from harness.node.message_faults import MessageFaults
from harness.node.quorum import Replies
from harness.node.stream import random_stream
from harness.node.task import HostFuture, HostTask
from harness.node.wire import Envelope, WireError, encode_body

T = TypeVar("T")

HANDLERS_MAX: Final = 20_000
HARNESS: Final = "harness"
"""The source of what the harness itself asks a program, over the control port."""


class HostEnv:
    """See :class:`harness.node.Env`. ``stop`` is called with an error that must end this node, and does not return."""

    def __init__(self, config: NodeConfig, incarnation: int, record: Record,
                 stop: Callable[[str, BaseException], None], build: str = "old",
                 machine: Machine | None = None) -> None:  # fmt: skip
        self._config, self._incarnation, self._record, self._stop = config, incarnation, record, stop
        self._build, self._machine = build, machine
        self._loop = asyncio.get_running_loop()
        self.host_clock = HostClock(config.clock_error_ms, true_ahead_ns(os.environ))
        self._disk = HostDisk(config.data, self.count)
        self._nodes = tuple(config.nodes)
        self._peers = tuple(n for n in self._nodes if config.roles[n] == config.role and n != config.name)
        self._links: dict[str, Link] = {}
        self._tasks: set[HostTask[Any]] = set()
        self._handlers: set[asyncio.Task[None]] = set()
        self._program: Program | None = None
        self._dead = False
        self.message_faults = MessageFaults(incarnation, config.nodes, Random())
        self._disk.drawn_out_ms = self.message_faults.drawn_out_ms
        self.counters: Counter[str] = Counter()
        self.gauges: dict[str, float] = {}

    @property
    def name(self) -> str:
        return self._config.name

    @property
    def role(self) -> str:
        return self._config.role

    @property
    def nodes(self) -> tuple[str, ...]:
        return self._nodes

    @property
    def peers(self) -> tuple[str, ...]:
        return self._peers

    @property
    def incarnation(self) -> int:
        return self._incarnation

    @property
    def build(self) -> str:
        return self._build

    @property
    def clock(self) -> Clock:
        return self.host_clock

    @property
    def disk(self) -> Disk:
        return INERT_DISK if self._dead else self._disk

    @property
    def machine(self) -> Machine:
        """See :class:`harness.node.machine.MachineEnv`; for keepers only."""
        assert self._machine is not None, "a program that is bundled has no machine"
        return self._machine

    def send(self, to: str, message: Message) -> None:
        if self._dead:
            return
        try:
            body = encode_body(message)
        except WireError as error:  # a datagram may be lost, but not in silence
            self.count("net.dropped_size")
            self.log(f"dropped a message to {to}: {error}")
            return
        self._link(to).send(body)

    async def call(self, to: str, message: Message, timeout_ms: float) -> Message:
        if self._dead:
            await inert()
        return await self._call(self._link(to), message, timeout_ms)

    def quorum(
        self, peers: Sequence[str], message: Message, timeout_ms: float
    ) -> AsyncIterator[tuple[str, Message | CallError]]:
        replies = Replies(len(peers))
        for link in [] if self._dead else [self._link(peer) for peer in peers]:
            self.spawn(self._ask(link, message, timeout_ms, replies), f"quorum call to {link.to}")
        return replies

    def spawn(self, coroutine: Coroutine[Any, Any, T], name: str) -> Task[T]:
        return HostTask(inert(coroutine) if self._dead else coroutine, name, self._tasks, self.fail)

    async def sleep(self, ms: float) -> None:
        if self._dead:
            await inert()
        await asyncio.sleep(ms / 1000)

    def future(self) -> Future[Any]:
        return HostFuture(self._loop)

    def random(self, stream: str) -> Random:
        return random_stream(self._config.seed, self.name, self._incarnation, stream)

    def hmac(self, message: bytes) -> bytes:
        return self._code(self.name, message)

    def hmac_valid(self, node: str, message: bytes, code: bytes) -> bool:
        return hmac.compare_digest(self._code(node, message), code)

    async def work(self, ms: float) -> None:
        await self.sleep(ms + self.message_faults.drawn_out_ms(ms))

    def event(self, name: str, **fields: Any) -> None:
        if not self._dead:
            self._record.event(name, fields)

    def count(self, name: str, by: int = 1) -> None:
        if not self._dead and by:
            self.counters[name] += by

    def gauge(self, name: str, value: float) -> None:
        if not self._dead:
            self.gauges[name] = value

    def sometimes(self, name: str) -> bool:
        """Rare branches are for simulated runs; here one only sees that the place was reached."""
        self.count(f"sometimes.{name}")
        return False

    async def failpoint(self, name: str) -> None:
        """Counted, and told to whoever watches; what that sets off comes a little later."""
        if self._dead:
            await inert()
        self.count(f"failpoint.{name}")
        if self._record.feed.watched:
            self._record.feed.failpoint(name)

    def bug(self, name: str) -> bool:
        return name in self._config.bugs

    def log(self, text: str) -> None:
        if not self._dead:
            self._record.log(text)

    def serve(self, program: Program) -> None:
        """Messages go to this program from now on."""
        self._program = program

    def deliver(self, envelope: Envelope, answer: Answer) -> None:
        """One message has arrived: every one of the data network comes by here, and by the faults on messages."""
        if self.message_faults.in_force:
            self.message_faults.arrive(envelope.source, partial(self._take_up, envelope, answer))
        else:
            self._take_up(envelope, answer)

    def ask(self, body: Message, answer: Answer) -> None:
        """A message of the harness to the program, which comes by none of the faults."""
        message = body.get("message")
        if self._program is None or not isinstance(message, dict):
            answer.refuse(f"read the message {str(message)[:80]}; expected an object, and a program that serves")
            return
        self._take_up(Envelope("call", 0, HARNESS, message), answer)

    def _take_up(self, envelope: Envelope, answer: Answer) -> None:
        if self._dead or self._program is None:
            return
        if len(self._handlers) >= HANDLERS_MAX:
            self.count("net.dropped_handlers")
            return
        self.count("net.received")
        task = self._loop.create_task(self._handle(self._program, envelope, answer))
        self._handlers.add(task)
        task.add_done_callback(self._handlers.discard)

    def fail(self, where: str, error: BaseException) -> None:
        """Something went wrong that nobody attends to: this node stops."""
        if not self._dead:
            self._stop(where, error)

    def die(self) -> None:
        """From now on nothing that the program does has an effect."""
        self._dead = True

    async def _handle(self, program: Program, envelope: Envelope, answer: Answer) -> None:
        try:
            reply = await program.handle(envelope.source, envelope.body)
            if envelope.kind == "call" and reply is not None and not self._dead:
                self.count("net.sent")
                if self.message_faults.in_force:
                    self.message_faults.leave(envelope.source, partial(answer.reply, reply))
                else:
                    answer.reply(reply)
        except Exception as error:  # noqa: BLE001 - whatever a handler lets through stops the node, reported
            self.fail(f"handle a message from {envelope.source}", error)

    async def _ask(self, link: Link, message: Message, timeout_ms: float, replies: Replies) -> None:
        try:
            replies.add(link.to, await self._call(link, message, timeout_ms))
        except CallError as error:
            replies.add(link.to, error)

    async def _call(self, link: Link, message: Message, timeout_ms: float) -> Message:
        """A slow node takes up replies as late as it does messages; by then the call's time may be over."""
        began_s = self._loop.time()
        reply = await link.call(_call_body(message), timeout_ms)
        if (delay_ms := self.message_faults.delay_ms) and not self._dead:
            self.message_faults.met["slow-node"] += 1
            left_ms = timeout_ms - (self._loop.time() - began_s) * 1000
            await asyncio.sleep(max(0.0, min(delay_ms, left_ms)) / 1000)
            if delay_ms > left_ms:
                self.count("net.timeout")
                raise Timeout(f"no reply from {link.to} within {timeout_ms:g} ms")
        return reply

    def _link(self, to: str) -> Link:
        link = self._links.get(to)
        if link is None:
            if to not in self._config.nodes:
                raise ValueError(f"read the node {to!r}; expected one of {', '.join(self._nodes)}")
            link = Link(self.name, to, self._config.nodes[to], self._connect, self.count)
            self._links[to] = link
        return link

    async def _connect(self, address: str, port: int) -> Any:
        return await connect(address, port, self._config.listen.address)

    def _code(self, node: str, message: bytes) -> bytes:
        own_key = hmac.digest(self._config.key, node.encode(), "sha256")
        return hmac.digest(own_key, message, "sha256")


def _call_body(message: Message) -> bytes:
    try:
        return encode_body(message)
    except WireError as error:
        raise Refused(str(error)) from error
