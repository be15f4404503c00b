"""Transactions one at a time on a table in memory: what procedures do where nothing runs beside them."""

from __future__ import annotations

from collections.abc import Coroutine, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, cast

from harness.history import Op
from systems_under_test.blocks.procedures import PROCEDURES
from systems_under_test.blocks.transaction import GivenUp


@dataclass
class SerialTransaction:
    """:class:`systems_under_test.blocks.transaction.Transaction`; ``steps`` are the names of what was asked."""

    table: dict[Any, Any]
    steps: list[str] = field(default_factory=list)

    async def read(self, key: Any) -> Any:
        self.steps.append("read")
        return self.table.get(key)

    async def write(self, key: Any, value: Any) -> None:
        self.steps.append("write")
        self.table[key] = value

    async def update(self, key: Any, f: str, value: Any) -> None:
        raise AssertionError(f"no application uses {f!r}")

    async def select(self, first: Any, last: Any) -> Mapping[Any, Any]:
        self.steps.append("select")
        return {key: value for key, value in self.table.items() if first <= key <= last}

    async def think(self) -> None:
        self.steps.append("think")


@dataclass
class SerialStore:
    """Each operation is one transaction, committed at once; one that gives up leaves nothing."""

    table: dict[Any, Any] = field(default_factory=dict)
    steps: list[str] = field(default_factory=list)

    def ask(self, op: Op) -> Op:
        transaction = SerialTransaction(dict(self.table))
        running = cast(Coroutine[Any, Any, Any], PROCEDURES[op.f](transaction, op))
        try:
            running.send(None)
        except StopIteration as ended:
            self.table, self.steps = transaction.table, transaction.steps
            return replace(op, type="ok", value=ended.value)
        except GivenUp as why:
            return replace(op, type="fail", error=str(why))
        raise AssertionError("a procedure awaited something that is not its transaction")
