"""Acting in another process's namespaces, for a moment, without the harness itself moving there."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Callable
from typing import Final, TypeVar

from harness.clusters.local import syscalls
from harness.node.link import Connect

T = TypeVar("T")

_IP_BIND_ADDRESS_NO_PORT: Final = 24  # linux/in.h: choose the port at connect, when the destination is known


def inside(fd: int, kind: int, make: Callable[[], T]) -> T:
    """Run ``make`` in a thread of its own that has joined the namespace behind ``fd``, of that kind (CLONE_NEWNET or
    CLONE_NEWNS), and then ends. What it opens or starts stays there. Raises the OSError that it raised."""
    results: list[T] = []
    errors: list[OSError] = []

    def join_and_make() -> None:
        try:
            if kind == syscalls.CLONE_NEWNS:  # refused to a thread that shares its root and folder with others
                syscalls.unshare(syscalls.CLONE_FS)
            syscalls.setns(fd, kind)
            results.append(make())
        except OSError as error:
            errors.append(error)

    thread = threading.Thread(target=join_and_make, name="namespace", daemon=True)
    thread.start()
    thread.join()
    if errors:
        raise errors[0]
    return results[0]


def connect_from(source: str, new_socket: Callable[[], socket.socket]) -> Connect:
    """Connects from the address ``source``, by sockets made in the network where it is."""

    async def connect(address: str, port: int) -> socket.socket:
        sock = new_socket()
        try:
            sock.setblocking(False)
            sock.setsockopt(socket.IPPROTO_IP, _IP_BIND_ADDRESS_NO_PORT, 1)
            sock.bind((source, 0))
            await asyncio.get_running_loop().sock_connect(sock, (address, port))
        except BaseException:
            sock.close()
            raise
        return sock

    return connect
