"""Partitions on one node: none sees another's files, messages say whose they are, draws differ."""

from __future__ import annotations

import asyncio

from systems_under_test.blocks.partition_env import PartitionDisk
from tests.systems_under_test.blocks.crash_disk import CrashDisk


def test_files_of_one_name_are_different_files() -> None:
    async def run() -> None:
        disk = CrashDisk()
        first, second = PartitionDisk(disk, "partition-0/"), PartitionDisk(disk, "partition-1/")
        first.write("term", b"one")
        second.append("term", b"two")
        second.append("wal/1", b"entries")
        assert (first.read("term"), second.read("term", 1, 2)) == (b"one", b"wo")
        assert (first.list(), second.list(), second.list("wal/")) == (["term"], ["term", "wal/1"], ["wal/1"])
        assert (first.exists("wal/1"), second.exists("wal/1"), second.size("wal/1")) == (False, True, 7)
        second.truncate("wal/1", 3)
        second.rename("wal/1", "wal/2")
        first.delete("term")
        assert (first.list(), second.list(), second.read("wal/2")) == ([], ["term", "wal/2"], b"ent")

    asyncio.run(run())
