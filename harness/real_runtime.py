"""The real ``Runtime``: asyncio and the machine's monotonic clock."""

from __future__ import annotations

import asyncio
import sys
import time
import traceback
from collections.abc import Awaitable, Callable, Coroutine
from random import Random
from typing import Any, TypeVar

from harness.node import Future, Task
from harness.node.stream import random_stream
from harness.node.task import HostFuture, HostTask

T = TypeVar("T")


def _print(name: str, error: BaseException) -> None:
    print(f"error in the task {name!r}:\n{''.join(traceback.format_exception(error))}", file=sys.stderr)


class RealRuntime:
    """See :class:`harness.runtime.Runtime`. Made inside a running event loop; time 0 is when it is made.

    ``unattended`` gets the name and the error of a task that failed while nobody awaited it; by default it is printed.
    """

    def __init__(self, seed: int, unattended: Callable[[str, BaseException], None] = _print) -> None:
        self._seed, self._unattended = seed, unattended
        self._loop = asyncio.get_running_loop()
        self._origin_ns = time.monotonic_ns()
        self._tasks: set[HostTask[Any]] = set()

    @property
    def origin_ns(self) -> int:
        return self._origin_ns

    def now(self) -> int:
        return time.monotonic_ns() - self._origin_ns

    async def sleep(self, ms: float) -> None:
        await asyncio.sleep(ms / 1000)

    def spawn(self, coroutine: Coroutine[Any, Any, T], name: str) -> Task[T]:
        return HostTask(coroutine, name, self._tasks, self._unattended)

    def future(self) -> Future[Any]:
        return HostFuture(self._loop)

    async def within(self, ms: float, awaitable: Awaitable[T]) -> T:
        try:
            async with asyncio.timeout(ms / 1000):
                return await awaitable
        except TimeoutError:
            if isinstance(awaitable, HostTask):
                awaitable.cancel()  # waiting for a task with patience at its end does not by itself end the task
            raise

    def random(self, stream: str) -> Random:
        return random_stream(self._seed, stream)
