"""Work under hard limits of time and memory: each piece in a forked process, which is ended when its limits are over.

A checker looks at the clock and at its own size, but a parser or a solver in the middle of a call does not; the
operating system does. A fork costs a few milliseconds, and what the parent has imported need not be imported again.
"""

from __future__ import annotations

import json
import os
import resource
import select
import signal
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from time import CLOCK_BOOTTIME, clock_gettime, monotonic
from typing import Any, Final, Literal

Progress = Callable[[Mapping[str, Any]], None]
Task = Callable[[Progress], Mapping[str, Any]]

POLL_S: Final = 0.2
_MEMORY_SHARE: Final = 0.95  # of the limit; with the rest a process can still say that it was too little
_ENDING_SHARE: Final = 0.1  # of the first second
_STARTUP_MAX_S: Final = 2.0  # older processes do something else besides
_CRASH_CHARS_MAX: Final = 4000


@dataclass(frozen=True, slots=True)
class Limits:
    """Of one piece of work; None: no limit. Memory is address space, of which what is resident is a part."""

    time_s: float | None = None
    memory_bytes: int | None = None


def limits_within(time_s: float, memory_bytes: int | None = None) -> Limits:
    """Limits under which the whole command keeps to the limits: to start Python took some of the time already, and to
    end takes a little, too."""
    left_s = time_s - startup_s() - _ENDING_SHARE * min(time_s, 1.0)
    return Limits(max(left_s, time_s / 2), memory_bytes)


@cache
def startup_s() -> float:
    """How long this process took until now, the first time that it is asked; 0 if that is not its start."""
    try:
        fields = Path("/proc/self/stat").read_text().rpartition(")")[2].split()
        age_s = clock_gettime(CLOCK_BOOTTIME) - int(fields[19]) / os.sysconf("SC_CLK_TCK")  # 22nd: its beginning
    except (OSError, ValueError, IndexError):
        return 0.0
    return age_s if 0.0 < age_s < _STARTUP_MAX_S else 0.0


@dataclass(frozen=True, slots=True)
class Ending:
    """How task ``number`` ended: "done" with its ``answer``; or "time" or "memory" ran out, or it was a "crash", with
    the ``text`` that is known of it. ``progress`` is what it had told last."""

    number: int
    how: Literal["done", "time", "memory", "crash"]
    answer: Mapping[str, Any] = field(default_factory=dict)
    text: str = ""
    progress: Mapping[str, Any] = field(default_factory=dict)
    seconds: float = 0.0
    peak_bytes: int = 0


def endings(tasks: Sequence[Task], limits: Limits, workers: int = 1) -> Iterator[Ending | None]:
    """Do the tasks, ``workers`` at a time, and tell of each as it ends; None when for a while none ended.

    What a task returns must be JSON. No process is left when this ends, however it ends.
    """
    running: dict[int, _Child] = {}
    numbers = iter(range(len(tasks)))
    try:
        while True:
            while len(running) < workers and (number := next(numbers, None)) is not None:
                child = _fork(number, tasks[number], limits)
                running[child.pipe] = child
            if not running:
                return
            ended = [child for child in _heard(running) if child.finished]
            for child in ended:
                del running[child.pipe]
                yield child.ending(limits)
            if not ended:
                yield None
    finally:
        for child in running.values():
            child.end()


@dataclass(slots=True)
class _Child:
    number: int
    process: int
    pipe: int
    began: float
    deadline: float | None
    said: bytearray = field(default_factory=bytearray)
    finished: bool = False
    late: bool = False

    def hear(self) -> None:
        data = os.read(self.pipe, 1 << 20)
        self.said += data
        self.finished = not data

    def end(self) -> tuple[int, int]:
        """Kill and reap it; its status and its peak memory in bytes."""
        os.close(self.pipe)
        os.kill(self.process, signal.SIGKILL)  # it was not reaped yet: the number is still its own
        _, status, usage = os.wait4(self.process, 0)
        return status, usage.ru_maxrss * 1024

    def ending(self, limits: Limits) -> Ending:
        status, peak_bytes = self._reap()
        lines = [json.loads(line) for line in self.said.split(b"\n")[:-1]]
        last = lines[-1] if lines else {}
        progress: Mapping[str, Any] = next((line["progress"] for line in reversed(lines) if "progress" in line), {})
        known: dict[str, Any] = {"progress": progress, "seconds": monotonic() - self.began, "peak_bytes": peak_bytes}
        if "done" in last:
            return Ending(self.number, "done", last["done"], **known)
        if self.late:
            return Ending(self.number, "time", **known)
        if "memory" in last:
            return Ending(self.number, "memory", text=last["memory"], **known)
        if "crash" in last:
            return Ending(self.number, "crash", text=last["crash"], **known)
        return Ending(self.number, *_by_signal(status, limits), **known)

    def _reap(self) -> tuple[int, int]:
        if self.late:
            return self.end()
        os.close(self.pipe)
        _, status, usage = os.wait4(self.process, 0)
        return status, usage.ru_maxrss * 1024


def _by_signal(status: int, limits: Limits) -> tuple[Literal["time", "memory", "crash"], dict[str, Any], str]:
    number = os.WTERMSIG(status) if os.WIFSIGNALED(status) else 0
    if number == signal.SIGXCPU:
        return "time", {}, ""
    # A library that cannot allocate often aborts; and Linux kills whom it cannot give memory to.
    starved = (signal.SIGKILL, signal.SIGABRT, signal.SIGSEGV) if limits.memory_bytes else (signal.SIGKILL,)
    if number in starved:
        return "memory", {}, f"the process was ended by signal {number}"
    return "crash", {}, f"the process that decided ended by itself ({f'signal {number}' if number else status})"


def _heard(running: Mapping[int, _Child]) -> list[_Child]:
    """The children that said something, or ended, or whose time is over; none after a while without any."""
    poll = select.poll()
    for pipe in running:
        poll.register(pipe, select.POLLIN | select.POLLHUP)
    now = monotonic()
    wait_s = min([POLL_S, *(max(0.0, child.deadline - now) for child in running.values() if child.deadline)])
    heard = [running[pipe] for pipe, _ in poll.poll(wait_s * 1000 + 1)]
    for child in heard:
        child.hear()
    now = monotonic()
    late = [c for c in running.values() if c.deadline and c.deadline <= now and not c.finished]
    for child in late:
        child.late = child.finished = True
    return [*heard, *(child for child in late if child not in heard)]


def _fork(number: int, task: Task, limits: Limits) -> _Child:
    began = monotonic()
    sys.stdout.flush()  # what is waiting to be written must not be written twice
    sys.stderr.flush()
    read, write = os.pipe()
    process = os.fork()
    if process == 0:
        try:
            os.close(read)
            _work(write, task, limits)
        finally:  # nothing of the parent's may go on in the child, whatever happened
            os._exit(0)
    os.close(write)
    return _Child(number, process, read, began, None if limits.time_s is None else began + limits.time_s)


def _work(pipe: int, task: Task, limits: Limits) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's, who ends its children
    _say(pipe, {"progress": {}})
    try:
        _limit(limits)
        line: dict[str, Any] = {"done": task(lambda progress: _say(pipe, {"progress": dict(progress)}))}
        _say(pipe, line)
    except MemoryError as error:
        text = str(error)
        del error
        if limits.memory_bytes is not None:
            resource.setrlimit(resource.RLIMIT_AS, (limits.memory_bytes, limits.memory_bytes))
        _say(pipe, {"memory": text[:_CRASH_CHARS_MAX]})
    except Exception:  # noqa: BLE001 - whatever it is, the parent must hear of it
        import traceback

        _say(pipe, {"crash": traceback.format_exc()[-_CRASH_CHARS_MAX:]})
    finally:
        sys.stdout.flush()
        sys.stderr.flush()


def _limit(limits: Limits) -> None:
    if limits.time_s is not None:  # of a process that outlives its parent, too
        seconds = int(limits.time_s) + 2
        resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds + 1))
    if limits.memory_bytes is not None:
        soft = int(limits.memory_bytes * _MEMORY_SHARE)
        resource.setrlimit(resource.RLIMIT_AS, (soft, limits.memory_bytes))


def _say(pipe: int, line: Mapping[str, Any]) -> None:
    data = memoryview(json.dumps(line).encode() + b"\n")
    while data:
        data = data[os.write(pipe, data) :]
