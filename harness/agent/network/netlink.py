"""The kernel's queue of packets (NFQUEUE) over raw netlink, as linux/netfilter/nfnetlink_queue.h describes it."""

from __future__ import annotations

import contextlib
import os
import socket
import struct
from collections.abc import Iterator
from typing import Final, NamedTuple

LOCAL_IN: Final = 1
POST_ROUTING: Final = 4
"""Hooks: where on its way a packet was queued."""

_NETLINK_NETFILTER: Final = 12
_SOL_NETLINK, _NETLINK_NO_ENOBUFS = 270, 5
_SO_RCVBUFFORCE: Final = 33
_REQUEST, _ACK = 1, 4
_NLMSG_ERROR: Final = 2
_PACKET, _VERDICT, _CONFIG = 3 << 8, 3 << 8 | 1, 3 << 8 | 2
_CFG_CMD, _CFG_PARAMS, _CFG_QUEUE_MAXLEN, _CFG_MASK, _CFG_FLAGS = 1, 2, 3, 4, 5
_BIND, _COPY_PACKET, _FAIL_OPEN, _GSO = 1, 2, 1, 4
_PACKET_HDR, _VERDICT_HDR, _PAYLOAD = 1, 2, 10
_DROP, _ACCEPT = 0, 1

QUEUE_PACKETS_MAX: Final = 65_536  # beyond it, packets are let through
_BUFFER_BYTES: Final = 16 << 20
_MESSAGE_BYTES_MAX: Final = 1 << 17

_HEAD = struct.Struct("=IHHII")  # struct nlmsghdr
_ATTRIBUTE = struct.Struct("=HH")
_VERDICT_TO = struct.Struct(">II")


class Queued(NamedTuple):
    """A packet that waits for its verdict; ``content`` is its beginning, as far as was asked for."""

    number: int
    hook: int
    content: bytes


class PacketQueue:
    """One queue of this network namespace. Raises OSError where the kernel has none, or another process holds it."""

    def __init__(self, number: int) -> None:
        self._number = number
        self._socket = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_CLOEXEC, _NETLINK_NETFILTER)
        self._buffer = bytearray(_MESSAGE_BYTES_MAX)
        self._verdicts: list[bytes] = []
        try:
            self._socket.bind((0, 0))
            self._enlarge()
            self._socket.settimeout(2.0)
            self._configure(_CFG_CMD, struct.pack(">BxH", _BIND, socket.AF_INET))
            self._configure(_CFG_QUEUE_MAXLEN, struct.pack(">I", QUEUE_PACKETS_MAX))
            flags = _attribute(_CFG_MASK, struct.pack(">I", _FAIL_OPEN))
            self._configure(_CFG_FLAGS, struct.pack(">I", _FAIL_OPEN), flags)
            self._socket.setblocking(False)
        except BaseException:
            self._socket.close()
            raise

    def fileno(self) -> int:
        return self._socket.fileno()

    def close(self) -> None:
        """Packets still queued are lost."""
        self._socket.close()

    def copy(self, content_bytes: int, *, unsplit: bool) -> None:
        """How much of each packet to hand over from now on; and whether a large one that the sender's kernel has not
        split yet may come as one."""
        self._send(_CONFIG, _REQUEST, _attribute(_CFG_PARAMS, struct.pack(">IB", content_bytes, _COPY_PACKET)))
        mask = _attribute(_CFG_MASK, struct.pack(">I", _GSO))
        self._send(_CONFIG, _REQUEST, _attribute(_CFG_FLAGS, struct.pack(">I", _GSO if unsplit else 0)) + mask)

    def packets(self, most: int) -> Iterator[Queued]:
        """What is queued now, at most so many."""
        view = memoryview(self._buffer)
        for _ in range(most):
            try:
                size = self._socket.recv_into(self._buffer)
            except BlockingIOError:
                return
            if (found := _packet(view[:size])) is not None:
                yield found

    def accept(self, number: int, content: bytes | None = None) -> None:
        """Let it go on, with another content if that is given. Takes effect with ``flush``."""
        self._verdict(number, _ACCEPT, b"" if content is None else _attribute(_PAYLOAD, content))

    def drop(self, number: int) -> None:
        """Throw it away. Takes effect with ``flush``."""
        self._verdict(number, _DROP, b"")

    def flush(self) -> None:
        """Tell the kernel all verdicts, in order."""
        verdicts, self._verdicts = self._verdicts, []
        for begin in range(0, len(verdicts), 64):
            with contextlib.suppress(BlockingIOError):  # never seen: the kernel handles a message before send returns
                self._socket.send(b"".join(verdicts[begin : begin + 64]))

    def _verdict(self, number: int, verdict: int, attributes: bytes) -> None:
        body = _attribute(_VERDICT_HDR, _VERDICT_TO.pack(verdict, number)) + attributes
        self._verdicts.append(self._message(_VERDICT, _REQUEST, body))

    def _configure(self, attribute: int, value: bytes, more: bytes = b"") -> None:
        """One setting, and the kernel's answer to it."""
        self._send(_CONFIG, _REQUEST | _ACK, _attribute(attribute, value) + more)
        answer = self._socket.recv(_MESSAGE_BYTES_MAX)
        _, kind, _, _, _ = _HEAD.unpack_from(answer)
        code = struct.unpack_from("=i", answer, _HEAD.size)[0] if kind == _NLMSG_ERROR else 0
        if code:
            raise OSError(-code, f"packet queue {self._number}: {os.strerror(-code)}")

    def _send(self, kind: int, flags: int, body: bytes) -> None:
        self._socket.send(self._message(kind, flags, body))

    def _message(self, kind: int, flags: int, body: bytes) -> bytes:
        return (
            _HEAD.pack(_HEAD.size + 4 + len(body), kind, flags, 0, 0) + struct.pack(">BBH", 0, 0, self._number) + body
        )

    def _enlarge(self) -> None:
        """Room for bursts; and what does not fit is let through by the kernel instead of reported."""
        try:
            self._socket.setsockopt(socket.SOL_SOCKET, _SO_RCVBUFFORCE, _BUFFER_BYTES)
        except PermissionError:  # root of a container only
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _BUFFER_BYTES)
        self._socket.setsockopt(_SOL_NETLINK, _NETLINK_NO_ENOBUFS, 1)


def _attribute(kind: int, value: bytes) -> bytes:
    return _ATTRIBUTE.pack(_ATTRIBUTE.size + len(value), kind) + value + bytes(-len(value) % 4)


def _packet(message: memoryview) -> Queued | None:
    """The packet that a message of the kernel carries; None for any other message (a verdict that came too late)."""
    if _HEAD.unpack_from(message)[1] != _PACKET:
        return None
    number, hook, content = 0, 0, b""
    at = _HEAD.size + 4
    while at + 4 <= len(message):
        size, kind = _ATTRIBUTE.unpack_from(message, at)
        if size < 4:
            break
        if kind == _PACKET_HDR:
            number, _, hook = struct.unpack_from(">IHB", message, at + 4)
        elif kind == _PAYLOAD:
            content = bytes(message[at + 4 : at + size])
        at += size + (-size % 4)
    return Queued(number, hook, content)
