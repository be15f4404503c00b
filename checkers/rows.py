"""Rows: what was inserted and acknowledged is in its table, under the key that was told, and no key was given twice.

Operations, whose key is the table: ``insert`` asks with {"row": {"tag": t, ...}}, each tag once, and its ok answer has
the row's auto-increment "id" besides; ``delete`` with {"where": [["tag", "=", t]]}, its ok answer with the "count" of
rows; ``update`` changes columns, and is no concern here; ``read`` answers with the table's rows, each with "id" and
"tag". Anomalies:

* "lost": an acknowledged row is not in the last read of its table, and nobody may have deleted it;
* "resurrected": the last read shows a row of which a delete said that it was deleted;
* "duplicate": two acknowledged rows of a table were given the same key, or a read shows a tag, or a key, twice;
* "wrong-key": a read shows an acknowledged row under another key than it was told;
* "unexpected": a read shows a tag whose insert was not asked for before, or had certainly failed.

The last read of a table is the last ok one that began when all inserts and deletes there were over (those of unknown
outcome when they were given up). That replicas agree is another question (``checkers.convergence``).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from checkers.guard import Unsupported, guarded
from checkers.value import plain, show
from harness.history import DUMP, INVOKE, Call, History
from harness.result import Anomaly, Reason, Result

EXPECT: Final = "rows"
LOST, RESURRECTED, DUPLICATE, WRONG_KEY, UNEXPECTED = "lost", "resurrected", "duplicate", "wrong-key", "unexpected"
TYPES: Final = (LOST, RESURRECTED, DUPLICATE, WRONG_KEY, UNEXPECTED)
ANOMALIES_MAX: Final = 16
ID, TAG = "id", "tag"


@dataclass(slots=True)
class Table:
    """One table's calls. ``inserts`` by tag; ``deletes`` by the tag that they name, None if they name another thing."""

    name: Any
    inserts: dict[Any, Call] = field(default_factory=dict)
    deletes: list[tuple[Any, Call]] = field(default_factory=list)
    reads: list[Call] = field(default_factory=list)

    def last_read(self) -> Call | None:
        """The last ok read behind every insert and delete."""
        changes = [*self.inserts.values(), *(call for _, call in self.deletes)]
        over = max((call.invoke if call.complete is None else call.complete for call in changes), default=-1)
        later = [read for read in self.reads if read.outcome == "ok" and read.invoke > over]
        return max(later, key=_end, default=None)


def check(history: History, *, time_limit_s: float | None = None) -> Result:
    """Whether every acknowledged row is there, once, under its own key. Linear; the time limit is unused.

    Unknown where a table with acknowledged rows has no last read, and nothing else is wrong. Raises
    :class:`harness.history.HistoryError`.
    """
    return guarded(EXPECT, lambda: _judge(history), method="rows")


def _judge(history: History) -> Result:
    tables = _tables(history)
    anomalies = [anomaly for table in tables for anomaly in _anomalies(table)]
    acknowledged = [sum(call.outcome == "ok" for call in table.inserts.values()) for table in tables]
    unread = [table.name for table, rows in zip(tables, acknowledged, strict=True) if rows and not table.last_read()]
    counts = Counter(anomaly.type for anomaly in anomalies)
    unknown = bool(unread) and not anomalies
    return Result(
        valid=False if anomalies else "unknown" if unknown else True,
        expect=EXPECT,
        method="rows",
        reason=Reason.MISSING_FINAL_READ if unknown else None,
        explanation=f"nobody read {show(unread[0])} when all was over" if unknown else None,
        anomalies=tuple(anomalies[:ANOMALIES_MAX]),
        operations=history.types.count(INVOKE),
        details={
            "tables": len(tables),
            "acknowledged": sum(acknowledged),
            **{name.replace("-", "_"): counts[name] for name in TYPES},
        },
    )


def _tables(history: History) -> list[Table]:
    tables: dict[str, Table] = {}
    for call in history.calls():
        if call.f in (DUMP, "update"):
            continue
        table = tables.setdefault(show(call.key), Table(call.key))
        match call.f:
            case "insert":
                tag = _tag(call)
                if tag in table.inserts:
                    raise Unsupported(f"operation {call.invoke}: read the tag {show(tag)} again; expected a new one")
                table.inserts[tag] = call
            case "delete":
                table.deletes.append((_named(call), call))
            case "read":
                table.reads.append(call)
            case _:
                raise Unsupported(f"operation {call.invoke}: read the operation {show(call.f)}; expected insert, "
                                  "update, delete or read")  # fmt: skip
    return list(tables.values())


def _tag(call: Call) -> Any:
    row = call.argument.get("row") if isinstance(call.argument, Mapping) else None
    tag = row.get(TAG) if isinstance(row, Mapping) else None
    if not isinstance(tag, int | str):
        raise Unsupported(f'operation {call.invoke}: read the insert {show(call.argument)}; expected {{"row": '
                          '{"tag": a number or a text, ...}}')  # fmt: skip
    return tag


def _named(call: Call) -> Any:
    """The one tag that a delete is about; None if it may be about any."""
    match call.argument:
        case {"where": [[str(column), "=", value]]} if column == TAG:
            return value
    return None


def _anomalies(table: Table) -> Iterator[Anomaly]:
    yield from _given_twice(table)
    for read in table.reads:
        if read.outcome == "ok":
            yield from _misread(table, read)
    last = table.last_read()
    if last is not None:
        tags = {row.get(TAG) for row in _rows(last)}
        yield from _missing(table, last, tags)
        yield from _back_again(table, last, tags)


def _given_twice(table: Table) -> Iterator[Anomaly]:
    given: dict[Any, Call] = {}
    for tag, call in table.inserts.items():
        key = _key(call)
        if key is None:
            continue
        first = given.setdefault(key, call)
        if first is not call:
            text = f"the key {show(key)} was given to row {show(_tag(first))} and to row {show(tag)}"
            yield _anomaly(DUPLICATE, table, text, first, call)


def _key(call: Call) -> Any:
    """The key that an acknowledged insert was told."""
    return call.result.get(ID) if call.outcome == "ok" and isinstance(call.result, Mapping) else None


def _misread(table: Table, read: Call) -> Iterator[Anomaly]:
    """What a read shows that cannot be."""
    rows = _rows(read)
    for column in (TAG, ID):
        for value, times in Counter(show(row.get(column)) for row in rows).items():
            if times > 1:
                yield _anomaly(DUPLICATE, table, f"a read shows {times} rows with the {column} {value}", read)
    for row in rows:
        insert = table.inserts.get(row.get(TAG))
        if insert is None or insert.outcome == "fail" or insert.invoke > _end(read):
            yield _anomaly(UNEXPECTED, table, f"a read shows row {show(row)}, which nobody inserted", read)
        elif (key := _key(insert)) not in (None, row.get(ID)):
            text = f"row {show(row.get(TAG))} was told its key is {show(key)}, and is read under {show(row.get(ID))}"
            yield _anomaly(WRONG_KEY, table, text, insert, read)


def _missing(table: Table, last: Call, tags: set[Any]) -> Iterator[Anomaly]:
    deleted = {tag for tag, call in table.deletes if call.outcome != "fail"}
    for tag, insert in table.inserts.items():
        if insert.outcome == "ok" and tag not in tags and tag not in deleted and None not in deleted:
            yield _anomaly(LOST, table, f"row {show(tag)} was acknowledged and is not in the last read", insert, last)


def _back_again(table: Table, last: Call, tags: set[Any]) -> Iterator[Anomaly]:
    for tag, delete in table.deletes:
        count = delete.result.get("count") if isinstance(delete.result, Mapping) else None
        if tag is not None and tag in tags and delete.outcome == "ok" and count:
            text = f"row {show(tag)} was deleted and is in the last read"
            yield _anomaly(RESURRECTED, table, text, delete, last)


def _rows(read: Call) -> Sequence[Mapping[str, Any]]:
    rows = read.result
    if not isinstance(rows, Sequence) or not all(isinstance(row, Mapping) for row in rows):
        raise Unsupported(f"operation {read.complete}: read {show(rows)}; expected a list of rows")
    return rows


def _end(call: Call) -> int:
    assert call.complete is not None, "an ok operation has completed"
    return call.complete


def _anomaly(type_: str, table: Table, text: str, *calls: Call) -> Anomaly:
    operations = tuple(at for call in calls for at in (call.invoke, call.complete) if at is not None)
    return Anomaly(type_, operations, f"Table {show(table.name)}: {text}.", {"table": plain(table.name)})
