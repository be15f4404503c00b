"""A ``Runtime`` in virtual time, in a page: what is written on Runtime needs no asyncio, and its tests no waiting."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Coroutine, Generator
from heapq import heappop, heappush
from random import Random
from typing import Any, Generic, TypeVar

T = TypeVar("T")


class Cancelled(BaseException):
    """Thrown into a coroutine that is cancelled."""


class VirtualFuture(Generic[T]):
    def __init__(self, runtime: VirtualRuntime) -> None:
        self._runtime = runtime
        self._done = False
        self._result: Any = None
        self._error: BaseException | None = None
        self.waiters: list[Callable[[], None]] = []

    def __await__(self) -> Generator[Any, None, T]:
        if not self._done:
            yield self
        if self._error is not None:
            raise self._error
        result: T = self._result
        return result

    def done(self) -> bool:
        return self._done

    def set_result(self, result: T) -> None:
        self._settle(result, None)

    def set_exception(self, error: BaseException) -> None:
        self._settle(None, error)

    def _settle(self, result: Any, error: BaseException | None) -> None:
        assert not self._done, "a future is set once"
        self._done, self._result, self._error = True, result, error
        for waiter in self.waiters:
            self._runtime.at(0, waiter)


class VirtualTask(VirtualFuture[T]):
    def __init__(self, runtime: VirtualRuntime, coroutine: Coroutine[Any, Any, T], name: str) -> None:
        super().__init__(runtime)
        self.name, self._coroutine = name, coroutine
        runtime.tasks.append(self)
        runtime.at(0, self._step)

    def cancel(self) -> None:
        if not self._done:
            self._runtime.at(0, lambda: self._step(Cancelled()))

    def close(self) -> None:
        if not self._done:
            self._coroutine.close()

    def _step(self, error: BaseException | None = None) -> None:
        if self._done:
            return
        try:
            awaited = self._coroutine.throw(error) if error is not None else self._coroutine.send(None)
        except StopIteration as end:
            self._settle(end.value, None)
        except Cancelled as cancelled:
            self._settle(None, cancelled)
        except Exception as problem:  # noqa: BLE001
            self._runtime.failed.append((self.name, problem))
            self._settle(None, problem)
        else:
            token = self._token = object()
            # A cancelled coroutine may await something else by now: then this wake-up is none of its business.
            awaited.waiters.append(lambda: self._step() if self._token is token else None)


class VirtualRuntime:
    """See ``harness.runtime.Runtime``. ``failed`` has the tasks that ended with an error, awaited or not."""

    def __init__(self, seed: int = 0) -> None:
        self._seed, self._now, self._sequence = seed, 0, 0
        self._events: list[tuple[int, int, Callable[[], None]]] = []
        self.failed: list[tuple[str, BaseException]] = []
        self.tasks: list[VirtualTask[Any]] = []

    def at(self, ms: float, call: Callable[[], None]) -> None:
        self._sequence += 1
        heappush(self._events, (self._now + round(ms * 1e6), self._sequence, call))

    @property
    def origin_ns(self) -> int:
        return 0

    def now(self) -> int:
        return self._now

    async def sleep(self, ms: float) -> None:
        future: VirtualFuture[None] = VirtualFuture(self)
        self.at(ms, lambda: future.set_result(None))
        await future

    def spawn(self, coroutine: Coroutine[Any, Any, T], name: str) -> VirtualTask[T]:
        return VirtualTask(self, coroutine, name)

    def future(self) -> VirtualFuture[Any]:
        return VirtualFuture(self)

    async def within(self, ms: float, awaitable: Awaitable[T]) -> T:
        either: VirtualFuture[bool] = VirtualFuture(self)

        async def carry() -> T:
            return await awaitable

        task: Any = awaitable if isinstance(awaitable, VirtualFuture) else self.spawn(carry(), "within")

        def settle(in_time: bool) -> None:
            if not either.done():
                either.set_result(in_time)

        if task.done():
            settle(True)
        task.waiters.append(lambda: settle(True))
        self.at(ms, lambda: settle(False))
        if not await either:
            if isinstance(task, VirtualTask):
                task.cancel()
            raise TimeoutError(f"nothing within {ms} ms")
        result: T = await task
        return result

    def close(self) -> None:
        """End what still runs."""
        for task in self.tasks:
            task.close()

    def random(self, stream: str) -> Random:
        return Random(f"{self._seed}/{stream}")

    def run(self, coroutine: Coroutine[Any, Any, T], limit_s: float = 3600.0) -> T:
        """Run until ``coroutine`` has ended; its result or error. Raises RuntimeError if it never will."""
        task = self.spawn(coroutine, "main")
        while not task.done():
            if not self._events or self._now > limit_s * 1e9:
                raise RuntimeError(f"stuck at {self._now / 1e9} s")
            self._now, _, call = heappop(self._events)
            call()

        async def result() -> T:
            return await task

        end = result()
        try:
            end.send(None)
        except StopIteration as stop:
            value: T = stop.value
            return value
        raise AssertionError("the task is done")
