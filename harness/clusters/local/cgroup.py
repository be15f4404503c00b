"""Control groups of the nodes: a folder per node and controller, whose limits hold for the processes that join.

What a process used before it joined is not counted as the group's: so memory is limited to what it takes from then on.

Versions 1 and 2 differ in the names of their files and in where they are mounted; both may be there at once, each with
other controllers. A folder's name begins with the run's, so that what a dead harness left behind is found and removed
(the processes are gone by then, and an empty group limits nobody).
"""

from __future__ import annotations

import contextlib
import errno
import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

PREFIX: Final = "splitbrain-"
CONTROLLERS: Final = ("memory", "cpu")
PERIOD_US: Final = 50_000
QUOTA_US_MIN: Final = 1_000
_STEP_BYTES: Final = 256 * 1024
_TRIES: Final = 64
_REMOVAL_SECONDS_MAX: Final = 2.0


@dataclass(frozen=True, slots=True)
class Version:
    """The words of one version: the files of memory's limit and use, what "no limit" is, and where its events are; how
    a share of the processor is written (per file), and where the waits are counted."""

    limit: str
    used: str
    unlimited: str
    events: str
    quota: Callable[[int | None], Mapping[str, str]]


def _quota_1(quota_us: int | None) -> Mapping[str, str]:
    return {"cpu.cfs_period_us": str(PERIOD_US), "cpu.cfs_quota_us": "-1" if quota_us is None else str(quota_us)}


def _quota_2(quota_us: int | None) -> Mapping[str, str]:
    return {"cpu.max": f"{'max' if quota_us is None else quota_us} {PERIOD_US}"}


VERSION_1: Final = Version("memory.limit_in_bytes", "memory.usage_in_bytes", "-1", "memory.oom_control", _quota_1)
VERSION_2: Final = Version("memory.max", "memory.current", "max", "memory.events", _quota_2)
_CACHE: Final = ("active_file", "inactive_file")  # the kernel takes these back before it kills
_KILLED: Final = "oom_kill"
_THROTTLED: Final = "nr_throttled"


@dataclass(frozen=True, slots=True)
class Controller:
    """``root`` is the folder below which groups with this controller are made."""

    name: str
    root: Path
    version: Version


def controllers(mounts: str) -> tuple[Controller, ...]:
    """Those of CONTROLLERS that the mounts (as in /proc/mounts) offer."""
    lines = [line.split() for line in mounts.splitlines()]
    found = {}
    for _, place, kind, options, *_ in lines:
        for name in CONTROLLERS:
            if kind == "cgroup" and name in options.split(","):
                found[name] = Controller(name, Path(place), VERSION_1)
            elif kind == "cgroup2" and name in _read(Path(place, "cgroup.controllers")).split():
                found.setdefault(name, Controller(name, Path(place), VERSION_2))
    return tuple(found[name] for name in CONTROLLERS if name in found)


def usable(mounts: str | None = None) -> tuple[Controller, ...]:
    """Those with which a group can be made here, which is tried."""
    text = _read(Path("/proc/mounts")) if mounts is None else mounts
    return tuple(controller for controller in controllers(text) if _works(controller))


def _works(controller: Controller) -> bool:
    try:
        folder = _make(controller, f"{PREFIX}try-{os.getpid()}")
        file = folder / (controller.version.limit if controller.name == "memory" else "cpu.stat")
        there = file.exists()
        folder.rmdir()
    except OSError:  # no rights, or (version 2) a root that has processes of its own
        return False
    return there


def _make(controller: Controller, name: str) -> Path:
    if controller.version is VERSION_2:
        (controller.root / "cgroup.subtree_control").write_text(f"+{controller.name}")
    folder = controller.root / name
    folder.mkdir(exist_ok=True)
    return folder


class Machine:
    """The groups of one node. ``name`` is unique on this machine, and begins with the run's."""

    def __init__(self, name: str, available: Sequence[Controller]) -> None:
        self._name = PREFIX + name
        self._available = {controller.name: controller for controller in available}
        self._folders = {controller.name: controller.root / self._name for controller in available}
        self._joined = False

    @staticmethod
    def around(pid: int, available: Sequence[Controller]) -> Machine:
        """The groups in which the process is already. Who made them removes them (an engine of containers)."""
        machine = Machine(f"around-{pid}", available)
        groups = [line.split(":", 2)[1:] for line in _read(Path(f"/proc/{pid}/cgroup")).splitlines()]
        for controller in available:
            own = "" if controller.version is VERSION_2 else controller.name
            path = next((path for names, path in groups if own in names.split(",")), "/")
            machine._folders[controller.name] = controller.root / path.lstrip("/")
        machine._joined = True
        return machine

    def join(self, pids: Sequence[int]) -> None:
        """Put these processes, and all that they start from now on, into the groups. Those that are there stay."""
        for controller in self._available.values():
            processes = _make(controller, self._name) / "cgroup.procs"
            for pid in pids:
                with contextlib.suppress(ProcessLookupError):  # it has ended meanwhile
                    processes.write_text(str(pid))
        self._joined = True

    @property
    def joined(self) -> bool:
        return self._joined

    def limit(self, resource: str, amount: float | None) -> None:
        """``memory`` to bytes more than is used now and cannot be taken back, ``cpu`` to a share of one processor; None
        ends the limit."""
        if resource == "cpu":
            quota_us = None if amount is None else max(QUOTA_US_MIN, int(amount * PERIOD_US))
            for file, text in self._version("cpu").quota(quota_us).items():
                (self._folder("cpu") / file).write_text(text)
        elif amount is None:
            (self._folder("memory") / self._version("memory").limit).write_text(self._version("memory").unlimited)
        else:
            self._limit_memory(int(amount))

    def felt(self) -> Mapping[str, int]:
        """Processes killed for want of memory (``memory``), periods in which the processor was withheld (``cpu``)."""
        counts = {}
        if "memory" in self._available and self._joined:
            counts["memory"] = _figures(self._folder("memory") / self._version("memory").events).get(_KILLED, 0)
        if "cpu" in self._available and self._joined:
            counts["cpu"] = _figures(self._folder("cpu") / "cpu.stat").get(_THROTTLED, 0)
        return counts

    def remove(self) -> None:
        """The processes are gone, or will be in a moment."""
        for controller in self._available.values():
            remove(controller.root / self._name)

    def _limit_memory(self, spare_bytes: int) -> None:
        """Version 1 refuses a limit (EBUSY) below what cannot be taken back in time; then a little more is granted."""
        folder, words = self._folder("memory"), self._version("memory")
        cache = _figures(folder / "memory.stat")
        used = int(_read(folder / words.used)) - sum(cache.get(name, 0) for name in _CACHE)
        for step in range(_TRIES):
            try:
                (folder / words.limit).write_text(str(max(0, used) + spare_bytes + step * _STEP_BYTES))
            except OSError as error:
                if error.errno != errno.EBUSY:
                    raise
            else:
                return
        raise OSError(errno.EBUSY, f"{folder}: the memory in use cannot be limited")

    def _folder(self, resource: str) -> Path:
        return self._folders[resource]

    def _version(self, resource: str) -> Version:
        return self._available[resource].version


def left_behind(is_dead: Callable[[str], bool]) -> Iterator[Path]:
    """The groups of dead runs. ``is_dead`` is asked with the name of a group, without PREFIX."""
    for controller in controllers(_read(Path("/proc/mounts"))):
        for folder in sorted(controller.root.glob(f"{PREFIX}*")):
            if is_dead(folder.name.removeprefix(PREFIX)):
                yield folder


def programs_of(pid: int) -> list[int]:
    """All processes on the node whose first process that is, an sshd, but for that one and those that it serves. None
    on a node that is off."""
    if pid <= 0:
        return []
    own = os.readlink(f"/proc/{pid}/ns/pid")
    there = {int(folder.name) for folder in Path("/proc").glob("[0-9]*") if _namespace(int(folder.name)) == own}
    parents = {process: _name_and_parent(process) for process in there}
    found = {process for process, (name, parent) in parents.items() if parent == pid and not name.startswith("sshd")}
    while more := {process for process, (_, parent) in parents.items() if parent in found} - found:
        found |= more
    return sorted(found)


def _namespace(pid: int) -> str:
    try:
        return os.readlink(f"/proc/{pid}/ns/pid")
    except OSError:  # it has ended meanwhile
        return ""


def _name_and_parent(pid: int) -> tuple[str, int]:
    name, _, rest = _read(Path(f"/proc/{pid}/stat")).partition("(")[2].rpartition(")")
    return (name, int(rest.split()[1])) if rest else ("", 0)


def remove(folder: Path) -> None:
    """A group is busy until its last process has been reaped."""
    deadline = time.monotonic() + _REMOVAL_SECONDS_MAX
    while True:
        try:
            folder.rmdir()
        except FileNotFoundError:
            return
        except OSError as error:
            if error.errno != errno.EBUSY:
                raise
            if time.monotonic() > deadline:
                return  # the next start removes it
            time.sleep(0.01)
        else:
            return


def _figures(file: Path) -> dict[str, int]:
    """The lines "name number" of a file."""
    lines = (line.split() for line in _read(file).splitlines())
    return {words[0]: int(words[1]) for words in lines if len(words) == 2 and words[1].isdecimal()}


def _read(file: Path) -> str:
    try:
        return file.read_text("utf-8")
    except (FileNotFoundError, ProcessLookupError):
        return ""
