"""The generator protocol and its context."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from random import Random
from typing import Final, Literal, Protocol

from harness.history import Op, Process


class Pending(Enum):
    """The type of PENDING: a generator that has nothing to give now, but may later."""

    PENDING = "pending"


PENDING: Final = Pending.PENDING

Thread = int | Literal["nemesis"]


@dataclass(frozen=True, slots=True)
class Context:
    """What a generator may look at: the time (ns), which threads are free, and which process each thread runs as.

    A thread (0 .. concurrency - 1, or "nemesis") lives for the whole run; its process id changes after each "info".
    ``random`` gives the random stream of a name; draws depend on the plan's seed and the name only.
    """

    time: int
    free: tuple[Thread, ...]
    processes: Mapping[Thread, Process]
    random: Random


class Generator(Protocol):
    """An immutable source of operations; see the package's docstring."""

    def op(self, context: Context) -> tuple[Op | Pending, Generator] | None: ...
    def update(self, context: Context, event: Op) -> Generator: ...
