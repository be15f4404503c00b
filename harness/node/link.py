"""The way to one node: sends and calls over a connection that is opened when needed and opened again when lost.

What is known about a call's delivery is exact. It is *queued* until a connection is there, and *written* from then
on: one that is refused, or times out, while queued was certainly not delivered (Refused); of a written one nobody
knows (Timeout, Closed). A queue lives no longer than one round of connecting, so a dead node never comes back to a
flood of stale messages: datagrams may be lost.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import socket
from collections.abc import Awaitable, Callable
from typing import Final

from harness.node.connection import Connection
from harness.node.env import Closed, Message, Refused, Timeout
from harness.node.wire import Envelope, frame, quote

QUEUE_FRAMES_MAX: Final = 1024
QUEUE_BYTES_MAX: Final = 16 * 1024 * 1024
ATTEMPT_EVERY_S: Final = 0.3  # the kernel repeats a lost SYN only after 1 s: too late to notice a heal
ROUND_S: Final = 1.2
BACKOFF_S_MIN: Final = 0.02
BACKOFF_S_MAX: Final = 0.3
SILENT_S: Final = 0.5
_IP_BIND_ADDRESS_NO_PORT: Final = 24  # linux/in.h: choose the port at connect, when the destination is known

OUT_OF_DESCRIPTORS: Final = frozenset({errno.EMFILE, errno.ENFILE})
NO_DESCRIPTOR: Final = "host.no_descriptor"
"""The counter of connections, in either direction, for which no file descriptor was left."""

Connect = Callable[[str, int], Awaitable[socket.socket]]
Count = Callable[[str, int], None]


async def connect(address: str, port: int, local_address: str | None = None) -> socket.socket:
    """A connected socket. Raises OSError; closes the socket if it is cancelled."""
    sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
    try:
        if local_address is not None:
            sock.setsockopt(socket.IPPROTO_IP, _IP_BIND_ADDRESS_NO_PORT, 1)
            sock.bind((local_address, 0))
        await asyncio.get_running_loop().sock_connect(sock, (address, port))
    except BaseException:
        sock.close()
        raise
    return sock


async def connect_in_round(connect: Connect, address: str, port: int) -> socket.socket:
    """Connect with a new attempt every ``ATTEMPT_EVERY_S``, the older ones going on, for ``ROUND_S``.

    The first attempt that succeeds or fails decides. Raises OSError (TimeoutError is one).
    """
    attempts: set[asyncio.Future[socket.socket]] = set()
    loop = asyncio.get_running_loop()
    deadline = loop.time() + ROUND_S
    try:
        while loop.time() < deadline:
            attempts.add(asyncio.ensure_future(connect(address, port)))
            done, _ = await asyncio.wait(attempts, timeout=ATTEMPT_EVERY_S, return_when=asyncio.FIRST_COMPLETED)
            if done:
                first = done.pop()
                attempts -= {first}
                return first.result()
        raise TimeoutError(f"no connection to {address}:{port} within {ROUND_S} s")
    finally:
        for attempt in attempts:
            attempt.add_done_callback(_discard)
            attempt.cancel()


def _discard(attempt: asyncio.Future[socket.socket]) -> None:
    if not attempt.cancelled() and attempt.exception() is None:
        attempt.result().close()


class Link:
    """Everything one sender has under way to the node ``to``; ``count`` adds to a counter."""

    def __init__(self, source: str, to: str, address: tuple[str, int], connect: Connect, count: Count) -> None:
        self.to, self._source, self._address, self._connect, self._count = to, quote(source), address, connect, count
        self._loop = asyncio.get_running_loop()
        self._connection: Connection | None = None
        self._connecting: asyncio.Task[None] | None = None
        self._hurry = asyncio.Event()
        self._backoff_s = 0.0
        self._failed_at = 0.0
        self._queue: dict[int, bytes] = {}  # by number; in order
        self._queue_bytes = 0
        self._pending: dict[int, tuple[asyncio.Future[Message], float]] = {}  # reply, and when it was asked
        self._number = 0
        self._closed = False

    def send(self, body: bytes) -> None:
        """Send without waiting. Lost, and counted, if there is no way or too much waits already."""
        self._number += 1
        if not self._put(self._number, frame("send", 0, self._source, body)):
            self._count("net.dropped_queue", 1)

    async def call(self, body: bytes, timeout_ms: float) -> Message:
        """Send and await the reply. Raises Refused, Timeout or Closed."""
        self._number += 1
        number = self._number
        if not self._put(number, frame("call", number, self._source, body)):
            self._count("net.refused", 1)
            raise Refused(f"{self.to} does not take more: too much waits to be sent to it")
        reply: asyncio.Future[Message] = self._loop.create_future()
        self._pending[number] = reply, self._loop.time()
        self._hurry.set()
        timer = self._loop.call_later(timeout_ms / 1000, self._expire, number, timeout_ms)
        try:
            return await reply
        finally:
            timer.cancel()
            self._pending.pop(number, None)

    def close(self) -> None:
        """Give up everything under way."""
        self._closed = True
        if self._connecting is not None:
            self._connecting.cancel()
        if self._connection is not None:
            self._connection.close()
        self._refuse("the link was closed")

    def _put(self, number: int, data: bytes) -> bool:
        if self._connection is not None and not self._connection.is_open:
            self._lost(self._connection, None)  # its end is known, though not announced yet
        if self._connection is not None:
            written = self._connection.write(data)
            self._count("net.sent", written)
            return written
        if self._closed or len(self._queue) >= QUEUE_FRAMES_MAX or self._queue_bytes + len(data) > QUEUE_BYTES_MAX:
            return False
        self._queue[number] = data
        self._queue_bytes += len(data)
        if self._connecting is None:
            self._hurry.clear()
            self._begin_connecting()
        return True

    def _begin_connecting(self) -> None:
        self._connecting = self._loop.create_task(self._open(), name=f"connect to {self.to}")
        self._connecting.add_done_callback(self._opened)

    async def _open(self) -> None:
        await self._wait_backoff()
        try:
            sock = await connect_in_round(self._connect, *self._address)
            _, connection = await self._loop.create_connection(lambda: Connection(self._receive, self._lost), sock=sock)
            if not connection.is_open:
                raise ConnectionResetError("the connection ended at once")
        except OSError as error:
            self._backoff_s = min(max(2 * self._backoff_s, BACKOFF_S_MIN), BACKOFF_S_MAX)
            self._failed_at = self._loop.time()
            if error.errno in OUT_OF_DESCRIPTORS:
                self._count(NO_DESCRIPTOR, 1)
            self._refuse(f"no connection to {self.to}: {error}")
            return
        self._backoff_s = 0.0
        self._flush(connection)

    async def _wait_backoff(self) -> None:
        """Pause after a failure; a call does not wait for it: it wants its answer now."""
        remaining_s = self._failed_at + self._backoff_s - self._loop.time()
        if not self._backoff_s or remaining_s <= 0:
            return
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(remaining_s):
                await self._hurry.wait()

    def _opened(self, task: asyncio.Task[None]) -> None:
        self._connecting = None
        if not task.cancelled() and (error := task.exception()) is not None:
            self._refuse(f"no connection to {self.to}: {error!r}")
            self._loop.call_exception_handler({"message": f"connecting to {self.to}", "exception": error})
        if self._queue and self._connection is None and not self._closed:
            self._begin_connecting()  # whoever was refused may have asked again before this callback ran

    def _flush(self, connection: Connection) -> None:
        self._connection = connection
        queue, self._queue, self._queue_bytes = self._queue, {}, 0
        for data in queue.values():
            self._count("net.sent", connection.write(data))

    def _refuse(self, why: str) -> None:
        queue, self._queue, self._queue_bytes = self._queue, {}, 0
        refused = 0
        for number in queue:
            refused += self._fail(number, Refused(why))
        self._count("net.refused", max(refused, 1))
        self._count("net.dropped_queue", len(queue) - refused)

    def _fail(self, number: int, error: Exception) -> bool:
        pending = self._pending.pop(number, None)
        if pending is None or pending[0].done():
            return False
        pending[0].set_exception(error)
        return True

    def _expire(self, number: int, timeout_ms: float) -> None:
        if (data := self._queue.pop(number, None)) is not None:
            self._queue_bytes -= len(data)
            self._count("net.refused", 1)
            self._fail(number, Refused(f"no connection to {self.to} within {timeout_ms:g} ms"))
            return
        asked = self._pending[number][1] if number in self._pending else self._loop.time()
        if not self._fail(number, Timeout(f"no reply from {self.to} within {timeout_ms:g} ms")):
            return
        self._count("net.timeout", 1)
        connection = self._connection
        if connection is not None and connection.received_at < asked < self._loop.time() - SILENT_S:
            connection.abort(TimeoutError("nothing came back"))  # perhaps the other end has given it up unseen

    def _receive(self, connection: Connection, envelope: Envelope) -> None:
        if envelope.kind == "reply":
            pending = self._pending.get(envelope.id)
            if pending is not None and not pending[0].done():
                pending[0].set_result(envelope.body)
        elif envelope.kind == "error":
            self._fail(envelope.id, Closed(f"{self.to}: {str(envelope.body.get('reason'))[:200]}"))
        self._count("net.received", 1)

    def _lost(self, connection: Connection, error: Exception | None) -> None:
        if connection is not self._connection:
            return
        self._connection = None
        pending, self._pending = self._pending, {}
        why = f"the connection to {self.to} ended" + (f": {error}" if error else "")
        for reply, _ in pending.values():
            if not reply.done():
                reply.set_exception(Closed(why))
        self._count("net.closed", 0 if self._closed else max(len(pending), 1))


def no_count(name: str, by: int) -> None:
    """Counts nothing."""
