"""Triggers that write every change of chosen tables into a change table, for a process outside to pick up (DDIA ch. 5,
"Trigger-based replication").

The trigger runs inside the transaction that set it off, so the change table has exactly what was committed, in order;
and it is one more row to write for each row that is written. (A real one is emptied from time to time; this one grows.)
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from systems_under_test.blocks.table_store import RowChange, TableStore

CHANGES: Final = "changes"
CHOSEN: Final = ("orders", "seats")
"""The tables that are replicated; of the others the change table says nothing."""

BATCH_CHANGES_MAX: Final = 64


def capture(tables: TableStore, changes: Sequence[RowChange]) -> None:
    """The trigger: one row in the change table for each of these that is of a chosen table."""
    for change in changes:
        if change.table in CHOSEN:
            tables.insert(CHANGES, {"change": change.as_json()})


def changes_after(tables: TableStore, after: int) -> list[Any]:
    """The next changes, as JSON, numbered ``after`` + 1, ``after`` + 2, ...: the change table's keys have no gaps."""
    last = min(tables.next_key(CHANGES) - 1, after + BATCH_CHANGES_MAX)
    rows = (tables.row(CHANGES, number) for number in range(after + 1, last + 1))
    return [row["change"] for row in rows if row is not None]
