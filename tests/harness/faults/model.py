"""A cluster of a few lines, in which a second of time is a second's worth of heartbeats, and a runtime of its own time.

For what a real cluster cannot be made to do on demand: fail to heal, have no leader, lose its counters.
"""

from __future__ import annotations

from collections.abc import Awaitable, Coroutine, Generator, Mapping, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any, TypeVar

from harness.cluster import Observation, ShellError
from harness.node import Future, Message, Task

T = TypeVar("T")
HEARTBEAT_HZ = 10


class Finished:
    """A task that has already run to its end."""

    def __init__(self, result: Any) -> None:
        self._result = result

    def __await__(self) -> Generator[Any, None, Any]:
        return self._result
        yield

    def done(self) -> bool:
        return True

    def cancel(self) -> None:
        """It is over."""


class OwnTime:
    """A runtime in which only sleeping takes time."""

    def __init__(self) -> None:
        self.time_ns = 0

    def now(self) -> int:
        return self.time_ns

    async def sleep(self, ms: float) -> None:
        self.time_ns += round(ms * 1e6)

    def spawn(self, coroutine: Coroutine[Any, Any, T], name: str) -> Task[T]:
        return Finished(run(coroutine))

    def future(self) -> Future[Any]:
        raise NotImplementedError("nothing here waits")

    async def within(self, ms: float, awaitable: Awaitable[T]) -> T:
        return await awaitable

    def random(self, stream: str) -> Random:
        return Random(stream)


def run(coroutine: Coroutine[Any, Any, T]) -> T:
    """What a coroutine gives that never waits."""
    try:
        coroutine.send(None)
    except StopIteration as stop:
        return stop.value  # type: ignore[no-any-return]
    raise AssertionError("it waited")


@dataclass
class ModelCluster:
    """Nodes that send each other heartbeats, count what they meet, and elect the first that is up."""

    runtime: OwnTime
    nodes: tuple[str, ...] = ("n1", "n2", "n3", "n4", "n5")
    failures: int = 0  # so many of the next verbs fail
    silent: bool = False  # no heartbeats: faults meet nothing
    drops: Mapping[str, Sequence[str]] = field(default_factory=dict)
    down: set[str] = field(default_factory=set)
    frozen: set[str] = field(default_factory=set)
    done: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.incarnations = dict.fromkeys(self.nodes, 1)
        self.dropped = dict.fromkeys(self.nodes, 0)
        self.counters = {node: {"net.refused": 0, "net.timeout": 0} for node in self.nodes}
        self._settled_ns = 0

    def _settle(self) -> None:
        """Charge the time since the last look to the counters."""
        beats = round((self.runtime.now() - self._settled_ns) / 1e9 * HEARTBEAT_HZ)
        self._settled_ns = self.runtime.now()
        for node in () if self.silent else self.nodes:
            if node not in self.down | self.frozen:
                self.dropped[node] += beats * len(self.drops.get(node, ()))
                self.counters[node]["net.refused"] += beats * len(self.down)
                self.counters[node]["net.timeout"] += beats * len(self.frozen)

    def _verb(self, text: str) -> None:
        self._settle()
        if self.failures:
            self.failures -= 1
            raise ShellError(f"{text}: no route to host")
        self.done.append(text)

    async def partition(self, drops: Mapping[str, Sequence[str]]) -> None:
        self._verb("partition")
        self.drops = drops

    async def heal(self) -> None:
        self._verb("heal")
        self.drops = {}

    async def kill(self, nodes: Sequence[str]) -> None:
        self._verb(f"kill {' '.join(nodes)}")
        self.down |= set(nodes)

    async def start(self, nodes: Sequence[str]) -> None:
        self._verb(f"start {' '.join(nodes)}")
        for node in self.down & set(nodes):
            self.incarnations[node] += 1
            self.counters[node] = {"net.refused": 0, "net.timeout": 0}
        self.down -= set(nodes)

    async def pause(self, nodes: Sequence[str]) -> None:
        self._verb(f"pause {' '.join(nodes)}")
        self.frozen |= set(nodes)

    async def resume(self, nodes: Sequence[str]) -> None:
        self._verb(f"resume {' '.join(nodes)}")
        self.frozen -= set(nodes)

    async def status(self, node: str, timeout_ms: float = 1000) -> Message | None:
        return None if node in self.down | self.frozen else {"leader": None}

    async def observe(self) -> Observation:
        self._settle()
        up = [node for node in self.nodes if node not in self.down | self.frozen]
        return Observation(
            time_ns=self.runtime.now(),
            dropped=dict(self.dropped),
            counters={node: dict(self.counters[node]) for node in up},
            incarnations={node: self.incarnations[node] for node in up},
            unanswered=tuple(node for node in self.nodes if node not in up),
        )
