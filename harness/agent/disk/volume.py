"""A mounted ext4 file system as a whole: mount it, cut it off, make it fail, freeze it, and make it good again.

Constants are from the kernel's uapi headers. Every function raises OSError.
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import os
import shutil
import struct
import subprocess
import time
from collections.abc import Iterator
from fcntl import ioctl
from typing import Final

MS_NOSUID: Final = 0x2
MS_NODEV: Final = 0x4
MS_REMOUNT: Final = 0x20

EXT4_IOC_SHUTDOWN: Final = 0x8004587D
NOLOGFLUSH: Final = struct.pack("I", 2)  # what the journal has not committed is lost
FROZEN_FIRST: Final = struct.pack("I", 0)  # EXT4_GOING_FLAGS_DEFAULT: what was written by then is durable
FIFREEZE: Final = 0xC0045877
FITHAW: Final = 0xC0045878

FILLER: Final = ".splitbrain-filler"
PROBE: Final = ".splitbrain-probe"
PATH: Final = "/usr/sbin:/usr/bin:/sbin:/bin"
BUSY_S_MAX: Final = 3.0  # a killed program may take a moment to let go of its files
THAWS_MAX: Final = 8
E2FSCK_CORRECTED_MAX: Final = 2  # e2fsck(8): 1 corrected, 2 corrected and to be mounted anew; above: not corrected

_libc = ctypes.CDLL(None, use_errno=True)


@contextlib.contextmanager
def opened(folder: str) -> Iterator[int]:
    fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        yield fd
    finally:
        os.close(fd)


def mount(device: str, folder: str) -> None:
    _call(f"mount {folder}", _libc.mount(device.encode(), folder.encode(), b"ext4",
                                         ctypes.c_ulong(MS_NOSUID | MS_NODEV), None))  # fmt: skip


def unmount(folder: str) -> None:
    """Nothing to do if nothing is mounted there."""
    deadline = time.monotonic() + BUSY_S_MAX
    while _libc.umount2(folder.encode(), ctypes.c_int(0)) < 0:
        number = ctypes.get_errno()
        if number == errno.EINVAL:
            return
        if number != errno.EBUSY or time.monotonic() > deadline:
            raise OSError(number, f"umount {folder}: {os.strerror(number)}")
        time.sleep(0.02)


def shut_down(folder: str) -> None:
    """From now on every call gives EIO, and nothing more reaches the device: neither what is cached nor the journal.

    Only under programs that are stopped, or that nobody hears: a sync that is under way may say that it succeeded, and
    what it was about is lost (seen in 1 of 20 such moments).
    """
    with opened(folder) as fd:
        ioctl(fd, EXT4_IOC_SHUTDOWN, NOLOGFLUSH)


def fail(folder: str) -> None:
    """From now on every call gives EIO, under programs that run: each sync that said it succeeded did."""
    with opened(folder) as fd:
        ioctl(fd, EXT4_IOC_SHUTDOWN, FROZEN_FIRST)


def abort(folder: str) -> None:
    """As the file system itself does after an error: from now on it can only be read (EROFS). Under a program that
    stands still: here, too, a sync that is under way may lie (seen in 1 of 8)."""
    flags = ctypes.c_ulong(MS_REMOUNT | MS_NOSUID | MS_NODEV)
    _call(f"abort {folder}", _libc.mount(None, folder.encode(), None, flags, b"abort"))


def freeze(folder: str) -> None:
    """From now on whatever would change it hangs, and cannot even be killed, until :func:`thaw`."""
    with opened(folder) as fd:
        ioctl(fd, FIFREEZE, 0)


def thaw(folder: str) -> None:
    """However often it was frozen."""
    with opened(folder) as fd:
        for _ in range(THAWS_MAX):
            try:
                ioctl(fd, FITHAW, 0)
            except OSError as error:
                if error.errno != errno.EINVAL:  # it is not frozen
                    raise
                return


def sync(folder: str) -> None:
    """Make all of this file system durable, and nothing of any other."""
    with opened(folder) as fd:
        _call(f"syncfs {folder}", _libc.syncfs(ctypes.c_int(fd)))


def fill(folder: str) -> int:
    """Take all the space there is; returns the bytes taken."""
    fd = os.open(f"{folder}/{FILLER}", os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        size = os.fstat(fd).st_size
        piece = 1 << 28
        while piece >= 4096:
            try:
                os.posix_fallocate(fd, size, piece)
                size += piece
            except OSError as error:
                if error.errno != errno.ENOSPC:
                    raise
                piece >>= 1
        os.fsync(fd)
    finally:
        os.close(fd)
    return size


def empty(folder: str) -> None:
    """Give back what :func:`fill` took; a file system that can no longer be written does so when it is repaired."""
    with contextlib.suppress(FileNotFoundError):
        os.unlink(f"{folder}/{FILLER}")


def failure(folder: str) -> str:
    """What whoever writes is told: "EIO", "EROFS", or "" if it can be written (or is only full)."""
    path = f"{folder}/{PROBE}"
    try:
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600))
        os.unlink(path)
    except OSError as error:
        return "" if error.errno == errno.ENOSPC else errno.errorcode.get(error.errno or 0, str(error))
    return ""


def repair(device: str, folder: str) -> None:
    """Mount it anew, checked: what was synced is there. Nobody may have a file open on it."""
    unmount(folder)
    if shutil.which("e2fsck", path=PATH) is not None:  # without it, an error of before stays noted, and no more
        done = subprocess.run(["e2fsck", "-p", device], capture_output=True, text=True, check=False, env={"PATH": PATH})
        if done.returncode > E2FSCK_CORRECTED_MAX:
            said = (done.stdout + done.stderr)[-500:]
            raise OSError(errno.EIO, f"e2fsck -p {device}: status {done.returncode}: {said}")
    mount(device, folder)
    empty(folder)


def _call(subject: str, status: int) -> None:
    if status < 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{subject}: {os.strerror(number)}")
