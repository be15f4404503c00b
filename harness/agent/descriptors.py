"""Leaves a program only so many file descriptors: a soft limit on its process, set and lifted from outside.

The kernel limits how high a descriptor's number may be, and gives out the lowest that is free; so with ``spare`` left,
the limit is just above the ``spare``-th free number.
"""

from __future__ import annotations

import json
import os
import resource
from collections.abc import Iterable, Sequence


def main(arguments: Sequence[str]) -> None:
    """``limit PID_FILE KEPT_FILE SPARE`` or ``unlimit PID_FILE KEPT_FILE``; the first file has the process's id and
    start time, in the second the limit before is kept. Prints {"limit": the soft limit now, null if none runs}."""
    verb, pid_file, kept_file, *rest = arguments
    pid = running(pid_file)
    if pid is None:
        limit = None
    elif verb == "limit":
        limit = impose(pid, kept_file, int(rest[0]))
    else:
        limit = lift(pid, kept_file)
    print(json.dumps({"limit": limit}))


def running(pid_file: str) -> int | None:
    """The id in the file, if it is still that process's."""
    try:
        with open(pid_file, encoding="ascii") as file:
            pid, started = file.read().split()
        with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as file:
            fields = file.read().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return None
    return int(pid) if fields[19] == started and fields[0] not in "ZX" else None


def impose(pid: int, kept_file: str, spare: int) -> int:
    soft, hard = resource.prlimit(pid, resource.RLIMIT_NOFILE)
    # The limit before is kept with the process's id: another process has one of its own.
    if not (kept := _kept(kept_file, pid)):
        _keep(kept_file, pid, soft)
    limit = min(lowest_limit(map(int, os.listdir(f"/proc/{pid}/fd")), spare), kept or soft)
    resource.prlimit(pid, resource.RLIMIT_NOFILE, (limit, hard))
    return limit


def lift(pid: int, kept_file: str) -> int:
    soft, hard = resource.prlimit(pid, resource.RLIMIT_NOFILE)
    limit = _kept(kept_file, pid) or soft
    resource.prlimit(pid, resource.RLIMIT_NOFILE, (limit, hard))
    return limit


def lowest_limit(used: Iterable[int], spare: int) -> int:
    """The limit under which exactly ``spare`` numbers are free beside those ``used``."""
    taken = set(used)
    limit = 0
    while spare > 0 or limit in taken:
        spare -= limit not in taken
        limit += 1
    return limit


def _kept(file: str, pid: int) -> int:
    """0 if nothing is kept for this process."""
    try:
        with open(file, encoding="ascii") as kept:
            owner, limit = map(int, kept.read().split())
    except FileNotFoundError:
        return 0
    return limit if owner == pid else 0


def _keep(file: str, pid: int, limit: int) -> None:
    with open(file, "w", encoding="ascii") as kept:
        kept.write(f"{pid} {limit}\n")
