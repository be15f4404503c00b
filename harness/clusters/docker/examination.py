"""What the ``docker`` provider needs and whether this machine has it; by looking, never by starting anything."""

from __future__ import annotations

import os
import shutil
from typing import Final

from harness.cluster import Finding
from harness.clusters.docker import engine
from harness.clusters.local.isolation import PATH

_ENGINE: Final = "docker engine"
_INSTALL: Final = "apt-get install -y --no-install-recommends docker.io"
# tool -> (package, what for, required)
_TOOLS: Final = {
    "mkfs.ext4": ("e2fsprogs", "the nodes' own file systems", True),
    "ip": ("iproute2", "the clients' addresses", True),
    "debootstrap": ("debootstrap", "building the nodes' image without a registry", False),
}


def examine() -> tuple[Finding, ...]:
    """All findings, the required ones first."""
    root = os.geteuid() == 0
    rights = Finding("root", root, "the clients' network, the nodes' file systems", f"user id {os.geteuid()}",
                     "run it with sudo")  # fmt: skip
    return (rights, _engine(), *(_tool(name, *row) for name, row in _TOOLS.items()))


def _engine() -> Finding:
    host = engine.answering()
    if host is not None:
        return Finding(_ENGINE, True, "everything", f"at {host}")
    named = os.environ.get(engine.HOST_VARIABLE)
    if named:
        detail = f"{engine.HOST_VARIABLE} names {named}, where none answers; expected unix://..., on this machine"
        return Finding(_ENGINE, False, "everything", detail, f"unset {engine.HOST_VARIABLE}")
    detail = "none answers; one of our own is started when needed" if engine.can_start() else "none answers"
    return Finding(_ENGINE, engine.can_start(), "everything", detail, _INSTALL)


def _tool(name: str, package: str, needed_for: str, required: bool) -> Finding:
    path = shutil.which(name, path=PATH)
    return Finding(name, path is not None, needed_for, path or "", f"apt-get install -y {package}", required)
