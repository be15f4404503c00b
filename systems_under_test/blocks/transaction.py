"""An interactive transaction as its client sees it: one request per micro-operation, and an outcome at the end.

A *procedure* is what an application does inside one: it reads, thinks, and decides what to write from what it saw, so
that the values are made late, by the client, and not by the generator (Kleppmann, "Designing Data-Intensive
Applications", ch. 7: write skew begins with such a decision). Procedures know nothing of the system that they run on.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Protocol

from harness.history import Op


class Transaction(Protocol):
    """A transaction that has begun. Whatever ends it early (the system aborts it, a request times out) is raised, and
    is nothing that a procedure should catch."""

    async def read(self, key: Any) -> Any:
        """The value at ``key``; None where it has none."""

    async def write(self, key: Any, value: Any) -> None:
        """Put ``value`` at ``key``."""

    async def update(self, key: Any, f: str, value: Any) -> None:
        """Change what is at ``key`` and tell nothing: "append" to a list, "add" to a set, "inc"rease a counter."""

    async def select(self, first: Any, last: Any) -> Mapping[Any, Any]:
        """A predicate read: all keys from ``first`` to ``last``, inclusive, that have a value, each with its value."""

    async def think(self) -> None:
        """The pause of somebody who decides; how long is an option of the run."""


class GivenUp(Exception):
    """Raised by a procedure that sees no reason to go on: its transaction is aborted, its operation fails. The text is
    the error code, such as "insufficient-funds"."""


Procedure = Callable[[Transaction, Op], Awaitable[Any]]
"""Does what ``op`` asks for inside the transaction, and returns the value of the completion."""


async def micro_operations(transaction: Transaction, op: Op) -> Any:
    """``txn``: its micro-operations ``[f, key, value]`` one by one, in the form of Elle; reads are filled in."""
    done: list[Sequence[Any]] = []
    for f, key, value in op.value:
        if f == "r":
            done.append([f, key, await transaction.read(key)])
        elif f == "w":
            await transaction.write(key, value)
            done.append([f, key, value])
        elif f == "rp":  # a predicate read: the key is [first, last]; pairs, for JSON's objects have no keys but text
            done.append([f, key, [[each, held] for each, held in (await transaction.select(*key)).items()]])
        else:
            await transaction.update(key, f, value)
            done.append([f, key, value])
        await transaction.think()
    return done
