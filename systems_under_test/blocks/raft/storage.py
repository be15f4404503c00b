"""A Raft server's stable storage: term and vote in a durable cell, the snapshot in one, the log in a write-ahead log.

A record's index in the write-ahead log counts from the snapshot: record 1 is the entry after it. So a snapshot and the
log that follows it belong together, and one must not change without the other. Each snapshot names its log's folder:

1. what follows the snapshot is written to a new log, and synced;
2. the snapshot takes the place of the one before, in one rename (``DurableCell``): now the new log is the log;
3. the old log is deleted.

A crash before 2 leaves the old snapshot and the old log; one after 2 leaves files that nobody names, which the next
``open`` deletes. The log's prefix is dropped by not being copied.
"""

from __future__ import annotations

from collections.abc import Sequence

from harness.node import Disk

from systems_under_test.blocks.durable_cell import DurableCell
from systems_under_test.blocks.raft.bug import (
    CORRUPT_RECORD_ENDS_LOG,
    NONE,
    TERM_NOT_PERSISTED,
    VOTE_NOT_PERSISTED,
)
from systems_under_test.blocks.raft.core import Save
from systems_under_test.blocks.raft.log import NO_SNAPSHOT, Entry, Snapshot
from systems_under_test.blocks.raft.state import HardState
from systems_under_test.blocks.write_ahead_log import WriteAheadLog


class Storage:
    """``write``, then ``sync``: on return, what was written is in stable storage. OSError from either: the node must
    stop, and act on nothing of it. The names of its files begin with ``files``."""

    def __init__(self, disk: Disk, bugs: frozenset[str] = NONE, files: str = "") -> None:
        self._disk, self._files, self._bugs = disk, files, bugs
        self._vote = DurableCell(disk, f"{files}vote")
        self._snapshot = DurableCell(disk, f"{files}snapshot")
        self._applied = DurableCell(disk, f"{files}applied")
        self.is_lost = False
        self._generation = 0  # of the log: one more with each snapshot
        self._included = 0  # the snapshot's index
        self._log = self._log_of(0)
        self._changed = False

    async def open(self, *, ran_before: bool = False) -> tuple[HardState, Snapshot, list[Entry]]:
        """What was saved, synced again: a process that was killed may have written what it never synced, and from now
        on this server will speak as one that has it. Raises Corruption.

        If it finds nothing, it leaves the mark of a member. But a server that ``ran_before`` and finds nothing
        ``is_lost``, and stays so, however often it starts, until it has something to save (``rejoin``).
        """
        cell = await self._vote.load()
        hard = HardState(cell["term"], cell["vote"], cell["votes_after"]) if cell is not None else HardState()
        snapshot = await self._open_snapshot()
        self._delete_other_logs()
        records = self._log.open()
        entries = [
            Entry(record["term"], index, record["command"]) for index, record in enumerate(records, snapshot.index + 1)
        ]
        await self._log.sync()
        self.is_lost = ran_before and cell is None and snapshot.index + len(entries) == 0
        if cell is None and not self.is_lost:
            await self._save_hard(hard)  # the mark of a member
        if TERM_NOT_PERSISTED in self._bugs:
            hard = HardState(entries[-1].term if entries else snapshot.term)
        return hard, snapshot, entries

    async def write(self, saves: Sequence[Save]) -> None:
        """All of ``saves``: term, vote and snapshots are stable on return, entries after the next ``sync``.

        Term and vote come first: an entry on disk never has a later term than the server that stored it.
        """
        hard = next((save.hard for save in reversed(saves) if save.hard is not None), None)
        if hard is not None and TERM_NOT_PERSISTED not in self._bugs:
            await self._save_hard(hard)
        for save in saves:
            if save.snapshot is not None:
                await self._begin_after(save.snapshot, save.entries)
            elif save.log_from is not None:
                self._replace(save.log_from, save.entries)

    async def _save_hard(self, hard: HardState) -> None:
        vote = None if VOTE_NOT_PERSISTED in self._bugs else hard.vote
        await self._vote.save({"term": hard.term, "vote": vote, "votes_after": hard.votes_after})

    async def sync(self) -> None:
        """Make stable what was written."""
        if self._changed:
            self._changed = False
            await self._log.sync()

    async def save_applied(self, index: int) -> None:
        """Only where the seeded bug is to keep the applied index in a place of its own."""
        await self._applied.save({"index": index})

    async def load_applied(self) -> int:
        cell = await self._applied.load()
        return 0 if cell is None else int(cell["index"])

    async def _open_snapshot(self) -> Snapshot:
        cell = await self._snapshot.load()
        if cell is None:
            return NO_SNAPSHOT
        self._generation, self._included = cell["log"], cell["index"]
        self._log = self._log_of(self._generation)
        return Snapshot(cell["index"], cell["term"], cell["state"], tuple(cell["voters"]), tuple(cell["old_voters"]))

    async def _begin_after(self, snapshot: Snapshot, entries: Sequence[Entry]) -> None:
        self._generation, self._included = self._generation + 1, snapshot.index
        self._log = self._log_of(self._generation)
        self._log.open()
        self._replace(snapshot.index + 1, entries)
        await self.sync()
        await self._snapshot.save({
            "index": snapshot.index, "term": snapshot.term, "state": snapshot.state, "log": self._generation,
            "voters": list(snapshot.voters), "old_voters": list(snapshot.old_voters),
        })  # fmt: skip
        self._delete_other_logs()

    def _replace(self, log_from: int, entries: Sequence[Entry]) -> None:
        self._log.truncate_from(log_from - self._included)
        for entry in entries:
            index = self._included + self._log.append({"term": entry.term, "command": entry.command})
            assert index == entry.index, f"entry {entry.index} was stored as record {index}"
        self._changed = True

    def _log_of(self, generation: int) -> WriteAheadLog:
        return WriteAheadLog(
            self._disk, self._folder(generation), cuts_corruption=CORRUPT_RECORD_ENDS_LOG in self._bugs
        )

    def _folder(self, generation: int) -> str:
        return f"{self._files}wal.{generation}" if generation else f"{self._files}wal"

    def _delete_other_logs(self) -> None:
        kept = self._folder(self._generation) + "/"
        for name in self._disk.list(f"{self._files}wal"):
            if not name.startswith(kept):
                self._disk.delete(name)
