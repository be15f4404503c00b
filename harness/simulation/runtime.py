"""The simulated ``Runtime``: the harness itself (interpreter, clients, faults) in virtual time."""

from __future__ import annotations

from collections.abc import Awaitable, Coroutine
from random import Random
from typing import Any, TypeVar

from harness.node.stream import random_stream
from harness.simulation.scheduler import Lane, Scheduler, SimFuture, SimTask, Sleep, spawn

T = TypeVar("T")


class SimRuntime:
    """See :class:`harness.runtime.Runtime`. ``failures`` has the tasks that failed while nobody awaited them."""

    def __init__(self, seed: int, order: str = "uniform") -> None:
        self.seed = seed
        self.scheduler = Scheduler(seed, order)
        self.lane: Lane = self.scheduler.lane("harness", first=True)
        self.failures: list[tuple[str, BaseException]] = []
        self._tasks: dict[SimTask[Any], None] = {}

    @property
    def origin_ns(self) -> int:
        return 0

    def now(self) -> int:
        return self.scheduler.now_us * 1000

    async def sleep(self, ms: float) -> None:
        await Sleep(max(ms, 1.0))

    def spawn(self, coroutine: Coroutine[Any, Any, T], name: str) -> SimTask[T]:
        task = spawn(self.scheduler, self.lane, coroutine, name, self._unattended)
        self._tasks[task] = None
        task.waiters.append((self.lane, self._ended, task))
        return task

    def future(self) -> SimFuture[Any]:
        return self.scheduler.future()

    async def within(self, ms: float, awaitable: Awaitable[T]) -> T:
        task: Any = awaitable if isinstance(awaitable, SimFuture) else self.spawn(_carry(awaitable), "within")
        if not task.done():
            either: SimFuture[bool] = self.scheduler.future()
            task.waiters.append((self.lane, _first, (either, True)))
            self.scheduler.after(self.lane, ms, _first, (either, False))
            if isinstance(task, SimTask):
                task.attended += 1
            try:
                in_time = await either
            except BaseException:
                if task is not awaitable:
                    task.cancel()
                raise
            finally:
                if isinstance(task, SimTask):
                    task.attended -= 1
            if not in_time and not task.done():
                if isinstance(task, SimTask):
                    task.cancel()
                raise TimeoutError(f"nothing within {ms:g} ms")
        result: T = await task
        return result

    def random(self, stream: str) -> Random:
        return random_stream(self.seed, stream)

    def run(self, coroutine: Coroutine[Any, Any, T], limit_s: float) -> T:
        """Run a coroutine to its end, and then close whatever still runs. Raises what it raises, the error of a task
        that nobody awaited, or what ``Scheduler.run`` raises."""
        try:
            result = self.scheduler.run(self.spawn(coroutine, "main"), round(limit_s * 1e6))
        finally:
            self.close()
        if self.failures:
            raise self.failures[0][1]
        return result

    def close(self) -> None:
        """End all tasks of the harness."""
        tasks, self._tasks = list(self._tasks), {}
        for task in tasks:
            task.close()

    def _ended(self, task: SimTask[Any]) -> None:
        self._tasks.pop(task, None)

    def _unattended(self, name: str, error: BaseException) -> None:
        self.failures.append((name, error))


async def _carry(awaitable: Awaitable[T]) -> T:
    return await awaitable


def _first(outcome: tuple[SimFuture[bool], bool]) -> None:
    either, in_time = outcome
    if not either.done():
        either.set_result(in_time)
