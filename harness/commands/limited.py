"""Work under hard limits of time and memory: each piece in a forked process, which is ended when its limits are over.

A checker looks at the clock and at its own size, but a parser or a solver in the middle of a call does not; the
operating system does. A fork costs a few milliseconds, and what the parent has imported need not be imported again.
Each process is the first of a group, with what it may start itself: they are ended together, and of their memory the
sum counts.
"""

from __future__ import annotations

import gc
import json
import os
import resource
import select
import signal
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cache
from time import CLOCK_BOOTTIME, clock_gettime, monotonic
from typing import Any, Final, Literal, NamedTuple

Progress = Callable[[Mapping[str, Any]], None]
Task = Callable[[Progress], Mapping[str, Any]]

POLL_S: Final = 0.2
_WATCH_S: Final = 0.01  # how often the memory of a process and its children is added up
_MEMORY_SHARE: Final = 0.95  # of the limit; with the rest a process can still say that it was too little
_PROGRAM_BYTES: Final = 12 << 20  # what is resident of Python itself, and of the parent
_ENDING_SHARE: Final = 0.1  # of the first second
_STARTUP_MAX_S: Final = 2.0  # older processes do something else besides
_CRASH_CHARS_MAX: Final = 4000
_LAST_WORDS: Final = (b'{"done"', b'{"memory"', b'{"crash"')
_PAGE_BYTES: Final = os.sysconf("SC_PAGE_SIZE")


class Limits(NamedTuple):
    """Of one piece of work; None: no limit. Memory is what is resident, of all processes that the work starts."""

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
        with open("/proc/self/stat") as stream:
            fields = stream.read().rpartition(")")[2].split()
        age_s = clock_gettime(CLOCK_BOOTTIME) - int(fields[19]) / os.sysconf("SC_CLK_TCK")  # 22nd: its beginning
    except (OSError, ValueError, IndexError):
        return 0.0
    return age_s if 0.0 < age_s < _STARTUP_MAX_S else 0.0


class Ending(NamedTuple):
    """How task ``number`` ended: "done" with its ``answer``; or "time" or "memory" ran out, or it was a "crash", with
    the ``text`` that is known of it. ``progress`` is what it had told last."""

    number: int
    how: Literal["done", "time", "memory", "crash"]
    answer: Mapping[str, Any] = {}
    text: str = ""
    progress: Mapping[str, Any] = {}
    seconds: float = 0.0
    peak_bytes: int = 0


def endings(tasks: Sequence[Task], limits: Limits, workers: int = 1) -> Iterator[Ending | None]:
    """Do the tasks, ``workers`` at a time, and tell of each as it ends; None when for a while none ended.

    What a task returns must be JSON. No process is left when this ends, however it ends.
    """
    running: dict[int, _Child] = {}
    numbers = iter(range(len(tasks)))
    gc.freeze()  # what is here stays: children need not copy it to look for garbage, and nobody at the end
    try:
        while True:
            while len(running) < workers and (number := next(numbers, None)) is not None:
                child = _fork(number, tasks[number], limits)
                running[child.pipe] = child
            if not running:
                return
            ended = [child for child in _heard(running, limits) if child.finished]
            for child in ended:
                del running[child.pipe]
                yield child.ending(limits)
            if not ended:
                yield None
    finally:
        for child in running.values():
            child.end()


class _Child:
    """A process at work. ``late`` and ``greedy`` say that it was found over a limit."""

    __slots__ = ("began", "deadline", "finished", "greedy", "late", "number", "pipe", "process", "said")

    def __init__(self, number: int, process: int, pipe: int, began: float, deadline: float | None) -> None:
        self.number, self.process, self.pipe = number, process, pipe
        self.began, self.deadline = began, deadline
        self.said = bytearray()
        self.finished = self.late = self.greedy = False

    def hear(self) -> None:
        data = os.read(self.pipe, 1 << 20)
        self.said += data
        # The pipe closes with its last writer, which may be a process that the work has left behind.
        self.finished = not data or (data.endswith(b"\n") and self._last_line().startswith(_LAST_WORDS))

    def _last_line(self) -> bytes:
        return bytes(self.said[self.said.rfind(b"\n", 0, -1) + 1 :])

    def end(self) -> tuple[int, int]:
        """Kill it with all that it has started, and reap it; its status and its peak memory in bytes."""
        os.close(self.pipe)
        # It was not reaped yet: the number is still its own, and its group's.
        os.killpg(self.process, signal.SIGKILL)
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
        if self.greedy:
            return Ending(self.number, "memory", text="more was resident than the limit", **known)
        if "memory" in last:
            return Ending(self.number, "memory", text=last["memory"], **known)
        if "crash" in last:
            return Ending(self.number, "crash", text=last["crash"], **known)
        how, text = _by_signal(status, limits)
        return Ending(self.number, how, text=text, **known)

    def _reap(self) -> tuple[int, int]:
        if not (self.late or self.greedy):
            os.waitid(os.P_PID, self.process, os.WEXITED | os.WNOWAIT)  # it ends by itself; what it started may not
        return self.end()


def _by_signal(status: int, limits: Limits) -> tuple[Literal["time", "memory", "crash"], str]:
    number = os.WTERMSIG(status) if os.WIFSIGNALED(status) else 0
    if number == signal.SIGXCPU:
        return "time", ""
    # A library that cannot allocate often aborts; and Linux kills whom it cannot give memory to.
    starved = (signal.SIGKILL, signal.SIGABRT, signal.SIGSEGV) if limits.memory_bytes else (signal.SIGKILL,)
    if number in starved:
        return "memory", f"the process was ended by signal {number}"
    if limits.memory_bytes and os.WIFEXITED(status) and os.WEXITSTATUS(status):  # which nothing of ours does
        return "memory", "a library ended the process, as some do that get no memory"
    return "crash", f"the process that decided ended by itself ({f'signal {number}' if number else status})"


def _heard(running: Mapping[int, _Child], limits: Limits) -> list[_Child]:
    """The children that said something, or ended, or that are over a limit; none after a while without any."""
    poll = select.poll()
    for pipe in running:
        poll.register(pipe, select.POLLIN | select.POLLHUP)
    now = monotonic()
    while_s = POLL_S if limits.memory_bytes is None else _WATCH_S
    wait_s = min([while_s, *(max(0.0, child.deadline - now) for child in running.values() if child.deadline)])
    heard = [running[pipe] for pipe, _ in poll.poll(wait_s * 1000 + 1)]
    for child in heard:
        child.hear()
    now = monotonic()
    over = []
    for child in running.values():
        if child.finished:
            continue
        child.late = child.deadline is not None and child.deadline <= now
        child.greedy = _exceeds(child.process, limits.memory_bytes)
        child.finished = child.late or child.greedy
        if child.finished and child not in heard:
            over.append(child)
    return [*heard, *over]


def _exceeds(process: int, memory_bytes: int | None) -> bool:
    """Whether a process and those that it started have too much together. What they share is counted for each at
    first, for that is soon done, and only then in shares."""
    if memory_bytes is None:
        return False
    family = (process, *_children(process))
    # Several may still take much before they are ended; one alone is stopped by the system.
    allowed = memory_bytes if len(family) == 1 else int(memory_bytes * _MEMORY_SHARE)
    if sum(map(_resident_bytes, family)) <= allowed:
        return False
    return sum(map(_share_bytes, family)) > allowed


def _children(process: int) -> list[int]:
    try:
        with open(f"/proc/{process}/task/{process}/children") as stream:
            found = [int(word) for word in stream.read().split()]
    except OSError:  # it has just ended
        return []
    return [*found, *(below for child in found for below in _children(child))]


def _resident_bytes(process: int) -> int:
    try:
        with open(f"/proc/{process}/statm") as stream:
            return int(stream.read().split()[1]) * _PAGE_BYTES
    except (OSError, IndexError):
        return 0


def _share_bytes(process: int) -> int:
    """What is resident of it, and of what it shares with others its share."""
    try:
        with open(f"/proc/{process}/smaps_rollup") as stream:
            return next(int(line.split()[1]) * 1024 for line in stream if line.startswith("Pss:"))
    except (OSError, StopIteration):
        return 0


def _fork(number: int, task: Task, limits: Limits) -> _Child:
    began = monotonic()
    sys.stdout.flush()  # what is waiting to be written must not be written twice
    sys.stderr.flush()
    read, write = os.pipe()
    process = os.fork()
    if process == 0:
        try:
            os.setpgid(0, 0)
            os.close(read)
            _work(write, task, limits)
        finally:  # nothing of the parent's may go on in the child, whatever happened
            os._exit(0)
    _lead_a_group(process)
    os.close(write)
    return _Child(number, process, read, began, None if limits.time_s is None else began + limits.time_s)


def _lead_a_group(process: int) -> None:
    """Both the parent and the child say it, for nobody knows who comes first."""
    try:
        os.setpgid(process, process)
    except OSError:  # it was said, and work has begun, or ended
        return


def _work(pipe: int, task: Task, limits: Limits) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's, who ends its children
    _say(pipe, {"progress": {}})
    try:
        _limit(limits)
        line: dict[str, Any] = {"done": task(lambda progress: _say(pipe, {"progress": dict(progress)}))}
        sys.stdout.flush()
        sys.stderr.flush()
        _say(pipe, line)
    except MemoryError as error:
        text = str(error)
        del error
        if limits.memory_bytes is not None:
            resource.setrlimit(resource.RLIMIT_DATA, (limits.memory_bytes, limits.memory_bytes))
        _say(pipe, {"memory": text[:_CRASH_CHARS_MAX]})
    except Exception:  # noqa: BLE001 - whatever it is, the parent must hear of it
        import traceback

        _say(pipe, {"crash": traceback.format_exc()[-_CRASH_CHARS_MAX:]})
    finally:
        sys.stdout.flush()
        sys.stderr.flush()


def _limit(limits: Limits) -> None:
    if limits.time_s is not None:  # of a process that outlives its parent, too
        seconds = (int(limits.time_s) + 2) * (os.cpu_count() or 1)
        resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds + 1))
    if limits.memory_bytes is not None:
        # Libraries map much that they never touch, so address space says little; data is what may be written.
        soft = int(limits.memory_bytes * _MEMORY_SHARE) - _PROGRAM_BYTES
        resource.setrlimit(resource.RLIMIT_DATA, (soft, limits.memory_bytes))
        os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # each would have buffers of its own, and no work


def _say(pipe: int, line: Mapping[str, Any]) -> None:
    data = memoryview(json.dumps(line).encode() + b"\n")
    while data:
        data = data[os.write(pipe, data) :]
