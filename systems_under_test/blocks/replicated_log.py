"""The replicated log of one node: entries with their generations, on disk, and the search for a common point.

A generation is whatever number rises when somebody else begins to write entries: a leader's term, a chain's epoch.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from harness.node import Disk

from systems_under_test.blocks.write_ahead_log import SEGMENT_BYTES, WriteAheadLog

Entry = Mapping[str, Any]
"""{"generation": of whoever wrote it, "command": the client's request, or None if it is nobody's}"""


@dataclass(frozen=True, order=True, slots=True)
class Position:
    """A place in a log, in the order of freshness: the later generation is fresher, then the longer log."""

    generation: int
    index: int

    def as_json(self) -> list[int]:
        """As it stands in messages: [generation, index]."""
        return [self.generation, self.index]


BEGINNING: Final = Position(0, 0)


class ReplicatedLog:
    """Entries 1, 2, ...; index 0 is the place before the first. ``durable`` is the last index that is synced.

    The log of a node that got a copy of the data begins behind ``base``, the copy's position.
    """

    def __init__(self, disk: Disk, segment_bytes: int = SEGMENT_BYTES) -> None:
        self._wal = WriteAheadLog(disk, segment_bytes=segment_bytes)
        self._entries: list[Entry] = []
        self._cuts = self._durable_cuts = 0
        self.base = BEGINNING
        self.durable = 0

    async def open(self, base: Position = BEGINNING) -> None:
        """Recover, and make durable what a killed predecessor wrote but did not sync. Raises Corruption."""
        self.base = base
        self._entries = list(self._wal.open())
        await self.sync()

    @property
    def last(self) -> int:
        return self.base.index + len(self._entries)

    def begin_at(self, base: Position) -> None:
        """Forget all entries, which is not durable before the next ``sync``; the log goes on behind ``base``."""
        if self._entries:
            self._wal.truncate_from(1)
        self._entries, self.base, self.durable = [], base, base.index
        self._cuts += 1

    @property
    def position(self) -> Position:
        return self.position_at(self.last)

    def position_at(self, index: int) -> Position:
        """What is below the base is in the copy; of its generations only the last is known."""
        if index <= self.base.index:
            return self.base
        return Position(self.entry(index)["generation"], index)

    def entry(self, index: int) -> Entry:
        assert self.base.index < index <= self.last, f"entry {index} of {self.base.index + 1} to {self.last}"
        return self._entries[index - self.base.index - 1]

    def entries(self, first: int, limit: int) -> Sequence[Entry]:
        start = max(first - self.base.index - 1, 0)
        return self._entries[start : start + limit]

    def append(self, entry: Entry) -> int:
        """Add at the end; returns the index. Not durable before the next ``sync``."""
        index = self._wal.append(entry)
        self._entries.append(entry)
        assert self.base.index + index == self.last, "the log in memory is the log on disk"
        return self.last

    def truncate_from(self, index: int) -> int:
        """Drop the entries from ``index`` on; returns how many. Not durable before the next ``sync``."""
        dropped = self.last - index + 1
        self._wal.truncate_from(index - self.base.index)
        del self._entries[index - self.base.index - 1 :]
        self.durable = min(self.durable, index - 1)
        self._cuts += 1
        return dropped

    async def sync(self) -> None:
        """Make durable what is in the log now. Calls may overlap, with each other and with changes."""
        last, cuts = self.last, self._cuts
        await self._wal.sync()
        if cuts == self._cuts:  # else what was synced may have been dropped since; whoever dropped it syncs again
            self.durable, self._durable_cuts = max(self.durable, last), cuts

    def is_durable(self, index: int) -> bool:
        """Whether the entries up to ``index`` survive a power loss here, and nothing comes back that was dropped."""
        return self.durable >= index and self._durable_cuts == self._cuts

    def agrees(self, position: Position) -> bool:
        """Whether this log has that entry. Then, where generations are on, all before it are the same as well."""
        if position.index < self.base.index:
            return position.generation <= self.base.generation  # as far as anybody can tell from the copy
        return position.index <= self.last and self.position_at(position.index).generation == position.generation

    def common_point(self, other: Position) -> Position:
        """The last place that could also be in a log that has ``other``: not behind it, not of a later generation.

        Leader and follower take turns at this; each answer is at or before the other's, until they agree.
        """
        index = max(min(other.index, self.last), self.base.index)
        while index > self.base.index and self.position_at(index).generation > other.generation:
            index -= 1
        return self.position_at(index)


def merge(log: ReplicatedLog, after: int, entries: Sequence[Entry], cut: Callable[[int], object], *,
          numbered: bool = True) -> None:  # fmt: skip
    """Take in a predecessor's entries, which follow its entry ``after``, up to where both logs are the same.

    ``cut`` is to drop all from an index on, where what is here is of another generation. Entries of one index and one
    generation are one entry, or whoever numbered them is wrong; unless nobody does (``numbered``).
    """
    for index, entry in enumerate(entries, after + 1):
        if index <= log.last:
            mine = log.entry(index)
            if mine == entry:
                continue
            assert not numbered or mine["generation"] != entry["generation"], f"two entries {index} of one generation"
            cut(index)
        log.append(entry)
