"""A simulated disk on a scheduler of its own, for tests: no nodes, no network."""

from __future__ import annotations

from collections.abc import Coroutine
from random import Random
from typing import Any, TypeVar

from harness.node.stream import random_stream
from harness.simulation.disk import SimDisk
from harness.simulation.disk_files import SimFiles
from harness.simulation.scheduler import DEAD, Scheduler, SimTask

T = TypeVar("T")

LIMIT_US = 3_600_000_000


class DiskMachine:
    """``files`` is the present process's disk; ``late`` are the methods that dead ones called, ``errors`` what tasks
    raised that nobody awaits."""

    def __init__(self, seed: int = 0) -> None:
        self._seed = seed
        self.scheduler = Scheduler(seed)
        self._harness = self.scheduler.lane("harness", first=True)
        self.late: list[str] = []
        self.errors: list[BaseException] = []
        self.disk = SimDisk(self.scheduler, self._random, self.late.append)
        self._lives = 0
        self._tasks: list[SimTask[Any]] = []
        self.files = self.restarted()

    def restarted(self) -> SimFiles:
        """The files of the next process."""
        self._lives += 1
        self.lane = self.scheduler.lane(f"n1/{self._lives}")
        self.files = self.disk.open(self.lane)
        return self.files

    def kill(self) -> SimFiles:
        """SIGKILL, and a new process."""
        self.disk.close()
        self._end()
        return self.restarted()

    def power_loss(self, *, torn: bool = False, reordered: bool = False, keep: str = "some") -> dict[str, int]:
        """The power is off and on again."""
        lost = self.disk.power_loss(torn=torn, reordered=reordered, keep=keep, stream=f"power-loss/{self._lives}")
        self._end()
        self.restarted()
        return lost

    def begin(self, coroutine: Coroutine[Any, Any, T]) -> SimTask[T]:
        """A task of the present process, that has run to its first wait."""
        task = SimTask(self.scheduler, self.lane, coroutine, "test", lambda _, error: self.errors.append(error))
        self._tasks.append(task)
        task.start()
        return task

    def run(self, coroutine: Coroutine[Any, Any, T]) -> T:
        """What a coroutine of the present process returns or raises."""

        async def awaited() -> T:
            return await coroutine

        return self.scheduler.run(self.begin(awaited()), LIMIT_US)

    def pass_ms(self, ms: int) -> None:
        """Let virtual time pass."""

        async def nothing() -> None:
            return None

        task: SimTask[None] = SimTask(self.scheduler, self._harness, nothing(), "time", lambda *_: None)
        self.scheduler.after(self._harness, ms, task.start)
        self.scheduler.run(task, LIMIT_US)

    def sync(self, *files: str) -> None:
        """Sync the files, one after the other, and the names."""

        async def all_of_them() -> None:
            for file in files:
                await self.files.sync(file)
            await self.files.sync_dir()

        self.run(all_of_them())

    def contents(self) -> dict[str, bytes]:
        return {file: self.files.read(file) for file in self.files.list()}

    def _end(self) -> None:
        """The process's coroutines are closed, as those of a node are."""
        self.lane.state = DEAD
        tasks, self._tasks = self._tasks, []
        for task in tasks:
            task.close()

    def _random(self, stream: str) -> Random:
        return random_stream(self._seed, stream)
