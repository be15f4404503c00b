"""The generator protocol, its context, and the completion of half-written operations."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum
from functools import lru_cache
from typing import Any, Final, Literal, NamedTuple, Protocol

from harness.generator.draws import Draws, derive
from harness.history import NEMESIS, Op, Process


class Pending(Enum):
    """The type of PENDING: a generator that has nothing to give now, but may later."""

    PENDING = "pending"


PENDING: Final = Pending.PENDING

Thread = int | Literal["nemesis"]

ANY: Final = -1
"""The process of an operation that any free thread may take."""

LOG: Final = "log"
"""The process of a line for people (see :func:`harness.generator.log`): shown when its turn comes, never recorded."""


def _child_seed(seed: int, label: int | str) -> int:
    return derive(derive(seed, "child"), label)


class Context(NamedTuple):
    """What a generator may look at. A tuple, because one is made for every generator that is asked, each time.

    ``time`` (ns); ``threads``, all that this generator may use, and ``free``, those of them that are idle, the longest
    idle first; ``processes``, the process each thread of the whole run is now; ``seed``, the root of this generator's
    random streams. A thread (0 .. concurrency - 1, or "nemesis") lives for the whole run; its process id grows by
    ``concurrency`` after each "info".
    """

    time: int
    threads: tuple[Thread, ...]
    free: tuple[Thread, ...]
    processes: Mapping[Thread, Process]
    concurrency: int
    seed: int = 0

    def draws(self, position: int) -> Draws:
        """The random numbers for this generator's operation number ``position``: the same whenever asked."""
        return Draws(derive(self.seed, position))

    def scope(self, label: int | str) -> Context:
        """The context for the child of that label: the same, but with random streams of its own."""
        seed = _child_seed(self.seed, label)
        return Context(self.time, self.threads, self.free, self.processes, self.concurrency, seed)

    def restrict(self, accept: Callable[[Thread], bool]) -> Context:
        """The context of a generator that may use only some threads."""
        return self._only(_accepted(accept, self.threads), self.seed)

    def part(self, members: frozenset[Thread], label: int | str) -> Context:
        """The context for the child of that label, which may use only these threads."""
        return self._only(members, _child_seed(self.seed, label))

    def _only(self, members: frozenset[Thread], seed: int) -> Context:
        free = tuple([thread for thread in self.free if thread in members])
        return Context(self.time, _among(self.threads, members), free, self.processes, self.concurrency, seed)

    def thread_of(self, process: Process) -> Thread:
        """The thread that runs, or ran, as that process."""
        if isinstance(process, int):
            return process % self.concurrency
        assert process == NEMESIS, f"read process {process!r}; expected a number or {NEMESIS!r}"
        return NEMESIS


@lru_cache(1024)
def _accepted(accept: Callable[[Thread], bool], threads: tuple[Thread, ...]) -> frozenset[Thread]:
    """Which threads a function accepts; generators ask again and again, and the answer is always the same."""
    return frozenset(thread for thread in threads if accept(thread))


@lru_cache(1024)
def _among(threads: tuple[Thread, ...], members: frozenset[Thread]) -> tuple[Thread, ...]:
    """Those of the threads that are members, in their order."""
    return tuple(thread for thread in threads if thread in members)


class Generator(Protocol):
    """An immutable source of operations; see the package's docstring."""

    def op(self, context: Context) -> tuple[Op | Pending, Generator] | None: ...
    def update(self, context: Context, event: Op) -> Generator: ...


Answer = tuple[Op | Pending, Generator] | None


def invoke(f: str, value: Any = None, *, key: Any = None, node: str | None = None, session: Any = None) -> Op:
    """An invocation for any free thread, as early as possible."""
    return Op(type="invoke", process=ANY, f=f, value=value, key=key, node=node, session=session)


def fill(op: Op, context: Context) -> Op | Pending:
    """``op`` with the time and the process it left open; PENDING if no thread that may run it is free.

    An operation that names its process waits until that process's thread is free.
    """
    time = max(op.time, context.time)
    if op.process == LOG:
        return op.at(time)
    if op.process == ANY:
        if not context.free:
            return PENDING
        process = context.processes[context.free[0]]
        return Op(op.type, process, op.f, op.value, time, op.index, op.error, op.key, op.session, op.node, op.extra)
    if context.thread_of(op.process) not in context.free:
        return PENDING
    return op.at(time)


@dataclass(frozen=True, slots=True)
class Empty:
    """A generator of nothing."""

    def op(self, context: Context) -> Answer:
        return None

    def update(self, context: Context, event: Op) -> Generator:
        return self


EMPTY: Final = Empty()
