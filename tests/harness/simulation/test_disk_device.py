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
