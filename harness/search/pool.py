"""Worker processes that are asked one thing at a time: whoever is idle gets the next question.

Batches cut their seeds into shares beforehand; here what is asked next may depend on what has been answered (a claim
that is settled needs no more runs). A worker is a module that reads one line of JSON after the other and prints one
line for each.
"""

from __future__ import annotations

import json
import os
import queue
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final, Generic, TypeVar

from harness.search.batch import WorkerError

ROOT: Final = Path(__file__).resolve().parents[2]
POLL_S: Final = 0.2

T = TypeVar("T")
Answer = Mapping[str, Any]


class Pool(Generic[T]):
    """``workers`` processes of ``module``. ``ask()`` gives what is to be asked next, with the request that a worker
    reads, or None if there is nothing to ask until more is answered."""

    def __init__(self, module: str, workers: int, ask: Callable[[], tuple[T, Mapping[str, Any]] | None]) -> None:
        self._module, self._count, self._ask = module, workers, ask

    def answers(self) -> Iterator[tuple[T, Answer] | None]:
        """What was asked and answered, as it comes; None when for a while nothing came. Ends when all is answered and
        nothing is left to ask. Raises WorkerError; the workers are gone in any case."""
        lines: queue.Queue[tuple[int, str | None]] = queue.Queue()
        idle: list[int] = []
        waiting: dict[int, T] = {}
        processes: list[subprocess.Popen[str]] = []
        try:
            while True:
                self._feed(processes, lines, idle, waiting)
                if not waiting:
                    return
                try:
                    number, line = lines.get(timeout=POLL_S)
                except queue.Empty:
                    yield None
                    continue
                if line is None:
                    raise WorkerError(_last_words(processes[number]))
                idle.append(number)
                yield waiting.pop(number), json.loads(line)
        finally:
            for process in processes:
                process.kill()
                process.wait()

    def _feed(
        self,
        processes: list[subprocess.Popen[str]],
        lines: queue.Queue[tuple[int, str | None]],
        idle: list[int],
        waiting: dict[int, T],
    ) -> None:
        """Ask as long as somebody is idle and there is something to ask. Processes are begun when they are needed."""
        while (idle or len(processes) < self._count) and (asked := self._ask()) is not None:
            what, request = asked
            if not idle:
                processes.append(self._begin(len(processes), lines))
                idle.append(len(processes) - 1)
            number = idle.pop()
            waiting[number] = what
            stream = processes[number].stdin
            assert stream is not None, "a pipe was asked for"
            try:
                stream.write(json.dumps(request) + "\n")
                stream.flush()
            except BrokenPipeError:
                raise WorkerError(_last_words(processes[number])) from None

    def _begin(self, number: int, lines: queue.Queue[tuple[int, str | None]]) -> subprocess.Popen[str]:
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])}
        process = subprocess.Popen([sys.executable, "-m", self._module], stdin=subprocess.PIPE, text=True,
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment)  # fmt: skip
        threading.Thread(target=_read, args=(process, number, lines), daemon=True).start()
        return process


def _read(process: subprocess.Popen[str], number: int, lines: queue.Queue[tuple[int, str | None]]) -> None:
    assert process.stdout is not None, "a pipe was asked for"
    for line in process.stdout:
        lines.put((number, line))
    lines.put((number, None))


def _last_words(process: subprocess.Popen[str]) -> str:
    assert process.stderr is not None, "a pipe was asked for"
    return f"a worker ended with status {process.wait()}: {process.stderr.read()[-4000:]}"
