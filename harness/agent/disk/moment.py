"""Stops a program in the middle of a write: when bytes that it has written wait in the kernel for their sync.

There is no other way to see that moment from outside than to stop the program and look, again and again.
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import os
import signal
import struct
import time
from collections.abc import Iterator
from random import Random
from typing import Final

SYS_CACHESTAT: Final = 451  # Linux 6.5
STOP_S_MAX: Final = 1.0
GAP_S_MAX: Final = 0.003
RECENT_S: Final = 10.0
FILES_MAX: Final = 2_000
_STOPPED: Final = ("T", "t")

_libc = ctypes.CDLL(None, use_errno=True)


def stop(root: str, pid_file: str, wait_ms: float, seed: str) -> bool | None:
    """SIGSTOP the program, in mid-write if there is one within that time; whether it was one. None if no program
    runs."""
    found = _program(pid_file)
    if found is None:
        return None
    pid, fd = found
    random, deadline = Random(seed), time.monotonic() + wait_ms / 1000
    try:
        while True:
            signal.pidfd_send_signal(fd, signal.SIGSTOP)
            _until_stopped(pid)
            unsynced = any(map(_is_unsynced, _recent(root)))
            if unsynced or time.monotonic() >= deadline:
                return unsynced
            signal.pidfd_send_signal(fd, signal.SIGCONT)
            time.sleep(random.random() * GAP_S_MAX)
    except ProcessLookupError:
        return None
    finally:
        os.close(fd)


@contextlib.contextmanager
def halted(pid_file: str) -> Iterator[None]:
    """For the length of a block the program stands still, and no call of its is under way. One that had been stopped
    before stays so. Raises OSError (EBUSY) if it does not come to a halt."""
    found = _program(pid_file)
    if found is None:
        yield
        return
    pid, fd = found
    stood = _fields(f"/proc/{pid}/stat")[0] in _STOPPED
    try:
        signal.pidfd_send_signal(fd, signal.SIGSTOP)
        if not _until_stopped(pid):
            raise OSError(errno.EBUSY, f"process {pid} does not come to a halt")
        yield
    finally:
        with contextlib.suppress(ProcessLookupError):
            if not stood:
                signal.pidfd_send_signal(fd, signal.SIGCONT)
        os.close(fd)


def _program(pid_file: str) -> tuple[int, int] | None:
    """Its process id and a pidfd."""
    with contextlib.suppress(FileNotFoundError, ProcessLookupError, ValueError):
        with open(pid_file, encoding="ascii") as file:
            pid, started = file.read().split()
        fd = os.pidfd_open(int(pid))
        fields = _fields(f"/proc/{pid}/stat")
        if fields[19] == started and fields[0] not in "ZX":
            return int(pid), fd
        os.close(fd)
    return None


def _fields(path: str) -> list[str]:
    """proc(5)'s stat from the state on."""
    with open(path, encoding="utf-8", errors="replace") as stat:
        return stat.read().rpartition(")")[2].split()


def _until_stopped(pid: int) -> bool:
    """Until none of its threads runs; one in a sync first comes to its end. False if that takes too long."""
    deadline = time.monotonic() + STOP_S_MAX
    while time.monotonic() < deadline:
        states = set()
        for task in os.listdir(f"/proc/{pid}/task"):
            with contextlib.suppress(FileNotFoundError, ProcessLookupError):
                states.add(_fields(f"/proc/{pid}/task/{task}/stat")[0])
        if states <= {*_STOPPED, "Z", "X"}:
            return True
        time.sleep(0.0002)
    return False


def _recent(root: str) -> Iterator[str]:
    oldest_s, count = time.time() - RECENT_S, 0
    for at, _, names in os.walk(root):
        for name in names:
            path = os.path.join(at, name)
            count += 1
            if count > FILES_MAX:
                return
            if os.lstat(path).st_mtime >= oldest_s and os.path.isfile(path) and not os.path.islink(path):
                yield path


def _is_unsynced(path: str) -> bool:
    """Whether pages of the file are dirty, or on their way to the device. False where the kernel does not tell."""
    fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        answer = ctypes.create_string_buffer(40)
        whole = struct.pack("QQ", 0, 0)
        status = _libc.syscall(ctypes.c_long(SYS_CACHESTAT), ctypes.c_int(fd), ctypes.c_char_p(whole), answer,
                               ctypes.c_uint(0))  # fmt: skip
        _, dirty, writeback, *_ = struct.unpack("5Q", answer.raw)
        return bool(status == 0 and dirty + writeback > 0)
    finally:
        os.close(fd)
