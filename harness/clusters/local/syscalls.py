"""The few Linux system calls that Python 3.11 has no name for.

Every function raises OSError with the call, its subject and errno. Constants are from the kernel's uapi headers.
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import os
import struct
from collections.abc import Iterator
from fcntl import ioctl
from typing import Any, Final

CLONE_FS: Final = 0x00000200
CLONE_NEWNS: Final = 0x00020000
CLONE_NEWUTS: Final = 0x04000000
CLONE_NEWIPC: Final = 0x08000000
CLONE_NEWPID: Final = 0x20000000
CLONE_NEWNET: Final = 0x40000000

MS_RDONLY: Final = 0x1
MS_NOSUID: Final = 0x2
MS_NODEV: Final = 0x4
MS_NOEXEC: Final = 0x8
MS_REMOUNT: Final = 0x20
MS_BIND: Final = 0x1000
MS_REC: Final = 0x4000
MS_PRIVATE: Final = 0x40000
MNT_DETACH: Final = 0x2

PR_SET_PDEATHSIG: Final = 1
SYS_PIVOT_ROOT: Final = {"x86_64": 155, "aarch64": 41, "riscv64": 41, "ppc64le": 203, "s390x": 217}

LOOP_CTL_GET_FREE: Final = 0x4C82
LOOP_CONFIGURE: Final = 0x4C0A
LO_FLAGS_AUTOCLEAR: Final = 4
LOOP_MAJOR: Final = 7
FITHAW: Final = 0xC0045878
_THAWS_MAX: Final = 8
EXT4_IOC_SHUTDOWN: Final = 0x8004587D
EXT4_GOING_FLAGS_NOLOGFLUSH: Final = 2
_LOOP_CONFIG: Final = struct.Struct("=II 5Q 4I 64s 64s 32s 2Q 8Q")  # struct loop_config, linux/loop.h

_libc = ctypes.CDLL(None, use_errno=True)


def _call(subject: str, function: Any, *arguments: Any) -> None:
    if function(*arguments) < 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{subject}: {os.strerror(number)}")


def _c(text: str | None) -> bytes | None:
    return None if text is None else os.fsencode(text)


def unshare(flags: int) -> None:
    _call("unshare", _libc.unshare, ctypes.c_int(flags))


def setns(fd: int, kind: int) -> None:
    """Move the calling *thread* into the namespace behind ``fd`` (for CLONE_NEWPID: its future children)."""
    _call("setns", _libc.setns, ctypes.c_int(fd), ctypes.c_int(kind))


def mount(source: str, target: str, kind: str | None, flags: int = 0, data: str | None = None) -> None:
    subject = f"mount {kind or 'bind'} on {target}"
    _call(subject, _libc.mount, _c(source), _c(target), _c(kind), ctypes.c_ulong(flags), _c(data))


def unmount_lazily(target: str) -> None:
    _call(f"umount {target}", _libc.umount2, _c(target), ctypes.c_int(MNT_DETACH))


def pivot_root(new_root: str) -> None:
    """Make ``new_root`` (a mount point) the root of this mount namespace and let go of the old one.

    ``pivot_root(".", ".")`` stacks the old root on the new one, so no folder is needed to put it (pivot_root(2)).
    """
    os.chdir(new_root)
    number = SYS_PIVOT_ROOT[os.uname().machine]
    _call("pivot_root", _libc.syscall, ctypes.c_long(number), _c("."), _c("."))
    unmount_lazily(".")
    os.chdir("/")


def die_with_parent(signal_number: int) -> None:
    _call("prctl", _libc.prctl, ctypes.c_int(PR_SET_PDEATHSIG), ctypes.c_ulong(signal_number), 0, 0, 0)


@contextlib.contextmanager
def inside(fd: int, home: int, kind: int) -> Iterator[None]:
    """Run a block with this thread in the namespace behind ``fd``; ``home`` is the one to come back to."""
    setns(fd, kind)
    try:
        yield
    finally:
        setns(home, kind)


def free_loop_number(control: int) -> int:
    """The number of a loop device that was free a moment ago."""
    return ioctl(control, LOOP_CTL_GET_FREE)


def configure_loop(loop: int, image: int) -> None:
    """Back ``loop`` by ``image``, to be let go when its last user closes it. EBUSY if somebody was quicker."""
    info = (0,) * 5 + (0, 0, 0, LO_FLAGS_AUTOCLEAR) + (b"", b"", b"") + (0, 0)
    ioctl(loop, LOOP_CONFIGURE, _LOOP_CONFIG.pack(image, 0, *info, *(0,) * 8))


def shut_down_ext4(folder: int) -> None:
    """From now on every call to the file system of that folder fails; what is in its log only is not written. One that
    was frozen can be unmounted again."""
    ioctl(folder, EXT4_IOC_SHUTDOWN, struct.pack("I", EXT4_GOING_FLAGS_NOLOGFLUSH))
    with contextlib.suppress(OSError):  # it was not frozen
        ioctl(folder, FITHAW, 0)


def thaw(folder: int) -> bool:
    """Thaw the file system of an open folder, however often it was frozen; whether it was."""
    for number in range(_THAWS_MAX):
        try:
            ioctl(folder, FITHAW, 0)
        except OSError as error:
            if error.errno != errno.EINVAL:  # it is not frozen
                raise
            return number > 0
    return True


def thaw_device(device: str, place: str) -> bool:
    """Thaw the ext4 on a device, by a mount of its own on ``place``: who had it mounted may be gone, or hang. Whether
    it was frozen."""
    mount(device, place, "ext4", MS_NOSUID | MS_NODEV)
    try:
        fd = os.open(place, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            return thaw(fd)
        finally:
            os.close(fd)
    finally:
        unmount_lazily(place)
