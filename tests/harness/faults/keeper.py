"""A node program that keeps a diary on its disk, for tests of what becomes of it."""

from __future__ import annotations

from collections.abc import Mapping

from harness.node import CallError, Env, Message


class Keeper:
    """Each node keeps a diary, syncs every entry, and calls the others; or, with ``work=none``, does nothing at all. A
    node that reads anything but its entries when it starts tells so."""

    def __init__(self, env: Env, options: Mapping[str, str]) -> None:
        self._env, self._works = env, options["work"] != "none"
        self._next, self._pace_ms, self._times = 0, float(options.get("pace_ms", "1")), int(options.get("times", "1"))

    async def start(self) -> None:
        disk = self._env.disk
        diary = disk.read("diary") if disk.exists("diary") else b""
        disk.append("diary", b"")
        self._next = len(diary) // len(self._entry(0))
        self._env.event("read", bytes=len(diary), damaged=diary != b"".join(map(self._entry, range(self._next))))
        await disk.sync("diary")
        await disk.sync_dir()
        if self._works:
            self._env.spawn(self._write(), "write")
            self._env.spawn(self._call(), "call")

    def _entry(self, number: int) -> bytes:
        return f"{number:9}.".encode() * self._times

    async def _write(self) -> None:
        while True:
            self._env.disk.append("diary", self._entry(self._next))
            self._next += 1
            await self._env.disk.sync("diary")
            await self._env.sleep(self._pace_ms)

    async def _call(self) -> None:
        while True:
            for peer in self._env.peers:
                try:
                    await self._env.call(peer, {}, 10 * self._pace_ms)
                except CallError:
                    continue
            await self._env.sleep(2 * self._pace_ms)

    def status(self) -> Message:
        return {"leader": "n2"}

    async def handle(self, source: str, message: Message) -> Message:
        return {}
