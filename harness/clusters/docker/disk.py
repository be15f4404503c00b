"""A node's own file system: ext4 on a loop device over memory of this process, mounted in the container from outside.

The container itself can neither mount nor open the device. Nothing of it is on this machine's own disks or among its
mounts: when the container and this process are gone, the kernel takes all of it back.
"""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass
from typing import Final

from harness.clusters.local.filesystem import DATA_FOLDER, DISK_BYTES, DISK_DEVICE, disk_in
from harness.clusters.local.syscalls import CLONE_NEWNS, LOOP_MAJOR, MS_NODEV, MS_NOSUID, mount
from harness.clusters.namespace import inside

_DEVICES: Final = "/dev"


@dataclass(frozen=True, slots=True)
class Disk:
    """``number`` is the loop device's; ``fd`` keeps it bound while its container is off."""

    number: int
    fd: int

    @staticmethod
    def new(name: str) -> Disk:
        """Raises OSError."""
        memory = os.memfd_create(name, os.MFD_CLOEXEC)
        try:
            os.ftruncate(memory, DISK_BYTES)
            made = disk_in(f"/proc/{os.getpid()}/fd/{memory}", _DEVICES, name)
        finally:
            os.close(memory)  # the loop device holds it
        return Disk(made.number, made.fd)

    def mount(self, pid: int) -> None:
        """Mount it at the data folder of the container whose process this is. Raises OSError."""
        fd = os.open(f"/proc/{pid}/ns/mnt", os.O_RDONLY | os.O_CLOEXEC)
        try:
            inside(fd, CLONE_NEWNS, self._mount_here)
        finally:
            os.close(fd)

    def _mount_here(self) -> None:
        if not os.path.exists(DISK_DEVICE):
            os.mknod(DISK_DEVICE, stat.S_IFBLK | 0o600, os.makedev(LOOP_MAJOR, self.number))
        mount(DISK_DEVICE, DATA_FOLDER, "ext4", MS_NOSUID | MS_NODEV)

    def close(self) -> None:
        os.close(self.fd)
