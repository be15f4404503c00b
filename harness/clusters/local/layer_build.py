"""Makes a layer with Debian packages over this machine's root, as PID 1 of namespaces that end with it.

Run by ``layer`` under ``unshare``, with ``python -I -S``; reads a :class:`BuildRequest` from standard input. The
machine itself is not changed.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import sys
from collections.abc import Mapping
from dataclasses import asdict, dataclass

from harness.clusters.local import filesystem, syscalls
from harness.clusters.local.installation import install
from harness.clusters.local.syscalls import MS_NOSUID, mount


@dataclass(frozen=True, slots=True)
class BuildRequest:
    """``place`` is an empty folder to mount on, ``image`` the file to be made, ``kept`` where downloads stay."""

    place: str
    image: str
    kept: str
    packages: tuple[str, ...]
    proxies: Mapping[str, str]

    def encode(self) -> bytes:
        return json.dumps(asdict(self)).encode()


def main() -> None:
    request = BuildRequest(**json.load(sys.stdin))
    os.umask(0o022)
    mount("splitbrain", request.place, "tmpfs", MS_NOSUID, "mode=0700")
    disk = filesystem.make_layer(request.place, request.image)
    root = f"{request.place}/root"
    os.mkdir(root)
    filesystem.mount_host(root, f"{request.place}/layer")
    filesystem.mount_system_folders(root)
    install(root, request.packages, request.kept, request.proxies)
    _kill_all_others()
    for target in (root, f"{request.place}/layer"):
        syscalls.unmount_lazily(target)
    filesystem.await_unmounted(request.place, disk)
    with open(request.image, "rb") as image:
        os.fsync(image.fileno())


def _kill_all_others() -> None:
    """A script may have started something all the same, and it would hold the layer."""
    with contextlib.suppress(ProcessLookupError):  # from PID 1: everybody else
        os.kill(-1, signal.SIGKILL)
    with contextlib.suppress(ChildProcessError):
        while True:
            os.wait()
