"""What one process sees of its simulated disk: ``harness.node.Disk`` in virtual time, inert once the process ended."""

from __future__ import annotations

import errno
from collections.abc import Sequence
from typing import Any, Final, Protocol

from harness.node import Future
from harness.simulation.disk_content import Content
from harness.simulation.disk_device import Device
from harness.simulation.disk_names import check_name, failure
from harness.simulation.scheduler import Cancelled

USUAL_MS: Final = 1
USUAL_SHARE: Final = 0.85
SOMETIMES_MS: Final = (2, 3, 4, 5)
SOMETIMES_SHARE: Final = 0.14
SELDOM_MS: Final = 20

_FOLDERS: Final = "."


class Syncable(Protocol):
    """What a sync makes durable: a file's content, or the names. ``count`` is the number of its changes so far."""

    count: int
    failed: bool

    def settle(self, covered: int) -> None: ...


class SimFiles:
    """See :class:`harness.node.Disk`. Made by :meth:`harness.simulation.disk.SimDisk.open`.

    Syncs overlap, also on one file, and may end in any order; each covers what was changed before it began. After one
    that failed all others on that file fail, as long as this process lives.
    """

    __slots__ = ("_closed", "_device", "_files", "_future", "_lane", "_latency")

    def __init__(self, device: Device, lane: Any) -> None:
        self._device, self._lane = device, lane
        self._future = device.clock.future
        self._latency = device.draws("sync").random
        self._files = device.names.present  # empty once closed, so that the short ways need no other test
        self._closed = False

    def close(self) -> None:
        """From now on nothing has an effect, and syncs under way never end."""
        self._files, self._closed = {}, True

    def exists(self, file: str) -> bool:
        if file in self._files:
            return True
        if not self._is_late("exists"):
            check_name(file)
        return False

    def list(self, prefix: str = "") -> Sequence[str]:
        if self._is_late("list"):
            return ()
        return tuple(sorted(file for file in self._files if file.startswith(prefix)))

    def size(self, file: str) -> int:
        content = self._found(file, "size")
        return 0 if content is None else len(content.data)

    def read(self, file: str, offset: int = 0, length: int | None = None) -> bytes:
        content = self._found(file, "read")
        if content is None:
            return b""
        end = len(content.data) if length is None else offset + length
        if end <= offset:
            return b""
        if offset < 0:
            raise failure(errno.EINVAL, file)
        if content.damage:
            self._device.met.update(content.damage_met(offset, end))
        return bytes(memoryview(content.data)[offset:end])

    def append(self, file: str, data: bytes) -> None:
        content = self._files.get(file)
        if content is None:
            if self._is_late("append"):
                return
            content = self._created(file)
        self._grow(file, content, data)

    def write(self, file: str, data: bytes) -> None:
        content = self._files.get(file)
        if content is None:
            if self._is_late("write"):
                return
            content = self._created(file)
        self._check_writable(file)
        old = len(content.data)
        content.resize(0)
        if self._device.full and len(data) <= old:  # it does not grow
            content.append(data)
        else:
            self._grow(file, content, data)

    def truncate(self, file: str, length: int) -> None:
        content = self._found(file, "truncate")
        if content is None:
            return
        if length < 0:
            raise failure(errno.EINVAL, file)
        self._check_writable(file)
        growth = max(0, length - len(content.data))
        if growth > self._device.room:
            self._device.make_room(file, growth)
        self._device.room -= growth
        content.resize(length)

    def rename(self, old: str, new: str) -> None:
        if not self._is_late("rename"):
            self._check_writable(old)
            self._device.names.rename(old, new)

    def delete(self, file: str) -> None:
        if not self._is_late("delete"):
            self._check_writable(file)
            self._device.names.delete(file)

    async def sync(self, file: str) -> None:
        content = self._found(file, "sync")
        if content is None:
            raise Cancelled
        await self._begin_sync(file, content)

    async def sync_dir(self) -> None:
        if self._is_late("sync_dir"):
            raise Cancelled
        await self._begin_sync(_FOLDERS, self._device.names)

    def _created(self, file: str) -> Content:
        self._check_writable(file)
        return self._device.names.create(file)

    def _check_writable(self, file: str) -> None:
        if self._device.read_only and not self._closed:
            check_name(file)
            raise self._device.refused(file)

    def _found(self, file: str, verb: str) -> Content | None:
        """The file; None if this handle is closed. Raises the error of a file that is not there."""
        content = self._files.get(file)
        if content is None and not self._is_late(verb):
            raise self._device.names.missing(file)
        return content

    def _is_late(self, verb: str) -> bool:
        if self._closed:
            self._device.late(verb)
        return self._closed

    def _grow(self, file: str, content: Content, data: bytes) -> None:
        device, size = self._device, len(data)
        if size > device.room:
            try:
                device.make_room(file, size)
            except OSError:
                content.append(data[: device.last_bytes(size)])
                raise
        device.room -= size
        content.append(data)

    def _begin_sync(self, file: str, target: Syncable) -> Future[None]:
        if target.failed:
            raise failure(errno.EIO, file)
        future: Future[None] = self._future()
        self._device.clock.after(self._lane, self._latency_ms(), self._end_sync, (file, target, target.count, future))
        return future

    def _end_sync(self, sync: tuple[str, Syncable, int, Future[None]]) -> None:
        file, target, covered, future = sync
        if self._closed:
            return
        if self._device.stalled:
            self._device.wait(self._lane, self._end_sync, sync)
        elif self._device.read_only:
            target.failed = True
            future.set_exception(self._device.refused(file))
        elif target.failed or self._device.is_failing():
            target.failed = True
            future.set_exception(failure(errno.EIO, file))
        else:
            target.settle(covered)
            if isinstance(target, Content):
                self._device.latest = target
            future.set_result(None)

    def _latency_ms(self) -> int:
        drawn = self._latency()
        if drawn < USUAL_SHARE:
            ms = USUAL_MS
        elif drawn < USUAL_SHARE + SOMETIMES_SHARE:
            ms = SOMETIMES_MS[int((drawn - USUAL_SHARE) / SOMETIMES_SHARE * len(SOMETIMES_MS)) % len(SOMETIMES_MS)]
        else:
            ms = SELDOM_MS
        return ms if self._device.slow == 1 and not self._device.slow_ms else self._device.slowed(ms)
