"""One database's storage: tables in pages, and the log of every byte that changed in them.

A commit is one record of that log: the bytes, the version of the layout that they are laid out in, and whatever must be
true together with them: on the leader what the followers are to be told, on a follower how far it has followed. (MySQL,
which keeps the replication log in a file of its own, needs an atomic commit between the two.) After a crash the log is
replayed; nothing is ever executed again, so a restart cannot make a database differ from what it was.

A node that starts as another build finds pages in the other version's layout. It converts them, and logs all of them
as an image: from there on the log is in its own version.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from harness.node import Env

from systems_under_test.blocks.page import LAYOUTS, Pages, as_changes, layout_of
from systems_under_test.blocks.table_store import TableStore
from systems_under_test.blocks.write_ahead_log import WriteAheadLog

Record = Mapping[str, Any]
"""{"version", "changes" or "image", and what was committed with them}"""

ONE_SEGMENT_BYTES: Final = 1 << 60
"""So that a commit is in the kernel's hands, and survives a kill, before anybody can see it."""


class Storage:
    """Records 1, 2, ...; ``durable`` is the last that is synced."""

    def __init__(self, env: Env) -> None:
        self._wal = WriteAheadLog(env.disk, segment_bytes=ONE_SEGMENT_BYTES)
        self.layout = LAYOUTS[env.build]
        self.tables = TableStore(Pages(self.layout))
        self._records: list[Record] = []
        self.durable = 0

    async def open(self) -> None:
        """Recover, convert if need be, and make all of it durable. Raises Corruption."""
        for record in self._wal.open():
            self._replay(record)
        if self.tables.pages.layout != self.layout:
            self.load(self.tables.pages.converted(self.layout).image())
        await self.sync()

    def _replay(self, record: Record) -> None:
        if not self._records or "image" in record:
            self.tables = TableStore(Pages(layout_of(record["version"])))
        if "image" in record:
            self.tables.pages.load(record["image"])
        for change in as_changes(record.get("changes", ())):
            self.tables.pages.patch(change)
        self.tables.pages.take_changes()
        self._records.append(record)

    def load(self, image: Mapping[str, str], **about: Any) -> None:
        """Replace all pages, and commit that."""
        self.tables = TableStore(Pages(self.layout))
        self.tables.pages.load(image)
        self._append({"version": self.layout.version, "image": dict(image), **about})

    def commit(self, **about: Any) -> int:
        """Log what was changed since the last commit; returns the record's number. Durable after a ``sync``."""
        self.tables.take_row_changes()
        return self._append({"version": self.layout.version, "changes": self.tables.pages.take_changes(), **about})

    def _append(self, record: Record) -> int:
        self._records.append(record)
        number = self._wal.append(record)
        assert number == self.last, "the log in memory is the log on disk"
        return number

    async def sync(self) -> None:
        """Return when everything committed before this call is durable."""
        last = self.last
        await self._wal.sync()
        self.durable = max(self.durable, last)

    @property
    def last(self) -> int:
        return len(self._records)

    def record(self, number: int) -> Record:
        return self._records[number - 1]

    def newest(self, field: str) -> Any:
        """What was committed last under that name; None if nothing was."""
        return next((record[field] for record in reversed(self._records) if field in record), None)

    def records(self) -> Sequence[Record]:
        """All of them, durable or not."""
        return self._records
