"""Run folders: one empty mount point per run, named after the process that made it, removable once that is dead.

``/run/splitbrain/<pid>-<start time>-<number>``: pid and start time (clock ticks since boot, field 22 of proc(5)'s
stat) together name a process for as long as the machine is up, so no lock and no file has to be written first.
Processes, mounts, interfaces and rules need no removal: they end with the harness (see ``supervisor``). Control groups
do: they remain, empty, and are named after the run folder (see ``cgroup``). Should a supervisor ever be stuck, its own
pid and start time are in the folder and it is killed here.
"""

from __future__ import annotations

import contextlib
import itertools
import os
import re
import select
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from harness.clusters.local import cgroup, frozen

RUNS: Final = Path("/run/splitbrain")
SUPERVISOR_SECONDS_MAX: Final = 4.0  # it gives up by itself before that (supervisor.END_SECONDS_MAX)
DISK_SECONDS_MAX: Final = 0.3
_SUPERVISOR: Final = "supervisor"
_NAME: Final = re.compile(r"(\d+)-(\d+)-(\d+)")
_GROUP: Final = re.compile(_NAME.pattern + r"-n\d+|try-(\d+)")
_numbers = itertools.count(1)


def start_time(pid: int) -> int | None:
    """Clock ticks from boot to the start of ``pid``; None if there is no such process or only its zombie."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text("utf-8", errors="replace")
    except (FileNotFoundError, ProcessLookupError):
        return None
    fields = stat.rpartition(")")[2].split()  # the name before it may hold blanks and parentheses
    return None if fields[0] in "ZX" else int(fields[19])


def are_visible() -> bool:
    """Whether this user may look at what runs leave: their folder is for nobody but who made it, which is root."""
    return not RUNS.exists() or os.access(RUNS, os.R_OK | os.X_OK)


def new_run_folder() -> Path:
    """A folder of this process, for one run."""
    RUNS.mkdir(mode=0o700, exist_ok=True)
    own = os.getpid()
    folder = RUNS / f"{own}-{start_time(own)}-{next(_numbers)}"
    folder.mkdir(mode=0o700)
    return folder


def record_supervisor(folder: Path, pid: int) -> None:
    (folder / _SUPERVISOR).write_text(f"{pid} {start_time(pid)}", "utf-8")


def remove_run_folder(folder: Path) -> None:
    """Remove what this process (or a dead one) put there. Only what we know: never a tree that may be mounted on."""
    (folder / _SUPERVISOR).unlink(missing_ok=True)
    with contextlib.suppress(FileNotFoundError):
        folder.rmdir()


def remove_leftovers() -> tuple[str, ...]:
    """Remove the run folders and control groups of dead processes; says what was removed. Those of living ones are
    left alone."""
    return (*_remove_run_folders(), *_remove_groups(), *_free_disks())


def _free_disks() -> Iterator[str]:
    """A disk goes a little after the last process that had it mounted; only what is then still there is touched."""
    for number, image in frozen.left_behind(lambda name: _is_dead(_NAME.fullmatch(name))):
        if _gone(number, image):
            continue
        place = f"/dev/loop{number}, with {image}"
        try:
            if frozen.thaw(number):
                yield f"{place}, which was frozen"
            elif not _gone(number, image):
                yield (f"could NOT remove {place}: it is not frozen, and something holds it still (a process that has "
                       "it mounted, or the kernel until the machine starts again)")  # fmt: skip
        except OSError as error:
            yield f"could NOT remove {place} of a run whose harness is gone: {error}"


def _gone(number: int, image: str) -> bool:
    deadline = time.monotonic() + DISK_SECONDS_MAX
    while attached := frozen.is_attached(number, image):
        if time.monotonic() > deadline:
            break
        time.sleep(0.01)
    return not attached


def living() -> tuple[str, ...]:
    """The runs whose harness lives, in words."""
    names = [_NAME.fullmatch(folder.name) for folder in sorted(RUNS.glob("*"))] if RUNS.is_dir() else []
    return tuple(f"a run of process {name[1]}" for name in names if name is not None and not _is_dead(name))


def _remove_groups() -> Iterator[str]:
    for folder in cgroup.left_behind(_is_dead_group):
        try:
            cgroup.remove(folder)
        except OSError as error:
            yield f"could NOT remove {folder}, the control group of a run whose harness is gone: {error}"
        else:
            yield f"the control group {folder}"


def _is_dead_group(text: str) -> bool:
    """Of a run, or of a mere try whether groups can be made."""
    name = _GROUP.fullmatch(text)
    return start_time(int(name[4])) is None if name is not None and name[4] else _is_dead(name)


def _is_dead(name: re.Match[str] | None) -> bool:
    """Whether it names a process that is there no more."""
    return name is not None and start_time(int(name[1])) != int(name[2])


def _remove_run_folders() -> Iterator[str]:
    for folder in sorted(RUNS.glob("*")) if RUNS.is_dir() else ():
        name = _NAME.fullmatch(folder.name)
        if name is None or not _is_dead(name):
            continue
        killed = _outlive_supervisor(folder)
        try:
            remove_run_folder(folder)
        except OSError as error:
            yield f"could NOT remove {folder}, the folder of a run whose harness is gone: {error}"
            continue
        yield f"{folder}, left by process {name[1]}" + (" (and its supervisor, killed)" if killed else "")


def _outlive_supervisor(folder: Path) -> bool:
    """Wait for a supervisor whose harness has just died to end everything in good order; SIGKILL one that does not
    (nothing of ours does that; a debugger or SIGSTOP may), and say so."""
    try:
        pid, started = map(int, (folder / _SUPERVISOR).read_text("utf-8").split())
        fd = os.pidfd_open(pid)
    except (FileNotFoundError, ProcessLookupError, ValueError):
        return False
    try:
        if start_time(pid) != started or select.select([fd], [], [], SUPERVISOR_SECONDS_MAX)[0]:
            return False
        signal.pidfd_send_signal(fd, signal.SIGKILL)
        return bool(select.select([fd], [], [], 2.0)[0])
    except ProcessLookupError:
        return False
    finally:
        os.close(fd)
