"""Futures and tasks of the contract on asyncio.

They differ from asyncio's own in two ways. Cancelling one that waits never cancels what it waits for: others may wait
for the same. And an exception that nobody is waiting for is reported at once, not when the garbage collector comes by.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Generator
from typing import Any, Generic, TypeVar

T = TypeVar("T")

Unattended = Callable[[str, BaseException], None]


class HostFuture(Generic[T]):
    """A value that will be there later; see :class:`harness.node.Future`."""

    __slots__ = ("_inner",)

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._inner: asyncio.Future[T] = loop.create_future()

    def __await__(self) -> Generator[Any, None, T]:
        if self._inner.done():
            return self._inner.result()
        return (yield from asyncio.shield(self._inner).__await__())

    def done(self) -> bool:
        return self._inner.done()

    def set_result(self, result: T) -> None:
        self._inner.set_result(result)

    def set_exception(self, error: Exception) -> None:
        self._inner.set_exception(error)
        self._inner.exception()  # tells asyncio that it is nobody's duty to fetch it


class HostTask(Generic[T]):
    """A spawned coroutine; see :class:`harness.node.Task`. ``tasks`` holds the strong reference while it runs."""

    __slots__ = ("_inner", "_name", "_tasks", "_unattended", "_waiters")

    def __init__(self, coroutine: Coroutine[Any, Any, T], name: str, tasks: set[HostTask[Any]],
                 unattended: Unattended) -> None:  # fmt: skip
        self._inner = asyncio.get_running_loop().create_task(coroutine, name=name)
        self._name, self._tasks, self._unattended, self._waiters = name, tasks, unattended, 0
        tasks.add(self)
        self._inner.add_done_callback(self._ended)

    def __await__(self) -> Generator[Any, None, T]:
        if self._inner.done():
            return self._inner.result()
        self._waiters += 1
        try:
            return (yield from asyncio.shield(self._inner).__await__())
        finally:
            self._waiters -= 1

    def done(self) -> bool:
        return self._inner.done()

    def cancel(self) -> None:
        self._inner.cancel()

    def _ended(self, inner: asyncio.Task[T]) -> None:
        self._tasks.discard(self)
        if inner.cancelled():
            return
        error = inner.exception()
        if error is not None and not self._waiters:
            self._unattended(self._name, error)
