"""A program with everything below it: found, stopped, resumed and killed as one, however it forks meanwhile.

A database is many processes, some of which leave their session or outlive their parent. What belongs together is known
by two things: descent (the keeper adopts orphans below it, see ``prctl(PR_SET_CHILD_SUBREAPER)``), and a *mark* that
children inherit and that nothing but this uses: an adjustment of what the kernel kills first where memory runs out. By
the mark they are found, too, when their keeper is gone.

To stop a family is to stop whoever is found, until two looks in a row find nobody who runs: of a parent that forked
just before it stopped, the second look sees the child. To kill it is to stop it first, so that nobody forks away.
"""

from __future__ import annotations

import contextlib
import errno
import os
import signal
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

MARK: Final = 501
"""The mark of a keeper's family. Other programs have 500, a shell that came by sshd has 0."""

LIMIT_S: Final = 5.0
WAITING_S: Final = 0.5
_POLL_S: Final = 0.002
_STOPPED: Final = frozenset("Tt")
_GONE: Final = frozenset("ZX")
_WAITING: Final = "D"


class FamilyError(OSError):
    """A family does not do as it was told; the text says who, and in which state."""


@dataclass(frozen=True, slots=True)
class Member:
    """A process; ``started`` (clock ticks since boot) tells it from a later one with the same id. ``states`` are those
    of its threads, as in proc(5)."""

    pid: int
    started: int
    parent: int
    states: frozenset[str]


class Family:
    """The processes below ``root`` and itself, if that is given and there; and all that carry the ``mark``, if that is
    given. Whoever belonged to it once goes on to. The process that asks is left out, and so are those it came from."""

    def __init__(self, root: tuple[int, int] | None, mark: int | None = None) -> None:
        self._mark, self._root = mark, {} if root is None else {root[0]: root[1]}
        self._known: dict[int, int] = {}

    def look(self) -> dict[int, Member]:
        """Those that are there now, by process id; the dead whom nobody has waited for are not."""
        everybody = {pid: stat for pid in _pids() if (stat := _stat(pid)) is not None}
        parents = {pid: parent for pid, (_, parent, _) in everybody.items()}
        known = {**self._known, **self._root}
        found = {pid for pid, started in known.items() if pid in everybody and everybody[pid][2] == started}
        if self._mark is not None:
            found |= {pid for pid in everybody if _adjustment(pid) == self._mark}
        while more := {pid for pid, parent in parents.items() if parent in found} - found:
            found |= more
        found -= set(_lineage(os.getpid(), parents))
        self._known = {pid: everybody[pid][2] for pid in found}
        living = (pid for pid in found if everybody[pid][0] not in _GONE)
        return {pid: Member(pid, everybody[pid][2], parents[pid], _thread_states(pid)) for pid in living}

    def stop(self, limit_s: float = LIMIT_S) -> int:
        """SIGSTOP; returns how many when all have been seen stopped. One that waits in the kernel (for a disk) does
        nothing before it sees the signal, and counts as stopped after ``WAITING_S``. Raises FamilyError."""
        begin = time.monotonic()
        still = False
        while True:
            waited_s = time.monotonic() - begin
            members = self.look()
            moving = [member for member in members.values() if not _stands(member, waited_s)]
            if still and not moving:
                return len(members)
            still = not moving
            for member in members.values():
                if not member.states <= _STOPPED:
                    _signal(member, signal.SIGSTOP)
            if waited_s > limit_s:
                raise FamilyError(errno.EBUSY, f"not stopped after {limit_s:g} s: {_told(moving)}")
            time.sleep(_POLL_S)

    def resume(self) -> int:
        """SIGCONT; returns how many there were when nobody is seen stopped. Raises FamilyError."""
        members = self.look()
        for member in members.values():  # also to who has still to see its SIGSTOP: this one takes that back
            _signal(member, signal.SIGCONT)
        self._until(signal.SIGCONT, lambda member: bool(member.states & _STOPPED))
        return len(members)

    def kill(self) -> int:
        """SIGKILL; returns how many when all are gone. Raises FamilyError."""
        with contextlib.suppress(FamilyError):  # whoever cannot be stopped is killed as it runs
            self.stop(2 * WAITING_S)
        return self._until(signal.SIGKILL, lambda member: True)

    def _until(self, number: signal.Signals, is_left: Callable[[Member], bool]) -> int:
        begin, met = time.monotonic(), set[tuple[int, int]]()
        while left := [member for member in self.look().values() if is_left(member)]:
            if time.monotonic() > begin + LIMIT_S:
                raise FamilyError(errno.EBUSY, f"{number.name} did nothing in {LIMIT_S:g} s to {_told(left)}")
            for member in left:
                _signal(member, number)
                met.add((member.pid, member.started))
            time.sleep(_POLL_S)
        return len(met)


def program_in(pid_file: str) -> tuple[int, int] | None:
    """The process in the file, by its id and when it was started; None if there is no such file, or it is torn."""
    try:
        with open(pid_file, encoding="ascii") as file:
            pid, started = map(int, file.read().split())
    except (FileNotFoundError, ValueError):
        return None
    return pid, started


def started_at(pid: int) -> int | None:
    """When a process was started, in clock ticks since boot; None if there is none."""
    stat = _stat(pid)
    return None if stat is None else stat[2]


def runs(program: tuple[int, int]) -> bool:
    """Whether that very process is there, and no corpse."""
    stat = _stat(program[0])
    return stat is not None and stat[2] == program[1] and stat[0] not in _GONE


def _stands(member: Member, waited_s: float) -> bool:
    return member.states <= _STOPPED or (waited_s > WAITING_S and member.states <= _STOPPED | {_WAITING})


def _signal(member: Member, number: signal.Signals) -> None:
    """To this very process: a pidfd cannot come to mean another one."""
    with contextlib.suppress(ProcessLookupError):
        fd = os.pidfd_open(member.pid)
        try:
            if started_at(member.pid) == member.started:
                signal.pidfd_send_signal(fd, number)
        finally:
            os.close(fd)


def _pids() -> Iterator[int]:
    return (int(name) for name in os.listdir("/proc") if name.isdecimal())


def _stat(pid: int) -> tuple[str, int, int] | None:
    """State, parent, start time; None where there is no such process any more."""
    fields = _fields(f"/proc/{pid}/stat")
    return None if fields is None else (fields[0], int(fields[1]), int(fields[19]))


def _thread_states(pid: int) -> frozenset[str]:
    """A first thread that has ended does not count while others run."""
    states = set()
    with contextlib.suppress(FileNotFoundError, ProcessLookupError):
        for task in os.listdir(f"/proc/{pid}/task"):
            if (fields := _fields(f"/proc/{pid}/task/{task}/stat")) is not None and fields[0] not in _GONE:
                states.add(fields[0])
    return frozenset(states)


def _fields(path: str) -> list[str] | None:
    """Those of proc(5)'s stat from the state on."""
    try:
        with open(path, encoding="utf-8", errors="replace") as stat:
            return stat.read().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return None


def _adjustment(pid: int) -> int | None:
    try:
        with open(f"/proc/{pid}/oom_score_adj", encoding="ascii") as file:
            return int(file.read())
    except (FileNotFoundError, ProcessLookupError):
        return None


def _lineage(pid: int, parents: Mapping[int, int]) -> Iterator[int]:
    while pid in parents:
        yield pid
        pid = parents[pid]


def _told(members: list[Member]) -> str:
    return ", ".join(f"process {member.pid} (state {''.join(sorted(member.states))})" for member in members[:10])
