"""What the leader's log says, and what a follower makes of it: statements, bytes of pages, or rows (DDIA ch. 5).

* *statement*: what was asked. Short, and ambiguous: executed elsewhere, or in another order, it may do something else.
* *wal*: which bytes of which pages changed, from the storage engine's own log. Exact, and bound to one version of it.
* *row*: which rows changed, and to what: a *logical* log, which the storage engine's layout has nothing to do with.

A follower takes a record apart into parts that may be applied side by side if their keys differ. Of a row, or a page,
it knows the key; of a statement it does not know what that will touch (key None).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol

from systems_under_test.blocks.page import as_changes
from systems_under_test.blocks.statement import Functions, Statement, Trigger, execute
from systems_under_test.blocks.table_store import RowChange
from systems_under_test.replication_log.storage import Record, Storage

LOGICAL: Final = "logical"
"""The name in a record under which stands what the storage engine has no use for, and the followers do."""


@dataclass(frozen=True, slots=True)
class Part:
    """Something to be done at once. Parts with the same ``key`` are done in order."""

    key: str | None
    apply: Callable[[], Any]


class LogForm(Protocol):
    """One way to write down, and to follow, what a leader does."""

    def logged(self, statement: Statement, changes: Sequence[RowChange]) -> dict[str, Any]:
        """What the leader's record has of it besides the changed bytes."""

    def shipped(self, record: Record) -> Any:
        """What of a leader's record goes to the followers, as JSON."""

    def parts(self, shipped: Any) -> list[Part]: ...


class StatementLog:
    """Ships the statement; a follower executes it, its triggers and functions too."""

    def __init__(self, storage: Storage, functions: Functions, triggers: tuple[Trigger, ...]) -> None:
        self._storage, self._functions, self._triggers = storage, functions, triggers

    def logged(self, statement: Statement, changes: Sequence[RowChange]) -> dict[str, Any]:
        return {LOGICAL: statement}

    def shipped(self, record: Record) -> Any:
        return record.get(LOGICAL)

    def parts(self, shipped: Any) -> list[Part]:
        return [] if shipped is None else [Part(None, lambda: self._execute(shipped))]

    def _execute(self, statement: Statement) -> None:
        execute(self._storage.tables, statement, self._functions, self._triggers)


class RowLog:
    """Ships each row that changed, whoever changed it; no function is called and no trigger fired again."""

    def __init__(self, storage: Storage) -> None:
        self._storage = storage

    def logged(self, statement: Statement, changes: Sequence[RowChange]) -> dict[str, Any]:
        return {LOGICAL: [change.as_json() for change in changes]}

    def shipped(self, record: Record) -> Any:
        return record.get(LOGICAL)

    def parts(self, shipped: Any) -> list[Part]:
        return [self._part(RowChange(*change)) for change in shipped or ()]

    def _part(self, change: RowChange) -> Part:
        return Part(f"{change.table}/{change.key}", lambda: self._storage.tables.put(change))


class WriteAheadShipping:
    """Ships what the storage engine logs for itself."""

    def __init__(self, storage: Storage) -> None:
        self._storage = storage

    def logged(self, statement: Statement, changes: Sequence[RowChange]) -> dict[str, Any]:
        return {}

    def shipped(self, record: Record) -> Any:
        return {name: record[name] for name in ("version", "changes", "image") if name in record}

    def parts(self, shipped: Any) -> list[Part]:
        return [self._part(change) for change in as_changes(shipped.get("changes", ()))]

    def _part(self, change: tuple[str, int, str]) -> Part:
        return Part(change[0], lambda: self._storage.tables.pages.patch(change))


class NoLog:
    """Ships nothing: with ``log=trigger`` replication is not the database's business."""

    def logged(self, statement: Statement, changes: Sequence[RowChange]) -> dict[str, Any]:
        return {}

    def shipped(self, record: Record) -> Any:
        return None

    def parts(self, shipped: Any) -> list[Part]:
        return []


def log_form(name: str, storage: Storage, functions: Functions, triggers: tuple[Trigger, ...]) -> LogForm:
    """The form of that name."""
    match name:
        case "statement":
            return StatementLog(storage, functions, triggers)
        case "wal":
            return WriteAheadShipping(storage)
        case "row":
            return RowLog(storage)
    return NoLog()
