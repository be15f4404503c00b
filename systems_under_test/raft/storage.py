"""A Raft server's stable storage: term and vote in a durable cell, the log in a write-ahead log.

A record's index in the write-ahead log is its entry's index in Raft's log.
"""

from __future__ import annotations

from collections.abc import Sequence

from harness.node import Disk

from systems_under_test.blocks.durable_cell import DurableCell
from systems_under_test.blocks.raft import Entry, HardState, Save
from systems_under_test.blocks.write_ahead_log import WriteAheadLog


class Storage:
    def __init__(self, disk: Disk) -> None:
        self._cell = DurableCell(disk, "vote")
        self._log = WriteAheadLog(disk)

    async def open(self) -> tuple[HardState, list[Entry]]:
        """What was saved, synced again: a process that was killed may have written what it never synced, and from now
        on this server will speak as one that has it."""
        cell = self._cell.load()
        hard = HardState(cell["term"], cell["vote"]) if cell is not None else HardState()
        records = self._log.open()
        entries = [Entry(record["term"], index, record["command"]) for index, record in enumerate(records, 1)]
        await self._log.sync()
        return hard, entries

    async def save(self, saves: Sequence[Save]) -> None:
        """All of ``saves``, in stable storage on return. OSError: the node must stop.

        Term and vote come first: an entry on disk never has a later term than the server that stored it.
        """
        hard = next((save.hard for save in reversed(saves) if save.hard is not None), None)
        if hard is not None:
            await self._cell.save({"term": hard.term, "vote": hard.vote})
        for save in saves:
            if save.log_from is not None:
                self._replace(save.log_from, save.entries)
        if any(save.log_from is not None for save in saves):
            await self._log.sync()

    def _replace(self, log_from: int, entries: Sequence[Entry]) -> None:
        self._log.truncate_from(log_from)
        for entry in entries:
            index = self._log.append({"term": entry.term, "command": entry.command})
            assert index == entry.index, f"entry {entry.index} was stored as record {index}"
