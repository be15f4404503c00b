"""A Raft server's stable storage: term and vote in a durable cell, the log in a write-ahead log.

A record's index in the write-ahead log is its entry's index in Raft's log.
"""

from __future__ import annotations

from collections.abc import Sequence

from harness.node import Disk

from systems_under_test.blocks.durable_cell import DurableCell
from systems_under_test.blocks.raft import Entry, HardState, Save
from systems_under_test.blocks.raft.bug import (
    CORRUPT_RECORD_ENDS_LOG,
    NONE,
    TERM_NOT_PERSISTED,
    VOTE_NOT_PERSISTED,
)
from systems_under_test.blocks.write_ahead_log import WriteAheadLog


class Storage:
    """``write``, then ``sync``: on return, what was written is in stable storage. OSError from either: the node must
    stop, and act on nothing of it."""

    def __init__(self, disk: Disk, bugs: frozenset[str] = NONE) -> None:
        self._cell = DurableCell(disk, "vote")
        self._log = WriteAheadLog(disk, cuts_corruption=CORRUPT_RECORD_ENDS_LOG in bugs)
        self._bugs = bugs
        self._changed = False

    async def open(self) -> tuple[HardState, list[Entry]]:
        """What was saved, synced again: a process that was killed may have written what it never synced, and from now
        on this server will speak as one that has it. Raises Corruption."""
        cell = await self._cell.load()
        hard = HardState(cell["term"], cell["vote"]) if cell is not None else HardState()
        records = self._log.open()
        entries = [Entry(record["term"], index, record["command"]) for index, record in enumerate(records, 1)]
        await self._log.sync()
        if TERM_NOT_PERSISTED in self._bugs:
            hard = HardState(entries[-1].term if entries else 0)
        return hard, entries

    async def write(self, saves: Sequence[Save]) -> None:
        """All of ``saves``: term and vote are stable on return, entries after the next ``sync``.

        Term and vote come first: an entry on disk never has a later term than the server that stored it.
        """
        hard = next((save.hard for save in reversed(saves) if save.hard is not None), None)
        if hard is not None and TERM_NOT_PERSISTED not in self._bugs:
            vote = None if VOTE_NOT_PERSISTED in self._bugs else hard.vote
            await self._cell.save({"term": hard.term, "vote": vote})
        for save in saves:
            if save.log_from is not None:
                self._replace(save.log_from, save.entries)
                self._changed = True

    async def sync(self) -> None:
        """Make stable what was written."""
        if self._changed:
            self._changed = False
            await self._log.sync()

    def _replace(self, log_from: int, entries: Sequence[Entry]) -> None:
        self._log.truncate_from(log_from)
        for entry in entries:
            index = self._log.append({"term": entry.term, "command": entry.command})
            assert index == entry.index, f"entry {entry.index} was stored as record {index}"
