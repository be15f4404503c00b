"""Adds Debian packages to the nodes' image: reads a root as a tar, and writes one that has them.

Run by ``image`` under ``unshare``, with ``python -I -S``; the packages are in its environment. All of it happens on an
in-memory file system: an engine of our own has no network by which containers could download anything.
"""

from __future__ import annotations

import os
import subprocess
from typing import Final

from harness.clusters.local import filesystem
from harness.clusters.local.installation import install
from harness.clusters.local.isolation import PATH
from harness.clusters.local.syscalls import MS_NOSUID, mount

PACKAGES_VARIABLE: Final = "SPLITBRAIN_PACKAGES"

_PLACE: Final = "/mnt"
_KEPT: Final = f"{_PLACE}/kept"


def main() -> None:
    os.umask(0o022)
    mount("splitbrain", _PLACE, "tmpfs", MS_NOSUID, "mode=0755")
    root = f"{_PLACE}/root"
    os.mkdir(root)
    os.mkdir(_KEPT)
    mount("splitbrain", _KEPT, "tmpfs", MS_NOSUID, "mode=0755")  # another file system, and so no part of the root's tar
    _tar("-x", root)
    filesystem.mount_system_folders(root)
    proxies = {name: value for name, value in os.environ.items() if name.lower().endswith("_proxy")}
    install(root, os.environ[PACKAGES_VARIABLE].split(), _KEPT, proxies)
    _tar("-c", root, "--one-file-system", ".")


def _tar(verb: str, root: str, *arguments: str) -> None:
    """From standard input, or to standard output."""
    subprocess.run(["tar", verb, "-C", root, "--numeric-owner", *arguments], check=True, env={"PATH": PATH})
