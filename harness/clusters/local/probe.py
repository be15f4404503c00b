"""Tries what the kernel can do, in namespaces of its own that end with this process; prints JSON: feature -> failure.

Run by ``examination`` under ``unshare``, with ``python -I -S``.
"""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable

from harness.agent.network import rules
from harness.agent.network.netlink import PacketQueue
from harness.clusters.local import filesystem, syscalls

_SCRATCH = "/tmp"  # noqa: S108 - an empty file system of our own is mounted there first, seen by this process only


def main() -> None:
    syscalls.mount("probe", _SCRATCH, "tmpfs")
    tries = {"veth": _veth, "nftables": _nftables, "overlay": _overlay, "loop": _loop, "queues": _queues}
    print(json.dumps({name: _outcome(attempt) for name, attempt in tries.items()}))


def _outcome(attempt: Callable[[], None]) -> str:
    """ "" if it worked, else why not."""
    try:
        attempt()
    except OSError as error:
        return str(error) or type(error).__name__
    return ""


def _veth() -> None:
    _run("ip", "link", "add", "p0", "type", "veth", "peer", "name", "p1")


def _nftables() -> None:
    _run("nft", "add", "table", "inet", "probe")


def _queues() -> None:
    rules.install(rules.Rules((("198.18.0.2", "198.18.0.2"),), (), None, 22))
    PacketQueue(rules.QUEUE).close()


def _overlay() -> None:
    for name in ("upper", "work", "root"):
        os.mkdir(f"{_SCRATCH}/{name}")
    options = f"lowerdir=/,upperdir={_SCRATCH}/upper,workdir={_SCRATCH}/work"
    syscalls.mount("overlay", f"{_SCRATCH}/root", "overlay", 0, options)


def _loop() -> None:
    disk = filesystem.make_disk(_SCRATCH, "probe")
    os.mkdir(f"{_SCRATCH}/disk")
    syscalls.mount(f"{_SCRATCH}/loop{disk.number}", f"{_SCRATCH}/disk", "ext4")


def _run(*command: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise OSError((done.stderr.strip() or f"status {done.returncode}")[:300])
