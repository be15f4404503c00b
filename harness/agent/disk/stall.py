"""A process that keeps a file system frozen, or freezes it again and again, until it is told to end.

A frozen file system whose keeper is forgotten stays so for ever. So it thaws when it is told to (SIGTERM), when its
time is over, and when its ``owner`` (a process, or 0) has ended.
"""

from __future__ import annotations

import contextlib
import os
import select
import signal
import time
from typing import Final, NoReturn

from harness.agent.disk import volume

END_S_MAX: Final = 3.0
PID_FILE: Final = "stall.pid"


def begin(folder: str, scratch: str, frozen_ms: float, gap_ms: float, life_s: float, owner: int) -> None:
    """Freeze ``folder``; returns when it is frozen. With a gap of 0 it stays so; else it is frozen for ``frozen_ms``
    and thawed for ``gap_ms``, in turns."""
    end(folder, scratch)
    os.makedirs(scratch, exist_ok=True)
    read, write = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(read)
        _keep(folder, write, frozen_ms, gap_ms, time.monotonic() + life_s, owner)
    os.close(write)
    with open(f"{scratch}/{PID_FILE}", "w", encoding="ascii") as file:
        file.write(f"{pid} {_start_time(pid)}")
    with open(read, encoding="utf-8") as pipe:
        if (told := pipe.read()) != "frozen":
            raise OSError(f"freeze {folder}: {told or 'its keeper ended without a word'}")


def end(folder: str, scratch: str) -> None:
    """Thaw, whoever froze it."""
    path = f"{scratch}/{PID_FILE}"
    with contextlib.suppress(FileNotFoundError, ProcessLookupError):
        with open(path, encoding="ascii") as file:
            pid, started = file.read().split()
        fd = os.pidfd_open(int(pid))
        try:
            if _start_time(int(pid)) == started:
                signal.pidfd_send_signal(fd, signal.SIGTERM)
                if not select.select([fd], [], [], END_S_MAX)[0]:
                    signal.pidfd_send_signal(fd, signal.SIGKILL)
        finally:
            os.close(fd)
    volume.thaw(folder)
    with contextlib.suppress(FileNotFoundError):
        os.unlink(path)


def _keep(folder: str, report: int, frozen_ms: float, gap_ms: float, until: float, owner: int) -> NoReturn:
    """The process itself, apart from whoever started it."""
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM, signal.SIGHUP, signal.SIGINT})
    os.setsid()
    os.chdir("/")
    null = os.open("/dev/null", os.O_RDWR)
    for fd in (0, 1, 2):
        os.dup2(null, fd)
    try:
        volume.freeze(folder)
    except OSError as error:
        os.write(report, str(error).encode())
        os._exit(1)
    os.write(report, b"frozen")
    os.close(report)
    try:
        _cycle(folder, frozen_ms / 1000, gap_ms / 1000, until, owner)
    finally:
        try:
            volume.thaw(folder)
        finally:
            os._exit(0)


def _cycle(folder: str, frozen_s: float, gap_s: float, until: float, owner: int) -> None:
    while not _over(frozen_s, until, owner):
        if gap_s:
            volume.thaw(folder)
            if _over(gap_s, until, owner):
                return
            volume.freeze(folder)


def _over(seconds: float, until: float, owner: int) -> bool:
    """Sleep; whether this process is to end."""
    told = signal.sigtimedwait({signal.SIGTERM}, min(seconds, max(0.0, until - time.monotonic())))
    return told is not None or time.monotonic() >= until or (owner != 0 and not os.path.exists(f"/proc/{owner}"))


def _start_time(pid: int) -> str:
    """Clock ticks since boot: with the process id it names one process for ever."""
    try:
        with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as file:
            return file.read().rpartition(")")[2].split()[19]
    except FileNotFoundError:
        return ""
