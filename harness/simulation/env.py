"""``Env`` in virtual time: what one incarnation of a simulated node may touch.

When the incarnation has ended every method does nothing, and says so: a node program that acts after its death breaks a
rule that a real machine would not let it break, and is named with file and line.
"""

from __future__ import annotations

import hmac
import sys
from collections import Counter
from collections.abc import AsyncIterator, Coroutine, Sequence
from fractions import Fraction
from random import Random
from typing import Any, TypeVar

from harness.node import CallError, Clock, Closed, Disk, Message, Refused, Timeout
from harness.node.stream import random_stream
from harness.node.wire import WireError
from harness.simulation.network import CALL, SEND, Parcel
from harness.simulation.scheduler import DEAD, PAUSED, Cancelled, SimFuture, SimTask, Sleep, place, spawn
from harness.simulation.world import Machine

T = TypeVar("T")
Reply = tuple[str, Message | CallError]


class SimEnv:
    """See :class:`harness.node.Env`."""

    def __init__(self, node: Machine, incarnation: int) -> None:
        self._node, self._world, self._incarnation = node, node.world, incarnation
        self._build = node.build
        self._scheduler = node.world.scheduler
        self.lane = self._scheduler.lane(f"{node.name}/{incarnation}")
        self.lane.oscillator = node.oscillator
        self._disk: Disk = node.open_disk(self.lane)
        self._tasks: dict[SimTask[Any], None] = {}
        self._failpoints: dict[str, str] = {}
        self.counters: Counter[str] = Counter()
        self.gauges: dict[str, float] = {}

    @property
    def name(self) -> str:
        return self._node.name

    @property
    def role(self) -> str:
        return self._node.role

    @property
    def nodes(self) -> tuple[str, ...]:
        return self._world.names

    @property
    def peers(self) -> tuple[str, ...]:
        return self._node.peers

    @property
    def incarnation(self) -> int:
        return self._incarnation

    @property
    def build(self) -> str:
        return self._build

    @property
    def clock(self) -> Clock:
        return self._node.clock

    @property
    def disk(self) -> Disk:
        return self._disk  # inert itself, once closed

    def send(self, to: str, message: Message) -> None:
        if self.lane.state == DEAD:
            self._late("send")
            return
        self._check(to)
        try:
            body = self._world.copier.copy(message)
        except WireError as error:
            self.count("net.dropped_size")
            self.log(f"dropped a message to {to}: {error}")
            return
        if not self._node.can_reach(to):
            self.count("net.dropped_queue")
            return
        self.counters["net.sent"] += 1
        world = self._world
        world.transmit(Parcel(0, SEND, self.name, to, body, world.arrive, None, None, world.nodes[to].incarnation_up))

    async def call(self, to: str, message: Message, timeout_ms: float) -> Message:
        return await self._begin(to, message, timeout_ms)

    def quorum(
        self, peers: Sequence[str], message: Message, timeout_ms: float
    ) -> AsyncIterator[tuple[str, Message | CallError]]:
        replies = Replies(self._scheduler, len(peers))
        for peer in peers:
            reply = self._begin(peer, message, timeout_ms)
            reply.waiters.append((self.lane, replies.add, (peer, reply)))
        return replies

    def spawn(self, coroutine: Coroutine[Any, Any, T], name: str) -> SimTask[T]:
        if self.lane.state == DEAD:
            self._late("spawn")
            coroutine.close()
            raise Cancelled
        task = spawn(self._scheduler, self.lane, coroutine, name, self.fail)
        self._tasks[task] = None
        task.waiters.append((self.lane, self._ended, task))
        return task

    async def sleep(self, ms: float) -> None:
        if self.lane.state == DEAD:
            self._late("sleep")
            await Sleep(ms)  # a coroutine that is being closed and waits is told from one that ends
        if not ms > 0:
            self._world.violate("a sleep of no time: every loop sleeps a real minimum", self.name, *_caller())
        await Sleep(max(ms, 1.0))

    def future(self) -> SimFuture[Any]:
        return SimFuture(self._scheduler)

    def random(self, stream: str) -> Random:
        return random_stream(self._world.seed, self.name, self._incarnation, stream)

    def hmac(self, message: bytes) -> bytes:
        return self._code(self.name, message)

    def hmac_valid(self, node: str, message: bytes, code: bytes) -> bool:
        return hmac.compare_digest(self._code(node, message), code)

    async def work(self, ms: float) -> None:
        if self.lane.state == DEAD:
            self._late("work")
            await Sleep(ms)
        await Sleep(self._node.service_ms(ms))

    def event(self, name: str, **fields: Any) -> None:
        if self.lane.state == DEAD:
            self._late("event")
        else:
            self._node.tell(name, fields)

    def count(self, name: str, by: int = 1) -> None:
        if self.lane.state != DEAD and by:
            self.counters[name] += by

    def gauge(self, name: str, value: float) -> None:
        if self.lane.state != DEAD:
            self.gauges[name] = value

    def sometimes(self, name: str) -> bool:
        return self.lane.state != DEAD and self._world.rare.taken(name, self.lane)

    async def failpoint(self, name: str) -> None:
        if self.lane.state == DEAD:
            self._late("failpoint")
            await Sleep(1)
        self.counters[f"failpoint.{name}"] += 1
        if self._world.watched:
            self._world.passed(self._node, name)
            await Sleep(0)  # whatever that set off comes first

    def bug(self, name: str) -> bool:
        return name in self._world.bugs

    def log(self, text: str) -> None:
        if self.lane.state != DEAD:
            self._node.log(text)

    def handle(self, coroutine: Coroutine[Any, Any, None], name: str) -> None:
        """Run a handler to its first wait, at once: handlers start in the order of delivery."""
        task = SimTask(self._scheduler, self.lane, coroutine, name, self.fail)
        self._tasks[task] = None
        task.start()
        if task.done():
            self._tasks.pop(task, None)
        else:
            task.waiters.append((self.lane, self._ended, task))

    def retime(self, stretch: Fraction) -> None:
        """What is being waited for takes so much longer from now on: sleeps and work, and the timeouts of calls."""
        self._scheduler.retime(self.lane, (SimTask._wake, Call._expire), stretch)

    def fail(self, where: str, error: BaseException) -> None:
        """Something went wrong that nobody attends to: this node stops."""
        if self.lane.state != DEAD:
            self._node.stop_failed(where, error)

    def die(self) -> None:
        """The end of this incarnation: first nothing has an effect any more, then its coroutines are closed."""
        self.lane.state = DEAD
        self.lane.backlog.clear()
        tasks, self._tasks = list(self._tasks), {}
        for task in tasks:
            if task is self._scheduler.running:
                continue  # the one that failed has ended by itself; one that is in mid-step is closed after its step
            try:
                task.close()
            except RuntimeError as error:
                file, line = place(task.coroutine)
                self._world.violate(f"an await in finally, or BaseException swallowed ({error})", self.name, file, line)
                self._world.unclosed.append(task.coroutine)
            except Exception as error:  # noqa: BLE001 - what a finally of a dead node raises reaches nobody
                self._node.log(f"closing the task {task.name}: {error!r}")

    def _ended(self, task: SimTask[Any]) -> None:
        self._tasks.pop(task, None)

    def _begin(self, to: str, message: Message, timeout_ms: float) -> SimFuture[Message]:
        """A call under way."""
        reply: SimFuture[Message] = SimFuture(self._scheduler)
        if self.lane.state == DEAD:
            self._late("call")
            return reply
        self._check(to)
        try:
            body = self._world.copier.copy(message)
        except WireError as error:
            reply.set_exception(Refused(str(error)))
            return reply
        if not self._node.can_reach(to):
            self.counters["net.refused"] += 1
            reply.set_exception(Refused(f"{to}: no file descriptor is left"))
            return reply
        self.counters["net.sent"] += 1
        Call(self._world, self.name, self.lane, self.counters, reply).begin(to, body, timeout_ms)
        return reply

    def _check(self, to: str) -> None:
        if to not in self._world.nodes:
            raise ValueError(f"read the node {to!r}; expected one of {', '.join(self.nodes)}")

    def _code(self, node: str, message: bytes) -> bytes:
        return hmac.digest(f"{self._world.seed}/{node}".encode(), message, "sha256")

    def _late(self, what: str) -> None:
        self._world.violate(f"{what} after death", self.name, *_caller())


class Call:
    """One call of a node or a client, until it is answered, fails, or its time is over; the first decides."""

    __slots__ = ("_counters", "_hopeless", "_lane", "_name", "_reply", "_to", "_world")

    def __init__(self, world: Any, name: str, lane: Any, counters: Counter[str], reply: SimFuture[Message]) -> None:
        self._world, self._name, self._lane, self._counters, self._reply = world, name, lane, counters, reply
        self._to = ""
        self._hopeless = False

    def begin(self, to: str, body: dict[str, Any], timeout_ms: float) -> None:
        self._to = to
        world = self._world
        parcel = Parcel(0, CALL, self._name, to, body, world.arrive, self._lost, self, world.nodes[to].incarnation_up)
        world.transmit(parcel)
        world.scheduler.wait(self._lane, timeout_ms, self._expire, timeout_ms)

    def answer(self, parcel: Parcel) -> None:
        """The reply arrived."""
        if self._lane.state:
            self._later(self.answer, parcel)
            return
        self._counters["net.received"] += 1
        if not self._reply.done():
            self._reply.set_result(parcel.body)

    def fail(self, parcel: Parcel) -> None:
        """The connection was refused, or ended."""
        if self._lane.state:
            self._later(self.fail, parcel)
            return
        error = (Refused if parcel.body["error"] == "refused" else Closed)(f"{self._to}: {parcel.body['reason']}")
        if not self._reply.done():
            self._counters["net.refused" if isinstance(error, Refused) else "net.closed"] += 1
            self._reply.set_exception(error)

    def _later(self, arrive: Any, parcel: Parcel) -> None:
        """What reaches a paused process waits for it; a dead one, nobody."""
        if self._lane.state == PAUSED:
            self._lane.backlog.append((self._world.scheduler.now_us, 0, 0, self._lane, arrive, parcel))

    def _lost(self) -> None:
        """Certain, though a sender knows it only if it was still waiting for its connection."""
        self._hopeless = bool(self._lane.draw() & 1)

    def _expire(self, timeout_ms: float) -> None:
        if self._reply.done():
            return
        if self._hopeless:
            self._counters["net.refused"] += 1
            self._reply.set_exception(Refused(f"no connection to {self._to} within {timeout_ms:g} ms"))
        else:
            self._counters["net.timeout"] += 1
            self._reply.set_exception(Timeout(f"no reply from {self._to} within {timeout_ms:g} ms"))


class Replies:
    """The replies of many calls as they come; see :meth:`harness.node.Env.quorum`."""

    def __init__(self, scheduler: Any, expected: int) -> None:
        self._scheduler, self._expected = scheduler, expected
        self._arrived: list[Reply] = []
        self._waiting: SimFuture[None] | None = None

    def add(self, answer: tuple[str, SimFuture[Message]]) -> None:
        peer, reply = answer
        error = reply._error
        self._arrived.append((peer, error if isinstance(error, CallError) else reply._result))
        if self._waiting is not None:
            waiting, self._waiting = self._waiting, None
            waiting.set_result(None)

    def __aiter__(self) -> Replies:
        return self

    async def __anext__(self) -> Reply:
        if not self._expected:
            raise StopAsyncIteration
        self._expected -= 1
        while not self._arrived:
            self._waiting = SimFuture(self._scheduler)
            await self._waiting
        return self._arrived.pop(0)


def _caller() -> tuple[str, int]:
    """File and line of the code outside the simulator that called in."""
    frame = sys._getframe(1)
    while frame.f_back is not None and frame.f_code.co_filename == __file__:
        frame = frame.f_back
    return frame.f_code.co_filename, frame.f_lineno
