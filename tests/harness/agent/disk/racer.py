"""Does a sync that said it succeeded tell the truth while a disk is made to fail? Run as root in a mount namespace:

    unshare -m python -m tests.harness.agent.disk.racer read_only 20 /tmp/folder

A program appends and syncs as fast as it can, and says after each sync how much there must be. The disk is made to fail
under it, as the agent does; then it is repaired, and what is there is compared with what was said. Prints how often the
program had been told a lie.
"""

from __future__ import annotations

import os
import random
import signal
import struct
import subprocess
import sys
import time
from pathlib import Path

from harness.agent.disk import VERBS, volume

PIECE = b"x" * 900


def write(path: Path, said: int) -> None:
    """Until the disk fails."""
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.fsync(fd)
    total = 0
    try:
        while True:
            os.write(fd, PIECE)
            os.fsync(fd)
            total += len(PIECE)
            os.pwrite(said, struct.pack("Q", total), 0)
    except OSError:
        os._exit(0)


def one(verb: str, device: str, mounted: Path, scratch: Path) -> bool:
    """Whether something is missing that was said to be durable."""
    volume.mount(device, str(mounted))
    said = os.open(scratch / "said", os.O_RDWR | os.O_CREAT | os.O_TRUNC)
    os.pwrite(said, struct.pack("Q", 0), 0)
    child = os.fork()
    if child == 0:
        write(mounted / "file", said)
    started = Path(f"/proc/{child}/stat").read_text().rpartition(")")[2].split()[19]
    (scratch / "pid").write_text(f"{child} {started}")
    time.sleep(random.uniform(0.01, 0.06))
    VERBS[verb](*([str(mounted), str(scratch / "pid")] if verb == "read_only" else [str(mounted)]))
    time.sleep(0.02)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    (promised,) = struct.unpack("Q", os.pread(said, 8, 0))
    os.close(said)
    volume.repair(device, str(mounted))
    there = (mounted / "file").stat().st_size if (mounted / "file").exists() else 0
    (mounted / "file").unlink(missing_ok=True)
    volume.sync(str(mounted))
    volume.unmount(str(mounted))
    return there < promised


def main(verb: str, rounds: int, folder: Path) -> int:
    image, mounted = folder / "image", folder / "mounted"
    mounted.mkdir()
    subprocess.run(["truncate", "-s", "16M", image], check=True)
    subprocess.run(["mkfs.ext4", "-q", "-F", image], check=True)
    losetup = subprocess.run(["losetup", "--show", "-f", image], capture_output=True, text=True, check=True)
    device = losetup.stdout.strip()
    try:
        return sum(one(verb, device, mounted, folder) for _ in range(rounds))
    finally:
        volume.unmount(str(mounted))
        subprocess.run(["losetup", "-d", device], check=True)


if __name__ == "__main__":
    print("lies:", main(sys.argv[1], int(sys.argv[2]), Path(sys.argv[3])))
