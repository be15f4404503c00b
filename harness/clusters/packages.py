"""Debian packages that nodes are to have: their names, and why they could not be had, in words for every provider."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from typing import Final

from harness.cluster import ClusterError
from harness.clusters.local.installation import DOWNLOAD_FAILED

_NAME: Final = re.compile(r"[a-z0-9][a-z0-9+.-]+(:[a-z0-9-]+)?(=[A-Za-z0-9.+:~*-]+)?")  # with architecture, version
_SAID_CHARS_MAX: Final = 1000


def check_names(packages: Sequence[str]) -> None:
    """Raises ClusterError unless each is a package's name, which may have ``:architecture`` and ``=version``."""
    for package in packages:
        if not _NAME.fullmatch(package):
            raise ClusterError(f"read {package!r} among a system's packages; expected a Debian package's name")


def failure(packages: Sequence[str], status: int, said: str) -> ClusterError:
    """Of a process that was to install them (``installation``)."""
    names, lines = ", ".join(packages), said.strip().splitlines()
    errors = "\n".join([line for line in lines if line.startswith(("E:", "W:", "Err"))] or lines)[-_SAID_CHARS_MAX:]
    if status == DOWNLOAD_FAILED:
        return ClusterError(f"could not download {names}: they come, once, from the sources of apt-get, which takes a "
                            f"network and names that they have (try `apt-get update`). It said:\n{errors}")  # fmt: skip
    return ClusterError(f"could not install {names} for the nodes:\n{errors}")


def proxies() -> dict[str, str]:
    """What this process's environment says of proxies."""
    return {key: value for key, value in os.environ.items() if key.lower() in ("http_proxy", "https_proxy", "no_proxy")}
