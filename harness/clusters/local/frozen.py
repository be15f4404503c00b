"""Data file systems of dead runs that are still there because they are frozen: thawed, and so gone.

A supervisor thaws what is frozen before it ends. Only where it was killed itself does a frozen file system stay in the
kernel, with its loop device and with every process that waits for it, although nothing of it is mounted any more.
A mount of its own, which nobody else sees, gets hold of it.
"""

from __future__ import annotations

import os
import stat
import tempfile
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

from harness.clusters.local import syscalls

LOOPS: Final = Path("/sys/block")


def left_behind(is_dead: Callable[[str], bool]) -> Iterator[tuple[int, str]]:
    """Loop devices, with their images, of runs of which ``is_dead`` says so. An image is named after its run."""
    for backing in sorted(LOOPS.glob("loop*/loop/backing_file")):
        try:
            image = Path(backing.read_text("utf-8").strip().removesuffix(" (deleted)")).name
        except OSError:  # it is let go at this moment
            continue
        if image.endswith(".ext4") and is_dead(image.rpartition("-")[0]):
            yield int(backing.parent.parent.name.removeprefix("loop")), image


def is_attached(number: int, image: str) -> bool:
    """Whether that loop device (still) has that image."""
    return (number, image) in left_behind(lambda name: image.startswith(f"{name}-"))


def thaw(number: int) -> bool:
    """Thaw the file system on that loop device; whether it was frozen. Raises OSError."""
    errors: list[OSError] = []
    thawed: list[bool] = []

    def act() -> None:
        try:
            thawed.append(_thaw(number))
        except OSError as error:
            errors.append(error)

    thread = threading.Thread(target=act, name="thaw")  # of its own: its mounts end with it
    thread.start()
    thread.join()
    if errors:
        raise errors[0]
    return thawed[0]


def _thaw(number: int) -> bool:
    syscalls.unshare(syscalls.CLONE_FS | syscalls.CLONE_NEWNS)
    syscalls.mount("none", "/", None, syscalls.MS_REC | syscalls.MS_PRIVATE)
    with tempfile.TemporaryDirectory(prefix="splitbrain-") as folder:
        device, place = f"{folder}/device", f"{folder}/disk"
        os.mknod(device, stat.S_IFBLK | 0o600, os.makedev(syscalls.LOOP_MAJOR, number))
        os.mkdir(place)
        return syscalls.thaw_device(device, place)
