"""The write-ahead log keeps what was synced, cuts what was not, and never passes over damage in silence."""

from __future__ import annotations

import asyncio
from collections.abc import Collection
from itertools import product
from random import Random
from typing import Any

import pytest

from systems_under_test.blocks.write_ahead_log import HEAD, CorruptLog, WriteAheadLog
from tests.systems_under_test.blocks.crash_disk import CrashDisk, PowerLost


def record(number: int) -> dict[str, Any]:
    return {"n": number, "text": "x" * (number % 37)}


async def filled(disk: CrashDisk, count: int, segment_bytes: int = 1 << 20, sync_every: int = 1) -> WriteAheadLog:
    log = WriteAheadLog(disk, segment_bytes=segment_bytes)
    log.open()
    for number in range(1, count + 1):
        assert log.append(record(number)) == number
        if number % sync_every == 0:
            await log.sync()
    return log


def reopened(disk: CrashDisk) -> list[dict[str, Any]]:
    return WriteAheadLog(disk).open()


def test_records_come_back_in_order_across_segments() -> None:
    disk = CrashDisk()
    log = asyncio.run(filled(disk, 100, segment_bytes=300))
    assert (log.first_index, log.last_index) == (1, 100)
    assert len(disk.list("wal/")) > 10
    again = disk.after_crash(Random(1))
    assert reopened(again) == [record(number) for number in range(1, 101)]


def test_an_empty_log_is_empty() -> None:
    log = WriteAheadLog(CrashDisk())
    assert log.open() == []
    assert (log.first_index, log.last_index) == (1, 0)
    asyncio.run(log.sync())


def test_two_logs_on_one_disk_do_not_meet() -> None:
    async def run() -> None:
        disk = CrashDisk()
        for folder in ("wal", "wal2"):
            log = WriteAheadLog(disk, folder)
            log.open()
            log.append({"folder": folder})
            await log.sync()
        assert WriteAheadLog(disk, "wal").open() == [{"folder": "wal"}]

    asyncio.run(run())


def test_unsynced_records_survive_the_process_but_need_not_survive_the_power() -> None:
    def with_one_unsynced() -> CrashDisk:
        disk = CrashDisk()
        log = asyncio.run(filled(disk, 3))
        log.append(record(4))
        return disk

    assert len(reopened(with_one_unsynced().after_kill())) == 4
    survivors = {len(reopened(with_one_unsynced().after_crash(Random(seed)))) for seed in range(20)}
    assert survivors == {3, 4}


def test_a_sync_with_nothing_new_makes_recovered_records_durable() -> None:
    async def run() -> None:
        disk = CrashDisk()
        log = WriteAheadLog(disk)
        log.open()
        log.append(record(1))
        second = disk.after_kill()
        log = WriteAheadLog(second)
        assert log.open() == [record(1)]
        await log.sync()
        for seed in range(10):
            assert reopened(second.after_crash(Random(seed))) == [record(1)]

    asyncio.run(run())


def test_a_cut_forgets_and_the_log_goes_on() -> None:
    async def run() -> None:
        disk = CrashDisk()
        log = await filled(disk, 50, segment_bytes=400)
        log.truncate_from(21)
        assert log.last_index == 20
        log.truncate_from(21)  # nothing left to cut
        assert log.append({"n": "new"}) == 21
        await log.sync()
        assert reopened(disk.after_crash(Random(3))) == [*map(record, range(1, 21)), {"n": "new"}]

    asyncio.run(run())


def test_a_cut_to_nothing() -> None:
    async def run() -> None:
        disk = CrashDisk()
        log = await filled(disk, 5)
        log.truncate_from(1)
        await log.sync()
        assert reopened(disk.after_crash(Random(3))) == []

    asyncio.run(run())


def test_a_crash_in_the_middle_of_a_cut_finds_the_old_log_or_the_new_one() -> None:
    async def run(seed: int) -> int:
        disk = CrashDisk()
        log = await filled(disk, 30, segment_bytes=300)
        log.truncate_from(11)
        for number in range(101, 106):
            log.append(record(number))
        found = reopened(disk.after_crash(Random(seed)))
        old = [record(number) for number in range(1, 31)]
        new = [record(number) for number in (*range(1, 11), *range(101, 106))]
        assert found == old or (len(found) >= 10 and found == new[: len(found)])
        return len(found)

    lengths = {asyncio.run(run(seed)) for seed in range(60)}
    assert 30 in lengths
    assert len(lengths) > 3


@pytest.mark.parametrize("holes", [False, True])
def test_random_crashes_lose_no_synced_record_and_invent_none(holes: bool) -> None:
    """Many lives of one log: random appends, cuts, overlapping syncs and power losses, against a list."""

    async def life(disk: CrashDisk, random: Random, floor: list[Any], serial: int) -> tuple[list[Any], list[Any], int]:
        log = WriteAheadLog(disk, segment_bytes=random.choice((1, 250)))
        disk.turns = lambda: random.randint(1, 5)
        now = log.open()
        durable, possible = list(now), list(now)
        assert now[: len(floor)] == floor

        async def sync() -> None:
            nonlocal durable
            state = list(now)
            await log.sync()
            durable = state

        running: list[asyncio.Task[None]] = [asyncio.create_task(sync())]
        if random.random() < 0.2:  # the power is lost again before anything is done
            await asyncio.sleep(0)
            return durable[: len(floor)], now, serial
        await running[0]
        for _ in range(random.randint(0, 40)):
            match random.randrange(6):
                case 0 | 1 | 2:
                    serial += 1
                    assert log.append(record(serial)) == len(now) + 1
                    now.append(record(serial))
                case 3:
                    running.append(asyncio.create_task(sync()))
                case 4:
                    await asyncio.sleep(0)
                case 5 if not any(not task.done() for task in running) and now and random.random() < 0.3:
                    await sync()  # cut only when all is durable, so that the oracle stays a prefix
                    cut = random.randint(1, len(now))
                    log.truncate_from(cut)
                    del now[cut - 1 :]
                    await sync()
            possible = list(now)
        await asyncio.sleep(0)
        return durable, possible, serial

    async def run(seed: int) -> int:
        random, disk, serial, lost = Random(seed), CrashDisk(), 0, 0
        floor: list[Any] = []
        for _ in range(6):
            floor, possible, serial = await life(disk, random, floor, serial)
            disk = disk.after_crash(random, holes)
            await asyncio.sleep(0.0)
            found = reopened(disk)
            assert found == possible[: len(found)]
            assert len(found) >= len(floor)
            lost += len(possible) - len(found)
            pending = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
            outcomes = await asyncio.gather(*pending, return_exceptions=True)
            assert all(isinstance(outcome, PowerLost | None) for outcome in outcomes)
        return lost

    lost = sum(asyncio.run(run(seed)) for seed in range(150))
    assert lost > 100, "the crashes never cost anything: the test shows nothing"


def test_whatever_a_second_power_loss_leaves_of_a_cut_is_no_damage() -> None:
    """The first leaves a tail with holes, which is cut; the second comes while the cut and what follows it are synced,
    and any of that may have reached the disk before the rest."""

    async def run(first: Collection[int], second: Collection[int]) -> None:
        disk = CrashDisk()
        log = WriteAheadLog(disk)
        log.open()
        for number in range(1, 5):
            log.append(record(number))
        syncs = [asyncio.create_task(log.sync())]
        await asyncio.sleep(0)
        disk = disk.after_crash_that_keeps(first)
        log = WriteAheadLog(disk)
        survived = log.open()
        log.append(record(5))
        syncs.append(asyncio.create_task(log.sync()))
        await asyncio.sleep(0)
        found = reopened(disk.after_crash_that_keeps(second))
        assert found[: len(survived)] == survived[: len(found)]
        await asyncio.gather(*syncs, return_exceptions=True)

    subsets = [[number for number in range(5) if bits >> number & 1] for bits in range(32)]
    for first, second in product(subsets, subsets[:16]):
        asyncio.run(run(first, second))


def test_overlapping_syncs_each_keep_their_promise() -> None:
    async def run(seed: int) -> None:
        disk = CrashDisk()
        log = WriteAheadLog(disk, segment_bytes=120)
        log.open()
        promised = 0

        async def writer(name: int) -> None:
            nonlocal promised
            for _ in range(20):
                index = log.append({"writer": name})
                await log.sync()
                promised = max(promised, index)

        await asyncio.gather(*(writer(name) for name in range(5)))
        assert promised == 100
        assert len(disk.list("wal/")) > 5, "group commits must not keep a full segment open for ever"
        assert len(reopened(disk.after_crash(Random(seed)))) == 100

    asyncio.run(run(1))


def positions(disk: CrashDisk, name: str) -> list[int]:
    data, at, found = disk.read(name), 0, []
    while at < len(data):
        found.append(at)
        at += HEAD.size + HEAD.unpack_from(data, at)[1]
    return found


@pytest.mark.parametrize("sync_every", [1, 10])
def test_damage_of_what_was_synced_is_an_error_and_not_an_end(sync_every: int) -> None:
    """Whichever byte of whichever record rots, the last one too, the log says so; it never comes back shorter."""
    records = [sequence for sequence in range(1, 11 + 10 // sync_every) if sequence % (sync_every + 1)]
    for sequence in (records[0], records[4], records[-1]):
        for part in (0, 5, 9, 17, 25, HEAD.size + 3):
            disk = CrashDisk()
            asyncio.run(filled(disk, 10, sync_every=sync_every))
            disk.flip("wal/00000001", positions(disk, "wal/00000001")[sequence - 1] + part)
            with pytest.raises(CorruptLog, match=f"frame {sequence} "):
                reopened(disk)


def test_a_damaged_seal_costs_nothing_and_is_renewed() -> None:
    async def run() -> None:
        disk = CrashDisk()
        await filled(disk, 3)
        disk.flip("wal/00000001", disk.size("wal/00000001") - 1)
        log = WriteAheadLog(disk)
        assert log.open() == [record(number) for number in range(1, 4)]
        await log.sync()
        disk.flip("wal/00000001", positions(disk, "wal/00000001")[-1])
        with pytest.raises(CorruptLog):
            reopened(disk)

    asyncio.run(run())


def test_a_sync_without_anything_new_writes_nothing() -> None:
    async def run() -> None:
        disk = CrashDisk()
        log = await filled(disk, 3)
        size = disk.size("wal/00000001")
        await log.sync()
        assert disk.size("wal/00000001") == size

    asyncio.run(run())


def test_the_seeded_bug_takes_damage_for_the_end_and_goes_on_from_there() -> None:
    async def run() -> None:
        disk = CrashDisk()
        await filled(disk, 30, segment_bytes=300)
        assert len(disk.list("wal/")) > 3
        disk.flip("wal/00000002", positions(disk, "wal/00000002")[2])
        log = WriteAheadLog(disk, segment_bytes=300, cuts_corruption=True)
        found = log.open()
        assert found == [record(number) for number in range(1, len(found) + 1)]
        assert 0 < len(found) < 20
        assert disk.list("wal/") == ["wal/00000001", "wal/00000002"]
        log.append({"n": "new"})
        await log.sync()
        assert reopened(disk.after_crash(Random(1))) == [*found, {"n": "new"}]

    asyncio.run(run())


def test_damage_at_the_end_of_an_old_segment_is_an_error() -> None:
    disk = CrashDisk()
    asyncio.run(filled(disk, 30, segment_bytes=300))
    disk.flip("wal/00000002", disk.size("wal/00000002") - 1)
    with pytest.raises(CorruptLog, match="a later segment exists"):
        reopened(disk)


def test_a_lost_segment_is_an_error() -> None:
    disk = CrashDisk()
    asyncio.run(filled(disk, 30, segment_bytes=300))
    disk.delete("wal/00000002")
    with pytest.raises(CorruptLog, match="one is missing"):
        reopened(disk)


def test_zeros_over_synced_records_are_damage_and_no_hole() -> None:
    async def run() -> None:
        disk = CrashDisk()
        await filled(disk, 10)
        name = "wal/00000001"
        start, end = positions(disk, name)[4:6]
        data = disk.read(name)
        disk.write(name, data[:start] + bytes(end - start) + data[end:])
        with pytest.raises(CorruptLog, match="says it was durable"):
            reopened(disk)

    asyncio.run(run())


def test_a_record_may_contain_the_bytes_of_a_frame_as_text() -> None:
    async def run() -> None:
        disk = CrashDisk()
        log = WriteAheadLog(disk)
        log.open()
        tricky = {"text": "\u00f5WAL\0\0", "list": [["truncate", 1]]}
        log.append(tricky)
        await log.sync()
        assert reopened(disk) == [tricky]

    asyncio.run(run())
