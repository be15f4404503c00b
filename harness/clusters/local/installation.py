"""Installs Debian packages in a root that is not the machine's own, with nothing started; in namespaces of our own.

They are downloaded in the machine's network. Before the first of their scripts runs, this process leaves it for one
with nothing in it.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from harness.clusters.local import filesystem, syscalls
from harness.clusters.local.isolation import PATH
from harness.clusters.local.syscalls import MS_BIND, mount

DOWNLOAD_FAILED: Final = 3
INSTALL_FAILED: Final = 4
"""What a process that installs ends with where apt-get fails, having said why."""

# With this file, nothing that is installed starts its service (Debian's policy for invoke-rc.d).
_NO_SERVICES: Final = ("usr/sbin/policy-rc.d", "#!/bin/sh\nexit 101\n")
_MANUAL_INDEX: Final = "var/lib/man-db/auto-update"  # while it is there, every manual page is read again, for 15 s
_KEPT: Final = {"archives": "/var/cache/apt/archives", "lists": "/var/lib/apt/lists"}

# apt's own index of what there is goes where it is no part of what is made.
_INDEX: Final = ("-q", "-o", "Dir::Cache::pkgcache=/tmp/pkgcache.bin", "-o", "Dir::Cache::srcpkgcache=/tmp/source.bin")
_PATIENT: Final = ("-o", "Acquire::Retries=2", "-o", "Acquire::http::Timeout=20", "-o", "Acquire::https::Timeout=20")
_INSTALL: Final = (
    "install", "-y", "--no-install-recommends", "-o", "Dpkg::Use-Pty=0",
    "-o", "Dpkg::Options::=--force-unsafe-io", "-o", "Dpkg::Options::=--force-confdef",
    "-o", "Dpkg::Options::=--force-confold",
)  # fmt: skip
_ENVIRONMENT: Final = {"DEBIAN_FRONTEND": "noninteractive", "LC_ALL": "C", "PATH": PATH, "HOME": "/root"}


def install(root: str, packages: Sequence[str], kept: str, proxies: Mapping[str, str]) -> None:
    """Install them in ``root``, which has system folders. What is downloaded goes to the folder ``kept``, where that of
    an earlier time is used. Ends the process (see above) if it cannot be done."""
    for name, target in _KEPT.items():
        os.makedirs(f"{kept}/{name}", exist_ok=True)
        os.makedirs(f"{root}{target}", exist_ok=True)
        mount(f"{kept}/{name}", f"{root}{target}", None, MS_BIND)
    _show_name_servers(root)
    filesystem.write(Path(root, _NO_SERVICES[0]), _NO_SERVICES[1], 0o755)
    Path(root, _MANUAL_INDEX).unlink(missing_ok=True)
    _apt_get(root, DOWNLOAD_FAILED, *_PATIENT, "update", proxies=proxies)
    _apt_get(root, DOWNLOAD_FAILED, *_PATIENT, *_INSTALL, "--download-only", "--", *packages, proxies=proxies)
    syscalls.unshare(syscalls.CLONE_NEWNET)
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True, env={"PATH": PATH})
    _apt_get(root, INSTALL_FAILED, *_INSTALL, "--no-download", "--", *packages)
    _apt_get(root, INSTALL_FAILED, "autoclean")


def _show_name_servers(root: str) -> None:
    """/etc/resolv.conf often is a link into /run, of which ``root`` has an empty one."""
    own, shown = os.path.realpath("/etc/resolv.conf"), f"{root}/etc/resolv.conf"
    if not os.path.isfile(own):
        return
    target = f"{root}{own}" if os.path.islink(shown) else shown
    os.makedirs(os.path.dirname(target), exist_ok=True)
    Path(target).touch()
    mount(own, target, None, MS_BIND)


def _apt_get(root: str, failure: int, *arguments: str, proxies: Mapping[str, str] | None = None) -> None:
    """What it prints goes to standard error."""
    command = ["chroot", root, "apt-get", *_INDEX, *arguments]
    environment = {**_ENVIRONMENT, **(proxies or {})}
    done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=sys.stderr, check=False, env=environment)
    if done.returncode:
        sys.exit(failure)
