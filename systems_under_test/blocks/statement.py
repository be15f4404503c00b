"""Statements on tables, as JSON in place of SQL text: insert, update and delete with conditions, functions, triggers.

``{"insert": table, "row": {column: expression}}``
``{"update": table, "set": {column: expression}, "where": [[column, comparison, value], ...]}``
``{"delete": table, "where": [...]}``

An expression is a value, ``{"call": "NOW"}`` (or RAND, UUID), ``{"column": name}`` (of the row that is updated),
``{"sum": [expression, ...]}``, or, in a trigger, ``{"new": column}`` (of the row that was inserted; "id" is its key).
Executed twice, at two places or in two orders, the same statement may do two different things: that is what
statement-based replication has to live with (DDIA ch. 5).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from operator import ge, gt, le, lt
from typing import Any, Final, Protocol

from harness.node import Env

from systems_under_test.blocks.page import Row
from systems_under_test.blocks.table_store import RowChange, TableStore

Statement = Mapping[str, Any]

ROW_BYTES_MAX: Final = 320
"""Of a row's JSON text: what is written about a row, elsewhere, has to fit into a slot, too."""

ORDERED: Final[Mapping[str, Callable[[Any, Any], bool]]] = {"<": lt, "<=": le, ">": gt, ">=": ge}


class BadStatement(Exception):
    """What was asked is no statement; nothing was changed."""


class Functions(Protocol):
    """What the functions that no two calls agree about return here and now."""

    def call(self, name: str) -> Any: ...


@dataclass(frozen=True, slots=True)
class Trigger:
    """After each insert into ``table``, ``statement`` is executed where the insert was."""

    table: str
    statement: Statement


class NodeFunctions:
    """NOW is this node's own clock (ms), RAND and UUID its own draws."""

    def __init__(self, env: Env) -> None:
        self._clock, self._random = env.clock, env.random("functions")

    def call(self, name: str) -> Any:
        match name:
            case "NOW":
                return self._clock.wall() // 1_000_000
            case "RAND":
                return self._random.random()
            case "UUID":
                return f"{self._random.getrandbits(128):032x}"
        raise BadStatement(f"read the function {name!r}; expected NOW, RAND or UUID")


def fixed(expression: Any, functions: Functions) -> Any:
    """A statement, or part of one, with every call replaced by what it returned here."""
    if isinstance(expression, Mapping):
        if set(expression) == {"call"}:
            return functions.call(expression["call"])
        return {name: fixed(part, functions) for name, part in expression.items()}
    if isinstance(expression, list | tuple):
        return [fixed(part, functions) for part in expression]
    return expression


def execute(
    store: TableStore, statement: Statement, functions: Functions, triggers: tuple[Trigger, ...] = ()
) -> dict[str, int]:
    """Do it, at once and as a whole: {"id": key} of the row inserted, or {"count": rows that met the conditions}.

    Raises BadStatement, and then nothing was changed; a trigger's own statement must be a good one.
    """
    match statement:
        case {"insert": str(table), "row": Mapping() as columns} if table.isidentifier():
            return _insert(store, table, columns, functions, triggers)
        case {"update": str(table), "set": Mapping() as columns, **more}:
            found = _matching(store, table, more.get("where", []))
            changes = [RowChange(table, key, _row({**row, **_evaluated(columns, row, functions)}))
                       for key, row in found]  # fmt: skip
        case {"delete": str(table), **more}:
            changes = [RowChange(table, key, None) for key, _ in _matching(store, table, more.get("where", []))]
        case _:
            raise BadStatement(f"read {statement!r}; expected an insert, an update or a delete")
    for change in changes:
        store.put(change)
    return {"count": len(changes)}


def _insert(
    store: TableStore, table: str, columns: Row, functions: Functions, triggers: tuple[Trigger, ...]
) -> dict[str, int]:
    row = _row(_evaluated(columns, {}, functions))
    key = store.insert(table, row)
    for trigger in triggers:
        if trigger.table == table:
            execute(store, _with_new(trigger.statement, {**row, "id": key}), functions)
    return {"id": key}


def _with_new(expression: Any, new: Row) -> Any:
    """A trigger's statement about the row that set it off."""
    if isinstance(expression, Mapping):
        if set(expression) == {"new"}:
            return new.get(expression["new"])
        return {name: _with_new(part, new) for name, part in expression.items()}
    return expression


def _evaluated(columns: Mapping[str, Any], row: Row, functions: Functions) -> dict[str, Any]:
    return {name: _value(expression, row, functions) for name, expression in columns.items()}


def _value(expression: Any, row: Row, functions: Functions) -> Any:
    match expression:
        case {"call": str(name)}:
            return functions.call(name)
        case {"column": str(name)}:
            return row.get(name)
        case {"sum": list(parts)}:
            values = [_value(part, row, functions) for part in parts]
            if not all(isinstance(value, int | float) for value in values):
                raise BadStatement(f"read the sum of {values!r}; expected numbers")
            return sum(values)
        case None | bool() | int() | float() | str():
            return expression
    raise BadStatement(f"read the expression {expression!r}")


def _row(row: Row) -> Row:
    """The row, if it is small enough for a slot."""
    size = len(json.dumps(row, separators=(",", ":")))
    if size > ROW_BYTES_MAX:
        raise BadStatement(f"read a row of {size} bytes; expected at most {ROW_BYTES_MAX}")
    return row


def _matching(store: TableStore, table: str, where: Any) -> list[tuple[int, Row]]:
    """The rows that meet all conditions."""
    conditions = [_condition(condition) for condition in where]
    return [(key, row) for key, row in store.rows(table) if all(met({**row, "id": key}) for met in conditions)]


def _condition(condition: Any) -> Callable[[Row], bool]:
    """As in SQL nothing but numbers is less or more than a number."""
    match condition:
        case [str(column), "=", value]:
            return lambda row: row.get(column) == value
        case [str(column), "!=", value]:
            return lambda row: row.get(column) != value
        case [str(column), str(comparison), (int() | float()) as value] if comparison in ORDERED:
            return lambda row: isinstance(row.get(column), int | float) and ORDERED[comparison](row[column], value)
    raise BadStatement(f"read the condition {condition!r}; expected [column, one of = != {' '.join(ORDERED)}, value]")
