"""A way for a client library that connects by itself: an address on this machine's loopback that leads, for one
connection, over a socket of the client's own to a node.

Bytes are passed on as they come, an end as an end, a reset as a reset; whoever reads slowly slows the other side down.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
from collections.abc import Callable
from typing import Final, cast

from harness.node.connection import tune
from harness.node.link import Count, no_count

ACCEPT_S: Final = 5.0
SILENT_S: Final = 0.3
BUFFER_BYTES_MAX: Final = 256 * 1024
_RESET: Final = struct.pack("ii", 1, 0)  # SO_LINGER: on, 0 s


class Relay:
    """One connection. ``outward`` is connected to the node already, and closed with the relay, which ends by itself:
    when both sides have ended, when one was reset, or when nobody has come for ``ACCEPT_S``. ``count`` is told when the
    node ends it first ("net.closed"), and when the client does, who waits for an answer ("net.timeout")."""

    def __init__(self, outward: socket.socket, count: Count = no_count) -> None:
        self._outward, self._count = outward, count
        self._loop = asyncio.get_running_loop()
        self._ends: tuple[_End, _End] = (_End(self._left), _End(self._cut))
        self._over = False
        self._begun: asyncio.Task[None] | None = None
        self._listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)

    def open(self) -> tuple[str, int]:
        """Listen; returns where. Raises OSError."""
        try:
            self._listener.bind(("127.0.0.1", 0))
            self._listener.listen(1)
            address: tuple[str, int] = self._listener.getsockname()
        except OSError:
            self.close()
            raise
        self._begun = self._loop.create_task(self._begin(), name="relay")
        return address

    @property
    def is_open(self) -> bool:
        """Whether bytes pass, or may come to."""
        return self._begun is not None and (not self._begun.done() or any(end.is_open for end in self._ends))

    def close(self) -> None:
        """End both sides at once; any number of times."""
        if self._begun is not None:
            self._begun.cancel()
        self._listener.close()
        if any(end.is_open for end in self._ends):
            self._left()
        for end in self._ends:
            end.abort()
        if not self._ends[1].was_open:
            self._outward.close()

    def _left(self) -> None:
        """The client ends it: for want of an answer, if it has asked and waited."""
        asked_at, answered_at = (end.heard_at for end in self._ends)
        if not self._over and asked_at > answered_at and self._loop.time() - asked_at > SILENT_S:
            self._count("net.timeout", 1)
        self._over = True

    def _cut(self) -> None:
        """The node ends it."""
        if not self._over:
            self._count("net.closed", 1)
        self._over = True

    async def _begin(self) -> None:
        inner, outer = self._ends
        try:
            async with asyncio.timeout(ACCEPT_S):
                inward, _ = await self._loop.sock_accept(self._listener)
        except (OSError, TimeoutError):  # nobody came
            self._outward.close()
            return
        finally:
            self._listener.close()
        inner.other, outer.other = outer, inner
        try:
            with contextlib.suppress(OSError):  # one that was reset: its end is told when it is read
                inward.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                tune(self._outward)
            await self._loop.connect_accepted_socket(lambda: inner, inward)
            await self._loop.connect_accepted_socket(lambda: outer, self._outward)
        except BaseException:
            inward.close()
            raise


class _End(asyncio.Protocol):
    """One side; what it receives goes to the ``other``, or waits for it."""

    def __init__(self, ended: Callable[[], None]) -> None:
        """``ended`` is told when this side ends, perhaps not for the first time."""
        self.other: _End = self
        self.heard_at = 0.0
        self._ended = ended
        self.was_open = False
        self._transport: asyncio.Transport | None = None
        self._early = bytearray()  # what came before the other side was there
        self._heard_all = self._told_all = False

    @property
    def is_open(self) -> bool:
        return self._transport is not None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._transport.set_write_buffer_limits(high=BUFFER_BYTES_MAX)
        self.was_open = True
        self.write(self.other._early)
        if self.other._heard_all:
            self.end()
        if self.other.was_open and not self.other.is_open:
            self.reset()

    def data_received(self, data: bytes) -> None:
        self.heard_at = asyncio.get_running_loop().time()
        if self.other.was_open:
            self.other.write(data)
        else:
            self._early += data

    def eof_received(self) -> bool:
        """The other direction may go on."""
        self._heard_all = True
        self._ended()
        self.other.end()
        return not self._told_all

    def connection_lost(self, exc: Exception | None) -> None:
        self._transport = None
        self._ended()
        if exc is None:
            self.other.close()
        else:
            self.other.reset()

    def pause_writing(self) -> None:
        if self.other._transport is not None:
            self.other._transport.pause_reading()

    def resume_writing(self) -> None:
        if self.other._transport is not None:
            self.other._transport.resume_reading()

    def write(self, data: bytes | bytearray) -> None:
        if data and self._transport is not None and not self._told_all:
            self._transport.write(data)

    def end(self) -> None:
        """No more will be written."""
        if self._transport is not None and not self._told_all:
            self._told_all = True
            if self._heard_all:
                self._transport.close()
            else:
                self._transport.write_eof()

    def close(self) -> None:
        """End, when what was written is on its way."""
        if self._transport is not None:
            self._transport.close()

    def reset(self) -> None:
        """End by a reset, as the other side did."""
        if self._transport is not None:
            sock: socket.socket = self._transport.get_extra_info("socket")
            with contextlib.suppress(OSError):
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
            self._transport.abort()

    def abort(self) -> None:
        if self._transport is not None:
            self._transport.abort()
