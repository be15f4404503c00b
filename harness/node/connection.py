"""One TCP connection that carries frames, and notices when the other end has gone silent.

A partition that drops packets leaves a connection hanging: the kernel would go on retransmitting, ever more slowly,
and traffic would resume seconds after the heal. So a connection whose bytes nobody acknowledges for ``STALL_S`` is
aborted; whoever needs it opens a new one. A stopped process does not count
(its kernel still acknowledges) until its buffers are full.
"""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import socket
import struct
from collections.abc import Callable
from typing import Final, cast

from harness.node.wire import Decoder, Envelope, WireError

BUFFER_BYTES_MAX: Final = 16 * 1024 * 1024
STALL_S: Final = 0.8
WATCH_S: Final = 0.2
USER_TIMEOUT_MS: Final = 1000
KEEPALIVE_IDLE_S: Final = 10
_SIOCOUTQ: Final = 0x5411  # linux/sockios.h: bytes sent or queued that the other end has not acknowledged

Receive = Callable[["Connection", Envelope], None]
Lost = Callable[["Connection", "Exception | None"], None]


def tune(sock: socket.socket) -> None:
    """Latency before throughput, and an end to half-open connections."""
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, USER_TIMEOUT_MS)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, KEEPALIVE_IDLE_S)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, 1)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPCNT, 3)


class Connection(asyncio.Protocol):
    """``receive`` gets each envelope in order, ``lost`` is called once when the connection has ended.

    ``lost`` gets what went wrong: a WireError, a TimeoutError (the other end went silent), another OSError, or None.
    """

    def __init__(self, receive: Receive, lost: Lost) -> None:
        self._receive, self._lost = receive, lost
        self._decoder = Decoder()
        self._loop = asyncio.get_running_loop()
        self._transport: asyncio.Transport | None = None
        self._sock: socket.socket | None = None
        self._error: Exception | None = None
        self._written = self._acknowledged = 0
        self._acknowledged_at = 0.0
        self._watching: asyncio.TimerHandle | None = None
        self.received_at = 0.0
        """When bytes last came in, in seconds on the event loop's clock; 0 if never."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._sock = transport.get_extra_info("socket")
        with contextlib.suppress(OSError):  # already closed by the other end: connection_lost follows
            tune(cast(socket.socket, self._sock))

    def data_received(self, data: bytes) -> None:
        self.received_at = self._loop.time()
        receive = self._receive
        try:
            for envelope in self._decoder.feed(data):
                receive(self, envelope)
        except WireError as error:
            self.abort(error)

    def connection_lost(self, exc: Exception | None) -> None:
        if self._watching is not None:
            self._watching.cancel()
        self._transport = self._sock = None
        self._lost(self, self._error or exc)

    def write(self, frame: bytes) -> bool:
        """Queue one frame; False if it was not, because the connection has ended or the other end does not read."""
        transport = self._transport
        if transport is None or transport.is_closing() or transport.get_write_buffer_size() > BUFFER_BYTES_MAX:
            return False
        if self._watching is None:
            self._acknowledged, self._acknowledged_at = self._written, self._loop.time()
            self._watching = self._loop.call_later(WATCH_S, self._watch)
        self._written += len(frame)
        transport.write(frame)
        return True

    @property
    def is_open(self) -> bool:
        return self._transport is not None and not self._transport.is_closing()

    def close(self) -> None:
        """End the connection after what was written has been handed to the kernel."""
        if self._transport is not None:
            self._transport.close()

    def abort(self, error: Exception | None = None) -> None:
        """End the connection at once; ``error`` becomes the reason that ``lost`` is told."""
        self._error = self._error or error
        if self._transport is not None:
            self._transport.abort()

    def _unacknowledged(self) -> int:
        assert self._transport is not None, "watched only while connected"
        assert self._sock is not None, "set and reset with the transport"
        answer = fcntl.ioctl(self._sock.fileno(), _SIOCOUTQ, b"\0\0\0\0")
        return int(struct.unpack("i", answer)[0]) + self._transport.get_write_buffer_size()

    def _watch(self) -> None:
        self._watching = None
        if self._transport is None or self._transport.is_closing():
            return
        waiting, now = self._unacknowledged(), self._loop.time()
        if not waiting:
            return
        if self._written - waiting > self._acknowledged:
            self._acknowledged, self._acknowledged_at = self._written - waiting, now
        elif now - self._acknowledged_at > STALL_S:
            self.abort(TimeoutError(f"{waiting} bytes unacknowledged for {now - self._acknowledged_at:.1f} s"))
            return
        self._watching = self._loop.call_later(WATCH_S, self._watch)
