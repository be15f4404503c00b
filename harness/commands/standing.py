"""Clusters that stand in the background, each held by a process of its own; what is known of them is in a file each.

A cluster lives exactly as long as the process that holds it. A file whose process is gone tells of nothing any more.
"""

from __future__ import annotations

import json
import os
import re
import select
import shutil
import signal
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

from harness.clusters.local.leftovers import RUNS, are_visible, start_time
from harness.commands import UsageError

FOLDER: Final = RUNS / "clusters"
NAME: Final = re.compile(r"[a-z0-9][a-z0-9-]{0,31}")
_OWNER: Final = re.compile(r"[a-z0-9-]+\.(\d+)-(\d+)")
STOP_S_MAX: Final = 20.0


@dataclass(frozen=True, slots=True)
class StandingNode:
    """``entry`` is the command that gives a shell on it."""

    name: str
    role: str
    entry: str


@dataclass(frozen=True, slots=True)
class Standing:
    """A cluster that stands. ``pid`` and ``started`` (clock ticks since boot) name the process that holds it."""

    name: str
    system: str
    provider: str
    options: Mapping[str, str]
    pid: int
    started: int
    since_s: float
    nodes: tuple[StandingNode, ...]

    @property
    def is_up(self) -> bool:
        return start_time(self.pid) == self.started

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


def check_rights() -> None:
    """Raises UsageError for a user who cannot see clusters and what they left: to him there would be none."""
    if not are_visible():
        raise UsageError(f"read user id {os.geteuid()}, which may not look into {RUNS}; expected root, who made the "
                         "clusters of this machine: run it with sudo")  # fmt: skip


def folder_of(name: str) -> Path:
    """Where the process that holds the cluster, which is this one, keeps its things."""
    return FOLDER / f"{name}.{os.getpid()}-{start_time(os.getpid())}"


def all_standing() -> list[Standing]:
    """Those that stand, by name. The files and folders of those that are gone are removed."""
    found = []
    for folder in FOLDER.glob("*.*-*") if FOLDER.is_dir() else ():
        owner = _OWNER.fullmatch(folder.name)
        if owner is not None and start_time(int(owner[1])) != int(owner[2]):
            shutil.rmtree(folder, ignore_errors=True)
    for file in sorted(FOLDER.glob("*.json")) if FOLDER.is_dir() else ():
        standing = _read(file)
        if standing is not None and standing.is_up:
            found.append(standing)
        else:
            file.unlink(missing_ok=True)
    return found


def record(standing: Standing) -> None:
    """Written whole or not at all, and for nobody else to read."""
    new = FOLDER / f".{standing.name}.new"
    fd = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with open(fd, "w", encoding="utf-8") as file:
        json.dump(standing.as_json(), file)
    new.replace(_file(standing.name))


def forget(name: str) -> None:
    _file(name).unlink(missing_ok=True)


def end(standing: Standing) -> bool:
    """Have its holder remove the cluster and wait until that is gone; whether it did so in good order."""
    with suppress(ProcessLookupError):
        holder = os.pidfd_open(standing.pid)
        try:
            if not standing.is_up:
                return True
            signal.pidfd_send_signal(holder, signal.SIGTERM)
            if select.select([holder], [], [], STOP_S_MAX)[0]:
                return True
            signal.pidfd_send_signal(holder, signal.SIGKILL)
            select.select([holder], [], [], STOP_S_MAX)
        finally:
            os.close(holder)
            forget(standing.name)
        return False
    return True


def _file(name: str) -> Path:
    assert NAME.fullmatch(name), "checked before"
    return FOLDER / f"{name}.json"


def _read(file: Path) -> Standing | None:
    try:
        fields = json.loads(file.read_text("utf-8"))
        return Standing(**{**fields, "nodes": tuple(StandingNode(**node) for node in fields["nodes"])})
    except (OSError, ValueError, TypeError, KeyError):  # being removed at this moment, or not ours
        return None
