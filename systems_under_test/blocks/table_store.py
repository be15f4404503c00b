"""Tables of rows with an auto-increment key, kept in storage pages.

The row with key k is in slot k of its table, counted over the table's pages; slot 0 is the table's own and says which
key is next. What a change means is told twice: to those who understand rows (``take_row_changes``), and, by the pages,
to those who copy bytes.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Final

from systems_under_test.blocks.page import SLOTS_PER_PAGE, Pages, Row, UnreadableRow

NEXT: Final = "next"


@dataclass(frozen=True, slots=True)
class RowChange:
    """What a write did to one row: its whole new content, or None if it was deleted. The key identifies it."""

    table: str
    key: int
    row: Row | None

    def as_json(self) -> list[Any]:
        """[table, key, row]."""
        return [self.table, self.key, None if self.row is None else dict(self.row)]


class TableStore:
    """Tables come into being with their first row. ``pages`` may be exchanged."""

    def __init__(self, pages: Pages) -> None:
        self.pages = pages
        self._changes: list[RowChange] = []

    def insert(self, table: str, row: Row) -> int:
        """Add a row under the table's next key; returns the key."""
        key = self.next_key(table)
        self.put(RowChange(table, key, row))
        return key

    def put(self, change: RowChange) -> None:
        """Write, or delete, the row of that key. The next key is above every key that was ever used."""
        page, slot = _place(change.table, change.key)
        if change.key >= self.next_key(change.table):
            self.pages.write(*_place(change.table, 0), {NEXT: change.key + 1})
        self.pages.write(page, slot, change.row)
        self._changes.append(change)

    def next_key(self, table: str) -> int:
        header = self.pages.read(*_place(table, 0))
        return 1 if header is None else int(header[NEXT])

    def rows(self, table: str) -> list[tuple[int, Row]]:
        """(key, row) of every row, in order of key. Raises UnreadableRow."""
        found = ((key, self.pages.read(*_place(table, key))) for key in range(1, self.next_key(table)))
        return [(key, row) for key, row in found if row is not None]

    def row(self, table: str, key: int) -> Row | None:
        """The row of that key. Raises UnreadableRow."""
        return self.pages.read(*_place(table, key))

    def tables(self) -> list[str]:
        return sorted({name.partition("/")[0] for name in self.pages.names()})

    def take_row_changes(self) -> list[RowChange]:
        """What was written since this was asked last."""
        changes, self._changes = self._changes, []
        return changes

    def dump(self, tables: Iterable[str] | None = None) -> dict[str, Any]:
        """ "table/key" -> row, for comparing replicas; bytes that are no row are shown as they are."""
        return dict(entry for table in (self.tables() if tables is None else tables) for entry in self._dumped(table))

    def _dumped(self, table: str) -> Iterator[tuple[str, Any]]:
        for name in self.pages.names():
            owner, _, number = name.partition("/")
            if owner != table:
                continue
            first = int(number) * SLOTS_PER_PAGE
            for slot in range(SLOTS_PER_PAGE):
                try:
                    row = self.pages.read(name, slot)
                except UnreadableRow as error:
                    yield f"{table}/{first + slot}", {"unreadable": b64encode(error.data[:24]).decode("ascii")}
                else:
                    if row is not None:
                        yield f"{table}/{first + slot}", dict(row)


def _place(table: str, key: int) -> tuple[str, int]:
    return f"{table}/{key // SLOTS_PER_PAGE}", key % SLOTS_PER_PAGE
