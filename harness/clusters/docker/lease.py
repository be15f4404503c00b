"""Who needs a docker engine of ours, and where that is: for the harnesses that use it and the keeper that owns it.

A *lease* is a file that is named after the process that needs the engine; so it ends with it, however that ends.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from harness.clusters.local.leftovers import RUNS, start_time

FOLDER: Final = RUNS / "docker"
SOCKET: Final = FOLDER / "engine.sock"
LOG: Final = FOLDER / "engine.log"
PID_FILE: Final = FOLDER / "engine.pid"
DATA_ROOT: Final = Path("/var/lib/splitbrain/docker")  # images outlive the engine: building one takes a minute

_LEASES: Final = FOLDER / "leases"
_NAME: Final = re.compile(r"(\d+)-(\d+)")


def make_folders() -> None:
    for folder in (FOLDER, _LEASES):
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    DATA_ROOT.mkdir(mode=0o711, parents=True, exist_ok=True)


@contextlib.contextmanager
def locked() -> Iterator[None]:
    """Only one process at a time decides whether the engine runs."""
    with (FOLDER / "lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def take_lease() -> None:
    """This process needs the engine until it ends. Under the lock."""
    (_LEASES / f"{os.getpid()}-{start_time(os.getpid())}").touch()


def is_leased() -> bool:
    """Whether a process that has a lease is alive; the leases of others are removed."""
    leased = False
    for lease in _LEASES.iterdir():
        name = _NAME.fullmatch(lease.name)
        if name is not None and start_time(int(name[1])) == int(name[2]):
            leased = True
        else:
            lease.unlink(missing_ok=True)
    return leased


def engine_pid() -> int:
    """Raises FileNotFoundError where none was started."""
    return int(PID_FILE.read_text("ascii"))
