"""Keys decided side by side, in forked processes: each takes a key, answers, and takes the next.

A fork has all that its parent had read, so only the key's number goes one way and a line of JSON the other. No worker
outlives its parent, however that ends: Linux kills it then (PR_SET_PDEATHSIG). Under a memory limit, which Linux counts
process by process, all of them together get what their parent alone would have had.
"""

from __future__ import annotations

import gc
import json
import os
import resource
import select
import signal
import sys
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic
from typing import Any, Final

from checkers.linearizable.limit import Limit

Answer = Callable[[int, Limit], Mapping[str, Any]]

GRACE_S: Final = 0.3  # past the time limit, after which a worker that does not look at the clock is ended
_MEMORY_MIN_BYTES: Final = 96 * 1024 * 1024  # with less of its own a worker had better not begin
_PR_SET_PDEATHSIG: Final = 1


@dataclass(frozen=True, slots=True)
class Lost:
    """A worker ended before it had answered: by that signal (0: by itself), or because the time was over."""

    signal: int
    late: bool = False


def useful_workers() -> int:
    """How many workers this process may have: 1 where it had better do the work itself."""
    if sys.platform != "linux" or threading.active_count() > 1:  # a fork of several threads may hang
        return 1
    cores = len(os.sched_getaffinity(0))
    while cores > 1 and (_memory_each(cores) or _MEMORY_MIN_BYTES) < _MEMORY_MIN_BYTES:
        cores -= 1
    return cores


def answers(
    numbers: Sequence[int], answer: Answer, limit: Limit, workers: int
) -> Iterator[tuple[int, Mapping[str, Any] | Lost]]:
    """``answer`` (JSON) to each of these numbers, as they come: from so many processes at a time, each answer within an
    equal share of the time that is left. No process is left when this ends, however it ends."""
    waiting = list(reversed(numbers))
    memory = _memory_each(workers)
    running: dict[int, _Worker] = {}

    def give(worker: _Worker) -> None:
        rounds = -(-len(waiting) // workers)
        worker.give(waiting.pop(), limit.share(rounds))

    with _frozen():
        try:
            while waiting or running:
                while waiting and len(running) < workers:
                    started = _Worker.start(answer, memory, running.values())
                    running[started.answers] = started
                    give(started)
                for worker in _heard(running, limit):
                    number, said = worker.number, worker.said()
                    if isinstance(said, Lost) or not waiting:
                        del running[worker.answers]
                        worker.end()
                    else:
                        give(worker)
                    yield number, said
        finally:
            for worker in running.values():
                worker.end()


@contextmanager
def _frozen() -> Iterator[None]:
    """What was made before the forks is not looked at by the collectors of all of them, which would copy it."""
    gc.freeze()
    try:
        yield
    finally:
        gc.unfreeze()


@dataclass(slots=True)
class _Worker:
    process: int
    tasks: int
    answers: int
    number: int = -1
    late: bool = False
    ended: bool = False
    line: bytearray = field(default_factory=bytearray)

    @classmethod
    def start(cls, answer: Answer, memory_bytes: int | None, others: Iterable[_Worker]) -> _Worker:
        tasks_read, tasks_write = os.pipe()
        answers_read, answers_write = os.pipe()
        parent = os.getpid()
        process = os.fork()
        if process == 0:
            try:
                of_others = (pipe for each in others for pipe in (each.tasks, each.answers))
                for pipe in (tasks_write, answers_read, *of_others):
                    os.close(pipe)
                _end_with(parent)
                _work(answer, tasks_read, answers_write, memory_bytes)
            finally:  # nothing of the parent's may go on in the child, whatever happened
                os._exit(0)
        os.close(tasks_read)
        os.close(answers_write)
        return cls(process, tasks_write, answers_read)

    def give(self, number: int, limit: Limit) -> None:
        self.number = number
        task = {"number": number, "deadline": limit.deadline, "configurations": limit.configurations}
        with suppress(BrokenPipeError):  # it has ended, which the other pipe tells, too
            os.write(self.tasks, json.dumps(task).encode() + b"\n")  # shorter than what a pipe takes at once

    def hear(self) -> bool:
        """Whether it has answered, or ended."""
        data = os.read(self.answers, 1 << 20)
        self.line += data
        self.ended = not data
        return self.ended or data.endswith(b"\n")

    def said(self) -> Mapping[str, Any] | Lost:
        if self.late:
            return Lost(0, late=True)
        if self.ended:
            _, status = os.waitpid(self.process, 0)
            self.process = -1
            return Lost(os.WTERMSIG(status) if os.WIFSIGNALED(status) else 0)
        said: Mapping[str, Any] = json.loads(self.line)
        self.line.clear()
        return said

    def end(self) -> None:
        """Kill and reap it, if that was not done."""
        os.close(self.tasks)
        os.close(self.answers)
        if self.process >= 0:
            os.kill(self.process, signal.SIGKILL)  # it was not reaped yet: the number is still its own
            os.waitpid(self.process, 0)


def _heard(running: Mapping[int, _Worker], limit: Limit) -> list[_Worker]:
    """Those that have answered or ended, at least one; all of them once the time, and the grace, is over."""
    poll = select.poll()
    for pipe in running:
        poll.register(pipe, select.POLLIN | select.POLLHUP)
    while True:
        left_s = None if limit.deadline is None else limit.deadline + GRACE_S - monotonic()
        if left_s is not None and left_s <= 0:
            for worker in running.values():
                worker.late = True
            return list(running.values())
        ready = poll.poll(None if left_s is None else left_s * 1000 + 1)
        heard = [running[pipe] for pipe, _ in ready if running[pipe].hear()]
        if heard:
            return heard


def _end_with(parent: int) -> None:
    import ctypes

    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:  # it had ended before
        os._exit(0)


def _work(answer: Answer, tasks: int, answers: int, memory_bytes: int | None) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's, who ends its workers
    if memory_bytes is not None:
        soft, hard = resource.getrlimit(resource.RLIMIT_DATA)
        resource.setrlimit(resource.RLIMIT_DATA, (min(soft, _memory()[0] + memory_bytes), hard))
    with os.fdopen(tasks, "rb", buffering=0) as lines:
        for line in lines:
            task = json.loads(line)
            said = answer(task["number"], Limit(task["deadline"], task["configurations"]))
            data = memoryview(json.dumps(said).encode() + b"\n")
            while data:
                data = data[os.write(answers, data) :]


def _memory_each(workers: int) -> int | None:
    """How much each worker may have besides what this process has; None: there is no limit.

    What a worker shares with its parent it has for itself, too, once it has written to all of it.
    """
    soft, _ = resource.getrlimit(resource.RLIMIT_DATA)
    if soft == resource.RLIM_INFINITY:
        return None
    size, resident = _memory()
    return max(0, (soft - size - workers * resident) // workers)


def _memory() -> tuple[int, int]:
    """The data of this process, as its limit counts it, and what of all is in memory, in bytes."""
    pages = Path("/proc/self/statm").read_text().split()
    return int(pages[5]) * resource.getpagesize(), int(pages[1]) * resource.getpagesize()
