"""A disk in memory that forgets at a power loss what was not synced, as unkindly as file systems do.

A real disk cannot be made to lose its cache by a test; everything else in the tests uses real files.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Sequence
from random import Random


class PowerLost(Exception):
    """Whoever was waiting for this disk is gone."""


class _Inode:
    def __init__(self) -> None:
        self.durable = b""
        self.content = b""
        self.pending: list[tuple[str, bytes, int]] = []  # (append | write | truncate, data, offset or length)
        self.changes = 0  # ever pending

    def change(self, kind: str, data: bytes, number: int) -> None:
        self.changes += 1
        self.pending.append((kind, data, number))
        self.content = _applied(self.content, kind, data, number)


def _applied(content: bytes, kind: str, data: bytes, number: int) -> bytes:
    if kind == "truncate":
        return content[:number]
    if kind == "write":
        return data
    return content[:number].ljust(number, b"\0") + data + content[number + len(data) :]


class CrashDisk:
    """``harness.node.Disk`` in memory. ``after_crash`` gives the disk that the next incarnation finds."""

    def __init__(self) -> None:
        self._names: dict[str, _Inode] = {}
        self._durable_names: dict[str, _Inode] = {}
        self._name_changes: list[Callable[[dict[str, _Inode]], None]] = []
        self._renames = 0
        self.dead = False
        self.slow: dict[str, int] = {}
        """How many turns of the event loop a file's sync takes, where it is not the usual few."""
        self.turns: Callable[[], int] = lambda: 2
        """The usual few."""

    def after_crash(self, random: Random, holes: bool = False) -> CrashDisk:
        """What a power loss leaves: of each file's unsynced changes a prefix, the last one torn (``holes``: any
        subset, zeros where one is missing); of the unsynced names a prefix."""
        self.dead = True
        next_disk = CrashDisk()
        names = dict(self._durable_names)
        for change in self._name_changes[: random.randint(0, len(self._name_changes))]:
            change(names)
        for name, inode in names.items():
            survivor = _Inode()
            survivor.durable = survivor.content = _surviving(inode, random, holes)
            next_disk._names[name] = survivor
        next_disk._durable_names = dict(next_disk._names)
        return next_disk

    def after_crash_that_keeps(self, kept: Collection[int]) -> CrashDisk:
        """What a power loss leaves where all names, and of each file's unsynced changes exactly these, are on disk."""
        self.dead = True
        next_disk = CrashDisk()
        for name, inode in self._names.items():
            survivor = next_disk._names[name] = _Inode()
            for number, (kind, data, at) in enumerate(inode.pending):
                inode.durable = _applied(inode.durable, kind, data, at) if number in kept else inode.durable
            survivor.durable = survivor.content = inode.durable
        next_disk._durable_names = dict(next_disk._names)
        return next_disk

    def after_kill(self) -> CrashDisk:
        """What the death of the process leaves: everything, synced or not."""
        self.dead = True
        next_disk = CrashDisk()
        next_disk._names, next_disk._durable_names = self._names, self._durable_names
        next_disk._name_changes = self._name_changes
        return next_disk

    def exists(self, file: str) -> bool:
        return file in self._names

    def list(self, prefix: str = "") -> Sequence[str]:
        return sorted(name for name in self._names if name.startswith(prefix))

    def size(self, file: str) -> int:
        return len(self._inode(file).content)

    def read(self, file: str, offset: int = 0, length: int | None = None) -> bytes:
        return self._inode(file).content[offset : None if length is None else offset + length]

    def append(self, file: str, data: bytes) -> None:
        if not self.dead:
            inode = self._created(file)
            inode.change("append", data, len(inode.content))

    def write(self, file: str, data: bytes) -> None:
        if not self.dead:
            self._created(file).change("write", data, 0)

    def truncate(self, file: str, length: int) -> None:
        if not self.dead:
            self._inode(file).change("truncate", b"", length)

    def rename(self, old: str, new: str) -> None:
        inode = self._inode(old)

        def change(names: dict[str, _Inode]) -> None:
            names.pop(old, None)
            names[new] = inode

        self._change_names(change)

    def delete(self, file: str) -> None:
        self._inode(file)

        def change(names: dict[str, _Inode]) -> None:
            names.pop(file, None)

        self._change_names(change)

    async def sync(self, file: str) -> None:
        inode = self._inode(file)
        covered = inode.changes
        await self._io(self.slow.get(file) or self.turns())
        done = max(len(inode.pending) - (inode.changes - covered), 0)  # syncs overlap: another may have done some
        for kind, data, number in inode.pending[:done]:
            inode.durable = _applied(inode.durable, kind, data, number)
        del inode.pending[:done]

    async def sync_dir(self) -> None:
        covered = self._renames
        await self._io(self.turns())
        done = max(len(self._name_changes) - (self._renames - covered), 0)
        for change in self._name_changes[:done]:
            change(self._durable_names)
        del self._name_changes[:done]

    async def _io(self, turns: int) -> None:
        for _ in range(turns):
            await asyncio.sleep(0)
        if self.dead:
            raise PowerLost

    def _inode(self, file: str) -> _Inode:
        if file not in self._names:
            raise FileNotFoundError(file)
        return self._names[file]

    def _created(self, file: str) -> _Inode:
        if file not in self._names:
            inode = _Inode()
            self._change_names(lambda names: names.update({file: inode}))
        return self._names[file]

    def _change_names(self, change: Callable[[dict[str, _Inode]], None]) -> None:
        if not self.dead:
            change(self._names)
            self._name_changes.append(change)
            self._renames += 1

    def flip(self, file: str, at: int) -> None:
        """Damage one byte that is on the platter."""
        inode = self._inode(file)
        assert not inode.pending, "only durable bytes rot"
        damaged = bytearray(inode.durable)
        damaged[at] ^= 0x15
        inode.durable = inode.content = bytes(damaged)


def _surviving(inode: _Inode, random: Random, holes: bool) -> bytes:
    content = inode.durable
    if holes and all(kind != "write" for kind, _, _ in inode.pending):
        for kind, data, number in inode.pending:
            if random.random() < 0.6:
                whole = kind == "truncate" or random.random() < 0.5
                content = _applied(content, kind, data if whole else data[: random.randint(0, len(data))], number)
        return content
    kept = random.randint(0, len(inode.pending))
    for position, (kind, data, number) in enumerate(inode.pending[:kept], 1):
        torn = kind != "truncate" and position == kept and random.random() < 0.5
        content = _applied(content, kind, data[: random.randint(0, len(data))] if torn else data, number)
    return content
