"""The simulated disk's faults, how often they were met, and its bounds."""

from __future__ import annotations

import errno
import os
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from harness.simulation import disk_device
from tests.harness.simulation.disk_machine import DiskMachine


def raises(number: int) -> Any:
    return pytest.raises(OSError, match=os.strerror(number))


# Disk full


def test_a_full_disk_refuses_what_makes_a_file_grow_and_nothing_else() -> None:
    machine = DiskMachine()
    files = machine.files
    files.append("f", b"12345")
    files.append("g", b"1")
    machine.disk.set_full(True)
    growing: Sequence[Callable[[], None]] = (
        lambda: files.append("f", b"6"),
        lambda: files.truncate("f", 6),
        lambda: files.append("h", b"1"),
        lambda: files.write("g", b"12"),
    )
    for call in growing:
        with raises(errno.ENOSPC):
            call()
    assert machine.disk.met == {"disk-full": 4}
    files.append("f", b"")
    files.truncate("f", 3)
    files.write("f", b"abc")
    files.rename("f", "e")
    files.delete("g")
    machine.sync("e")
    machine.disk.set_full(False)
    files.append("e", b"d")
    assert machine.contents() == {"e": b"abcd", "h": b""}
    assert machine.disk.met == {"disk-full": 4}


def test_a_write_that_a_full_disk_refuses_may_be_there_in_part() -> None:
    def left(seed: int) -> bytes:
        machine = DiskMachine(seed)
        machine.files.append("f", b"1")
        machine.disk.set_full(True)
        with raises(errno.ENOSPC):
            machine.files.append("f", b"234")
        return machine.files.read("f")

    assert set(map(left, range(100))) == {b"1", b"12", b"123"}


def test_a_disk_holds_no_more_than_its_capacity(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(disk_device, "CAPACITY_BYTES", 1000)
    machine = DiskMachine()
    machine.disk.set_full(False)
    files = machine.files
    for _ in range(10):
        files.append("f", bytes(100))
    with raises(errno.ENOSPC):
        files.append("f", b"1")
    with raises(errno.ENOSPC):
        files.truncate("f", 1 << 40)
    assert files.size("f") == 1000
    files.delete("f")
    with raises(errno.ENOSPC):  # a power loss could bring it back
        files.append("g", b"1")
    machine.sync()
    files.append("g", bytes(1000))
    assert machine.disk.met == {}, "that was no fault"


def test_overwriting_for_ever_without_a_sync_ends_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(disk_device, "CAPACITY_BYTES", 1000)
    machine = DiskMachine()
    machine.disk.set_full(False)
    with raises(errno.ENOSPC):
        for _ in range(100):
            machine.files.write("f", bytes(100))
    machine.sync("f")
    machine.files.write("f", bytes(100))


# Failing syncs


def test_a_failed_sync_fails_for_ever_after_on_that_file_and_its_data_is_lost() -> None:
    machine = DiskMachine()
    files = machine.files
    files.append("f", b"durable")
    machine.sync("f")
    files.append("f", b" lost")
    machine.disk.set_eio(1.0)
    with raises(errno.EIO):
        machine.run(files.sync("f"))
    machine.disk.set_eio(0.0)
    files.rename("f", "renamed")
    for _ in range(2):
        with raises(errno.EIO):
            machine.run(files.sync("renamed"))
    assert machine.disk.met == {"eio": 1}
    assert files.read("renamed") == b"durable lost", "the cache still shows it"
    machine.sync()  # other syncs work
    files = machine.kill()
    assert machine.contents() == {"renamed": b"durable"}
    files.append("renamed", b" again")
    machine.sync("renamed")
    machine.power_loss(keep="none")
    assert machine.contents() == {"renamed": b"durable again"}


def test_a_power_loss_keeps_nothing_of_what_a_failed_sync_lost() -> None:
    for seed in range(30):
        machine = DiskMachine(seed)
        machine.files.append("f", b"")
        machine.sync("f")
        machine.files.append("f", b"lost")
        machine.disk.set_eio(1.0)
        with raises(errno.EIO):
            machine.run(machine.files.sync("f"))
        machine.power_loss()
        assert machine.contents() == {"f": b""}


def test_syncs_under_way_together_fail_together_once_one_has_failed() -> None:
    machine = DiskMachine(3)
    machine.files.append("f", b"1")
    machine.disk.set_eio(0.5)
    tasks = [machine.begin(machine.files.sync("f")) for _ in range(20)]
    machine.pass_ms(100)
    assert all(task.done() for task in tasks)
    failures = [error for error in machine.errors if isinstance(error, OSError) and error.errno == errno.EIO]
    assert machine.disk.met == {"eio": 1}
    assert 1 < len(failures) <= 20


def test_names_that_a_failed_sync_lost_are_gone_with_the_process() -> None:
    machine = DiskMachine()
    machine.files.append("f", b"1")
    machine.sync("f")
    machine.files.rename("f", "g")
    machine.disk.set_eio(1.0)
    with raises(errno.EIO):
        machine.run(machine.files.sync_dir())
    machine.disk.set_eio(0.0)
    with raises(errno.EIO):
        machine.run(machine.files.sync_dir())
    assert machine.files.list() == ("g",)
    machine.kill()
    assert machine.contents() == {"f": b"1"}
    machine.sync()


def test_errors_come_as_often_as_asked_and_are_counted() -> None:
    machine = DiskMachine(5)
    machine.disk.set_eio(0.2)
    failed = 0
    for number in range(500):
        machine.files.append(f"f{number}", b"1")
        try:
            machine.run(machine.files.sync(f"f{number}"))
        except OSError:
            failed += 1
    assert machine.disk.met["eio"] == failed
    assert 60 < failed < 140


# Bit flips


def test_flips_hit_durable_bytes_and_reads_that_meet_them_are_counted() -> None:
    machine = DiskMachine()
    machine.files.append("wal/1", b"\0" * 40)
    machine.files.append("vote", b"\0" * 40)
    machine.sync("wal/1", "vote")
    machine.files.append("wal/1", b"\0" * 1000)
    machine.files.append("wal/2", b"\0" * 1000)
    flips = machine.disk.flip(3, "wal/", "flip")
    assert len({tuple(flip) for flip in flips}) == 3
    expected = bytearray(1040)
    for file, offset, bit in flips:
        assert file == "wal/1"
        assert offset < 40
        expected[offset] ^= 1 << bit
    assert machine.files.read("wal/1") == expected
    assert machine.disk.met == {"bit-flip": 1}
    machine.files.read("wal/1", 40)
    machine.files.read("vote")
    assert machine.disk.met == {"bit-flip": 1}
    for _, offset, _ in flips:
        machine.files.read("wal/1", offset, 1)
    assert machine.disk.met == {"bit-flip": 4}
    machine.power_loss(keep="none")
    assert machine.files.read("wal/1") == expected[:40], "the platter has it"
    assert machine.disk.met == {"bit-flip": 5}


def test_a_flipped_byte_that_was_replaced_does_no_harm() -> None:
    machine = DiskMachine()
    machine.files.append("f", b"\0")
    machine.sync("f")
    assert machine.disk.flip(8, "", "flip") == [["f", 0, bit] for bit in range(8)]
    machine.files.write("f", b"1")
    assert machine.files.read("f") == b"1"
    assert machine.disk.met == {}


def test_all_durable_bits_are_equally_likely() -> None:
    machine = DiskMachine()
    machine.files.append("a", b"1")
    machine.files.append("b", b"12")
    machine.sync("a", "b")
    drawn = Counter(tuple(machine.disk.flip(1, "", f"flip/{number}")[0]) for number in range(2400))
    assert len(drawn) == 24
    assert all(50 < count < 160 for count in drawn.values())


def test_where_nothing_is_stored_nothing_flips() -> None:
    machine = DiskMachine()
    assert machine.disk.flip(3, "", "flip") == []
    machine.files.append("f", b"unsynced")
    assert machine.disk.flip(3, "", "flip") == []


# Read-only, stalled, slow


def test_a_read_only_disk_refuses_whatever_changes_it_and_can_be_read() -> None:
    machine = DiskMachine()
    files = machine.files
    files.append("f", b"12345")
    machine.sync("f")
    files.append("f", b"67")
    machine.disk.set_read_only(True)
    changing: Sequence[Callable[[], None]] = (
        lambda: files.append("f", b"8"),
        lambda: files.append("f", b""),
        lambda: files.write("f", b""),
        lambda: files.truncate("f", 1),
        lambda: files.rename("f", "g"),
        lambda: files.delete("f"),
        lambda: files.append("new", b"1"),
        lambda: files.write("new", b"1"),
        lambda: machine.sync("f"),
    )
    for call in changing:
        if call is not changing[1]:  # nothing is written
            with raises(errno.EROFS):
                call()
    assert machine.contents() == {"f": b"1234567"}
    assert machine.disk.met == {"read-only": 8}
    machine.disk.set_read_only(False)
    with raises(errno.EIO):
        machine.sync("f")  # what it should have made durable is lost
    machine.kill()
    assert machine.contents() == {"f": b"12345"}
    machine.files.append("f", b"!")
    machine.sync("f")
    assert machine.disk.met == {"read-only": 8}


def test_syncs_wait_for_a_stalled_disk_and_the_dead_no_longer_do() -> None:
    machine = DiskMachine()
    machine.files.append("f", b"1")
    machine.disk.set_stalled(True)
    waiting = machine.begin(machine.files.sync("f"))
    machine.pass_ms(10_000)
    assert not waiting.done()
    assert machine.disk.met == {"disk-stall": 1}
    machine.files.append("f", b"2")
    assert machine.files.read("f") == b"12", "what is cached is not stalled"
    machine.disk.set_stalled(False)
    machine.pass_ms(10)
    assert waiting.done()
    machine.disk.set_stalled(True)
    machine.begin(machine.files.sync("f"))
    machine.pass_ms(100)
    machine.kill()
    machine.disk.set_stalled(False)
    machine.sync("f")
    assert machine.errors == []
    assert machine.disk.met == {"disk-stall": 2}


def test_what_was_not_synced_before_a_stall_is_lost_with_the_power() -> None:
    machine = DiskMachine()
    machine.files.append("f", b"1")
    machine.sync("f")
    machine.files.append("f", b"2")
    machine.disk.set_stalled(True)
    machine.begin(machine.files.sync("f"))
    machine.pass_ms(100)
    assert machine.power_loss(keep="none")["bytes"] == 1
    assert machine.contents() == {"f": b"1"}


def test_a_sync_takes_as_much_longer_as_it_is_told() -> None:
    machine = DiskMachine()
    machine.disk.set_sync_delay(200.0)
    machine.files.append("f", b"1")
    sync = machine.begin(machine.files.sync("f"))
    machine.pass_ms(200)
    assert not sync.done()
    machine.pass_ms(25)
    assert sync.done()
    assert machine.disk.met == {"slow-fsync": 1}
    machine.disk.set_sync_delay(0.0)
    machine.run(machine.files.sync("f"))
    assert machine.disk.met == {"slow-fsync": 1}


# Ends that are gone, chunks in the wrong place, old states, nothing at all


def stored(content: bytes = bytes(range(100))) -> DiskMachine:
    """A disk with two files, of which "f" was synced last; and something that was not."""
    machine = DiskMachine(3)
    for file, data in (("z", b"other"), ("f", content)):
        machine.files.append(file, data)
        machine.sync(file)
    machine.files.append("z", b"unsynced")
    machine.disk.close()
    return machine


def test_the_end_of_the_file_last_synced_is_gone_and_missed_by_who_reads_it() -> None:
    machine = stored()
    ((file, size),) = machine.disk.truncate(10, "cut")
    assert (file, 1 <= size <= 10) == ("f", True)
    files = machine.restarted()
    assert machine.disk.met == {}
    assert files.read("f") == bytes(range(100 - size))
    assert machine.disk.met == {"truncate": 1}
    machine.power_loss(keep="none")
    assert machine.files.size("f") == 100 - size
    machine.files.write("f", b"")
    machine.files.read("f")
    assert machine.disk.met == {"truncate": 1}


def test_a_chunk_stands_twice() -> None:
    machine = stored()
    ((file, source, target, length),) = machine.disk.copy_chunk(16, "copy")
    assert (file, length) == ("f", 16)
    expected = bytearray(range(100))
    expected[target : target + 16] = bytes(range(source, source + 16))
    files = machine.restarted()
    assert files.read("f") == expected != bytes(range(100))
    assert machine.disk.met == {"chunk-copy": 1}
    files.read("f", 0, target)
    assert machine.disk.met == {"chunk-copy": 1}


def test_where_there_is_nothing_to_damage_nothing_is() -> None:
    machine = DiskMachine()
    machine.disk.close()
    assert machine.disk.truncate(10, "cut") == machine.disk.copy_chunk(10, "copy") == []
    assert stored(b"same" * 50).disk.copy_chunk(4, "copy")[0][0] == "f"
    assert stored(bytes(50)).disk.copy_chunk(4, "copy") == [], "no two places of it differ"


def test_an_old_state_is_what_was_durable_then() -> None:
    machine = stored()
    machine.disk.save()
    files = machine.restarted()
    files.append("f", b"later")
    files.append("new", b"1")
    machine.sync("f", "new")
    machine.disk.close()
    assert machine.disk.load() == 100 + len("otherunsynced") - len("unsynced") + 1
    files = machine.restarted()
    assert machine.contents() == {"f": bytes(range(100)), "z": b"other"}
    assert machine.disk.met == {"snapshot-restore": 2}
    machine.power_loss(keep="none")
    assert sorted(machine.contents()) == ["f", "z"]
    machine.disk.close()
    assert machine.disk.load() == 0, "once"


def test_a_wiped_disk_has_all_its_room_again() -> None:
    machine = stored()
    assert machine.disk.wipe() == (len("otherunsynced") + 100, 2)
    machine.restarted()
    assert machine.contents() == {}
    assert machine.power_loss() == {"bytes": 0, "writes": 0, "names": 0, "torn": 0}
    machine.files.append("f", bytes(disk_device.CAPACITY_BYTES))
