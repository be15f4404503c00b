"""A real node's disk: files below one folder, with fsync that does not stop the event loop.

Writes go to the kernel at once; until a sync they live in its page cache, which is what "buffered" means. Syncs run
in threads, one at a time per file. Those asked while one is running share the next (group commit), which began after
all of them. The descriptor of a file with unsynced data stays open: the kernel reports a failed write-back only to
descriptors that were open when it happened (PostgreSQL's fsyncgate, 2018).

The node counts what its disk refused (``disk.ENOSPC``, ...) and calls that it had to wait for (``disk.slow``): a fault
of the disk is proven by what the node itself met.
"""

from __future__ import annotations

import asyncio
import errno
import os
import re
import time
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Final, TypeVar

from harness.node.failure import DISK_ERRORS

T = TypeVar("T")
Count = Callable[[str], None]

FILE_CHARACTERS_MAX: Final = 255
OPEN_FILES_MAX: Final = 64
SYNC_THREADS: Final = 4
SLOW_MS: Final = 100
_PART: Final = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]*")


class Tally:
    """Counts the calls to the disk that failed, or took SLOW_MS and more."""

    __slots__ = ("count",)

    def __init__(self, count: Count) -> None:
        self.count = count

    def call(self, act: Callable[..., T], *arguments: object) -> T:
        began_ns = time.monotonic_ns()
        try:
            return act(*arguments)
        except OSError as error:
            if error.errno in DISK_ERRORS:
                self.count(f"disk.{errno.errorcode[error.errno]}")
            raise
        finally:
            if time.monotonic_ns() - began_ns >= SLOW_MS * 1_000_000:
                self.count("disk.slow")


class Lane:
    """Runs one blocking job again and again in a thread, never twice at once; requests meanwhile share the next run."""

    __slots__ = ("_executor", "_failure", "_job", "_running", "_waiting")

    def __init__(self, executor: ThreadPoolExecutor, job: Callable[[], Callable[[], None]]) -> None:
        """``job`` is called in the event loop when a run begins, and returns what to do in the thread."""
        self._executor, self._job = executor, job
        self._running = False
        self._failure: BaseException | None = None
        self._waiting: list[asyncio.Future[None]] = []

    @property
    def waiting(self) -> bool:
        """Whether another run will follow the present one."""
        return bool(self._waiting)

    def run(self) -> Awaitable[None]:
        """Completes when a run that began after this call has ended. Raises its OSError, and for ever after: the kernel
        drops the pages it could not write and calls the next sync a success, which would be a lie about them."""
        waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        if self._failure is not None:
            waiter.set_exception(self._failure)
            return waiter
        self._waiting.append(waiter)
        if not self._running:
            self._begin()
        return waiter

    def _begin(self) -> None:
        waiters, self._waiting = self._waiting, []
        try:
            job = self._job()
        except OSError as error:  # out of descriptors
            _complete(waiters, error)
            return
        self._running = True
        run = asyncio.get_running_loop().run_in_executor(self._executor, job)
        run.add_done_callback(lambda done: self._end(done, waiters))

    def _end(self, done: asyncio.Future[None], waiters: list[asyncio.Future[None]]) -> None:
        self._running = False
        self._failure = done.exception()
        _complete(waiters, self._failure)
        if self._failure is not None:
            waiters, self._waiting = self._waiting, []
            _complete(waiters, self._failure)
        elif self._waiting:
            self._begin()


def _complete(waiters: Sequence[asyncio.Future[None]], error: BaseException | None) -> None:
    for waiter in waiters:
        if waiter.done():  # cancelled
            continue
        if error is None:
            waiter.set_result(None)
        else:
            waiter.set_exception(error)


class _OpenFile:
    """A file with its descriptor; ``dirty`` while it has data that no sync has covered."""

    __slots__ = ("_closed", "_tally", "dirty", "fd", "lane")

    def __init__(self, fd: int, executor: ThreadPoolExecutor, tally: Tally) -> None:
        self.fd = fd
        self._tally = tally
        self.dirty = False
        self._closed = False
        self.lane = Lane(executor, self._job)

    def close(self) -> None:
        """Close the descriptor, or leave that to the last sync, which still needs it."""
        self._closed = True
        if not self.lane.waiting:
            os.close(self.fd)

    def _job(self) -> Callable[[], None]:
        self.dirty = False
        fd = self.fd if self._closed else os.dup(self.fd)  # may be closed before the thread comes to it
        return lambda: self._tally.call(_fsync_and_close, fd)


def _fsync_and_close(fd: int) -> None:
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def _fsync_folders(folders: Sequence[str]) -> None:
    for folder in folders:
        _fsync_and_close(os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC))


class HostDisk:
    """The files below ``folder``, which is made if need be. See :class:`harness.node.Disk`. ``count`` is told what the
    disk refused and what it was slow in, in whatever thread that was."""

    def __init__(self, folder: str, count: Count = lambda name: None) -> None:
        os.makedirs(folder, exist_ok=True)
        self._tally = Tally(count)
        self._folder = os.path.realpath(folder)
        self._files: dict[str, _OpenFile] = {}  # by name, the least recently used first
        # all of them: a process before this one may have died before it synced what it had renamed
        self._changed_folders = {path for path, _, _ in os.walk(self._folder)}
        self._executor = ThreadPoolExecutor(SYNC_THREADS, thread_name_prefix="sync")
        self._folder_lane = Lane(self._executor, self._folder_job)
        self.drawn_out_ms: Callable[[float], float] = lambda ms: 0.0
        """How much longer than it took a sync is to take, on a slow node."""

    def exists(self, file: str) -> bool:
        return os.path.isfile(self._path(file))

    def list(self, prefix: str = "") -> Sequence[str]:
        found = []
        for folder, _, names in os.walk(self._folder):
            relative = os.path.relpath(folder, self._folder)
            found += [name if relative == "." else f"{relative}/{name}" for name in names]
        return tuple(sorted(file for file in found if file.startswith(prefix)))

    def size(self, file: str) -> int:
        return os.fstat(self._open(file).fd).st_size

    def read(self, file: str, offset: int = 0, length: int | None = None) -> bytes:
        fd = self._open(file).fd
        remaining = max(0, os.fstat(fd).st_size - offset) if length is None else length
        parts = []
        while remaining > 0 and (part := os.pread(fd, remaining, offset)):
            parts.append(part)
            offset += len(part)
            remaining -= len(part)
        return b"".join(parts)

    def append(self, file: str, data: bytes) -> None:
        self._write(self._open(file, create=True), data)

    def write(self, file: str, data: bytes) -> None:
        opened = self._open(file, create=True)
        opened.dirty = True
        self._tally.call(os.ftruncate, opened.fd, 0)
        self._write(opened, data)

    def truncate(self, file: str, length: int) -> None:
        opened = self._open(file)
        opened.dirty = True
        self._tally.call(os.ftruncate, opened.fd, length)

    def rename(self, old: str, new: str) -> None:
        source, target = self._path(old), self._path(new)
        self._make_folder(os.path.dirname(target))
        self._tally.call(os.rename, source, target)
        self._close(new)
        if (opened := self._files.pop(old, None)) is not None:
            self._files[new] = opened
        self._changed_folders |= {os.path.dirname(source), os.path.dirname(target)}

    def delete(self, file: str) -> None:
        path = self._path(file)
        self._tally.call(os.unlink, path)
        self._close(file)
        self._changed_folders.add(os.path.dirname(path))

    async def sync(self, file: str) -> None:
        await self._drawn_out(self._open(file).lane.run())

    async def sync_dir(self) -> None:
        await self._drawn_out(self._folder_lane.run())

    async def _drawn_out(self, sync: Awaitable[None]) -> None:
        began_s = time.monotonic()
        await sync
        if more_ms := self.drawn_out_ms((time.monotonic() - began_s) * 1000):
            await asyncio.sleep(more_ms / 1000)

    def _path(self, file: str) -> str:
        parts = file.split("/")
        if len(file) > FILE_CHARACTERS_MAX or not all(_PART.fullmatch(part) for part in parts):
            raise ValueError(f"read the file name {file[:80]!r}; expected a relative path such as 'wal/00000001'")
        return os.path.join(self._folder, *parts)

    def _open(self, file: str, create: bool = False) -> _OpenFile:
        opened = self._files.pop(file, None)
        if opened is None:
            opened = _OpenFile(
                self._tally.call(self._descriptor, self._path(file), create), self._executor, self._tally
            )
            self._close_unused()
        self._files[file] = opened
        return opened

    def _descriptor(self, path: str, create: bool) -> int:
        flags = os.O_RDWR | os.O_APPEND | os.O_CLOEXEC
        try:
            return os.open(path, flags)
        except FileNotFoundError:
            if not create:
                raise
        folder = os.path.dirname(path)
        self._make_folder(folder)
        self._changed_folders.add(folder)
        return os.open(path, flags | os.O_CREAT, 0o644)

    def _make_folder(self, folder: str) -> None:
        if folder == self._folder or os.path.isdir(folder):
            return
        above = os.path.dirname(folder)
        self._make_folder(above)
        os.mkdir(folder)
        self._changed_folders.add(above)

    def _write(self, opened: _OpenFile, data: bytes) -> None:
        opened.dirty = True
        rest = memoryview(data)
        while rest:
            rest = rest[self._tally.call(os.write, opened.fd, rest) :]

    def _close_unused(self) -> None:
        if len(self._files) < OPEN_FILES_MAX:
            return
        for file, opened in self._files.items():
            if not opened.dirty:
                self._close(file)
                return

    def _close(self, file: str) -> None:
        if (opened := self._files.pop(file, None)) is not None:
            opened.close()

    def _folder_job(self) -> Callable[[], None]:
        folders, self._changed_folders = sorted(self._changed_folders), set()
        return lambda: self._tally.call(_fsync_folders, folders)


def next_incarnation(data: str) -> int:
    """1 at the first start on this disk, one more each time; on stable storage before this returns.

    The counter stands beside the program's folder, in ``<data>.incarnation``. ValueError if it was damaged.
    """
    path = data.rstrip("/") + ".incarnation"
    folder = os.path.dirname(path) or "."
    os.makedirs(folder, exist_ok=True)
    try:
        with open(path, encoding="ascii") as file:
            incarnation = int(file.read(32)) + 1
    except FileNotFoundError:
        incarnation = 1
    with open(path + ".new", "w", encoding="ascii") as file:
        file.write(f"{incarnation}\n")
        file.flush()
        os.fsync(file.fileno())
    os.replace(path + ".new", path)
    _fsync_folders([folder])
    return incarnation
