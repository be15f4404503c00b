"""``Runtime``: time, tasks and randomness for everything the harness runs: interpreter, clients, faults.

The real one is asyncio (``harness.real_runtime``), the simulated one the simulator's scheduler. Code written on it
names neither. Durations are milliseconds, readings integer nanoseconds.
"""

from __future__ import annotations

from collections.abc import Awaitable, Coroutine
from random import Random
from typing import Any, Protocol, TypeVar

from harness.node import Future, Task

T = TypeVar("T")


class Runtime(Protocol):
    @property
    def origin_ns(self) -> int:
        """What the monotonic clock of this machine, and of nodes that are on it, showed when the run began."""

    def now(self) -> int:
        """Nanoseconds since the run began; monotonic."""

    async def sleep(self, ms: float) -> None: ...
    def spawn(self, coroutine: Coroutine[Any, Any, T], name: str) -> Task[T]: ...
    def future(self) -> Future[Any]: ...
    async def within(self, ms: float, awaitable: Awaitable[T]) -> T:
        """What ``awaitable`` gives, or TimeoutError after ``ms``; then the awaitable is cancelled."""

    def random(self, stream: str) -> Random:
        """The random stream of that name, derived from the plan's seed; the same name gives the same draws."""
