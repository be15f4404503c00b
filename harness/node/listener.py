"""The receiving side: accepts connections and hands every message on, with the way to answer it."""

from __future__ import annotations

import asyncio
import errno
import resource
import socket
from collections.abc import Callable
from typing import Any, Final

from harness.node.connection import Connection
from harness.node.env import Message
from harness.node.wire import Envelope, WireError, encode_body, frame, quote

BACKLOG: Final = 1024
RESERVED: Final = 64

Deliver = Callable[[Envelope, "Answer"], None]
Report = Callable[[str], None]


class Answer:
    """The way back for one call."""

    __slots__ = ("_connection", "_number", "_source")

    def __init__(self, connection: Connection, number: int, source: bytes) -> None:
        self._connection, self._number, self._source = connection, number, source

    def reply(self, message: Message) -> None:
        """Send the reply; the caller gets an error instead if it is too large. TypeError if it is not JSON."""
        try:
            body = encode_body(message)
        except WireError as error:
            self.refuse(str(error))
            return
        if not self._connection.write(frame("reply", self._number, self._source, body)):
            self._connection.abort()  # the caller does not read: it would wait in vain

    def refuse(self, reason: str) -> None:
        """Send an error: the caller gets Closed with that reason."""
        self._connection.write(frame("error", self._number, self._source, encode_body({"reason": reason[:200]})))


class Listener:
    """Accepts frames for the node ``name``; ``deliver`` is called for each send and call, in the order of arrival.

    ``report`` gets a line for people when a connection ends in an error.
    """

    def __init__(self, name: str, deliver: Deliver, report: Report) -> None:
        self._source, self._deliver, self._report = quote(name), deliver, report
        self._connections: set[Connection] = set()
        self._server: asyncio.Server | None = None

    async def open(self, sock: socket.socket) -> None:
        """Accept connections on a bound socket."""
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(self._accept, sock=sock, backlog=BACKLOG)

    def close(self) -> None:
        if self._server is not None:
            self._server.close()
        for connection in tuple(self._connections):
            connection.abort()

    def _accept(self) -> Connection:
        connection = Connection(self._receive, self._lost)
        self._connections.add(connection)
        return connection

    def _receive(self, connection: Connection, envelope: Envelope) -> None:
        if envelope.kind not in ("send", "call"):
            raise WireError(f"read the kind {envelope.kind!r}; expected send or call")
        self._deliver(envelope, Answer(connection, envelope.id, self._source))

    def _lost(self, connection: Connection, error: Exception | None) -> None:
        self._connections.discard(connection)
        if error is not None:
            self._report(f"a connection ended: {error}")


class ReservedSocket(socket.socket):
    """Accepts even when the process has no file descriptor left: the harness's own way in stays open, whatever the
    program has used up. For a moment the process then may have a few more."""

    def accept(self) -> tuple[socket.socket, Any]:
        try:
            return super().accept()
        except OSError as error:
            if error.errno != errno.EMFILE:
                raise
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(soft + RESERVED, hard), hard))
        try:
            return super().accept()
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def bound(address: str, port: int, kind: type[socket.socket] = socket.socket) -> socket.socket:
    """A socket bound to the address, not yet listening: until it does, connections are refused."""
    sock = kind(socket.AF_INET, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind((address, port))
    except OSError:
        sock.close()
        raise
    return sock
