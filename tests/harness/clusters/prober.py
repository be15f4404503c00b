"""A node program for tests of machine faults: says what it is and sees, and works as it is told."""

from __future__ import annotations

import asyncio
import contextlib
import os
import resource
import socket
import time
from collections.abc import Mapping

from harness.node import CallError, Env, Message


class Prober:
    def __init__(self, env: Env, options: Mapping[str, str]) -> None:
        self._env, self._options = env, options
        self._hoard: list[bytearray] = []

    async def start(self) -> None:
        if self._options.get("beats") != "no":
            for peer in self._env.peers:
                self._env.spawn(self._beat(peer), f"beat-{peer}")

    async def _beat(self, peer: str) -> None:
        while True:
            self._env.send(peer, {"time": self._env.clock.wall()})
            await self._env.sleep(20)

    async def handle(self, source: str, message: Message) -> Message:
        kind = message.get("type")
        if kind == "hoard":  # memory that is really used
            self._hoard.append(bytearray(os.urandom(message["bytes"])))
        elif kind == "burn":  # processor time
            end = time.process_time() + message["ms"] / 1000
            while time.process_time() < end:
                pass
        elif kind == "relay":
            try:
                await self._env.call(message["to"], {}, message["limit_ms"])
            except CallError as error:
                return {"error": type(error).__name__}
        elif kind == "dial":
            return {"dialed": await asyncio.to_thread(_dial, message["to"], message["limit_ms"] / 1000)}
        elif kind == "open":
            return {"opened": _open_some(100)}
        elif kind == "write":
            self._env.disk.append(message["file"], message["text"].encode())
            if message["sync"]:
                await self._env.disk.sync(message["file"])
                await self._env.disk.sync_dir()
        elif kind == "read":
            found = self._env.disk.exists(message["file"])
            return {"text": self._env.disk.read(message["file"]).decode() if found else None}
        return self._seen()

    def _seen(self) -> Message:
        return {
            "incarnation": self._env.incarnation,
            "pid": os.getpid(),
            "wall_ns": self._env.clock.wall(),
            "wall_s": time.time(),
            "monotonic_ns": time.monotonic_ns(),
            "descriptors": resource.getrlimit(resource.RLIMIT_NOFILE)[0],
        }

    def status(self) -> Message:
        return {"leader": self._env.nodes[0]}


def _dial(address: str, timeout_s: float) -> str:
    """A connection to its data port: "connected", "refused", or "silence"."""
    try:
        socket.create_connection((address, 7000), timeout_s).close()
    except TimeoutError:
        return "silence"
    except ConnectionRefusedError:
        return "refused"
    return "connected"


def _open_some(most: int) -> int:
    """How many more descriptors this process can have, up to ``most``."""
    opened = []
    with contextlib.suppress(OSError):
        while len(opened) < most:
            opened.append(os.open("/dev/null", os.O_RDONLY))
    for fd in opened:
        os.close(fd)
    return len(opened)
