"""The real disk: names, buffering, syncs in threads, errors that reach whoever synced."""

from __future__ import annotations

import asyncio
import os
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from harness.node.disk import OPEN_FILES_MAX, SLOW_MS, HostDisk, Lane, next_incarnation


@pytest.fixture
def disk(tmp_path: Path) -> HostDisk:
    return HostDisk(str(tmp_path / "data"))


def test_a_file_from_birth_to_death(disk: HostDisk) -> None:
    assert not disk.exists("wal/1")
    disk.append("wal/1", b"abc")
    disk.append("wal/1", b"def")
    assert disk.exists("wal/1")
    assert disk.size("wal/1") == 6
    assert disk.read("wal/1") == b"abcdef"
    assert disk.read("wal/1", 2, 3) == b"cde"
    assert disk.read("wal/1", 4) == b"ef"
    assert disk.read("wal/1", 9) == b""
    disk.truncate("wal/1", 4)
    disk.append("wal/1", b"!")
    assert disk.read("wal/1") == b"abcd!"
    disk.write("wal/1", b"new")
    assert disk.read("wal/1") == b"new"
    disk.delete("wal/1")
    assert not disk.exists("wal/1")


def test_rename_replaces_and_keeps_the_open_files_apart(disk: HostDisk) -> None:
    disk.write("term", b"old")
    disk.write("term.new", b"new")
    disk.rename("term.new", "term")
    assert disk.read("term") == b"new"
    assert not disk.exists("term.new")
    disk.append("term", b"er")
    disk.write("term.new", b"another")
    assert disk.read("term") == b"newer"
    disk.rename("term", "archive/term")
    assert disk.list() == ("archive/term", "term.new")


def test_list_is_sorted_and_takes_a_prefix(disk: HostDisk) -> None:
    for file in ("wal/2", "wal/10", "wal/1", "term", "wall"):
        disk.write(file, b"")
    assert disk.list() == ("term", "wal/1", "wal/10", "wal/2", "wall")
    assert disk.list("wal/1") == ("wal/1", "wal/10")
    assert disk.list("x") == ()


@pytest.mark.parametrize("act", ["size", "read", "delete"])
def test_what_is_not_there_is_said(disk: HostDisk, act: str) -> None:
    with pytest.raises(FileNotFoundError):
        getattr(disk, act)("missing")
    with pytest.raises(FileNotFoundError):
        disk.truncate("missing", 0)
    with pytest.raises(FileNotFoundError):
        asyncio.run(disk.sync("missing"))
    with pytest.raises(FileNotFoundError):
        disk.rename("missing", "other")


@pytest.mark.parametrize("file", ["", "/etc/passwd", "../x", "a/../b", "a//b", "a/", ".", "a/.", ".hidden", "a\0b",
                                  "a b", "é", "a\n", "x" * 256])  # fmt: skip
def test_names_that_could_leave_the_folder_are_refused(disk: HostDisk, file: str) -> None:
    with pytest.raises(ValueError, match="expected a relative path"):
        disk.write(file, b"")
    with pytest.raises(ValueError, match="expected a relative path"):
        disk.exists(file)


def test_many_files_stay_readable_with_few_descriptors(disk: HostDisk) -> None:
    async def scenario() -> None:
        before = len(os.listdir("/proc/self/fd"))
        for i in range(3 * OPEN_FILES_MAX):
            disk.write(f"f{i}", b"%d" % i)
            await disk.sync(f"f{i}")
        assert len(os.listdir("/proc/self/fd")) <= before + OPEN_FILES_MAX + 2
        assert all(disk.read(f"f{i}") == b"%d" % i for i in range(3 * OPEN_FILES_MAX))

    asyncio.run(scenario())


def test_a_failed_sync_raises_for_everyone_who_asked(disk: HostDisk, tmp_path: Path) -> None:
    async def scenario() -> None:
        os.mkfifo(tmp_path / "data" / "pipe")  # the kernel refuses to fsync a pipe
        errors = await asyncio.gather(*(disk.sync("pipe") for _ in range(3)), return_exceptions=True)
        assert [type(error) for error in errors] == [OSError] * 3
        disk.write("file", b"")
        await disk.sync("file")

    asyncio.run(scenario())


def test_sync_dir_reaches_every_changed_folder_and_fails_for_a_lost_one(disk: HostDisk, tmp_path: Path) -> None:
    async def scenario() -> None:
        disk.write("a/b/c", b"")
        await disk.sync_dir()
        disk.write("a/b/d", b"")
        (tmp_path / "data/a").rename(tmp_path / "elsewhere")
        for _ in range(2):
            with pytest.raises(FileNotFoundError):
                await disk.sync_dir()

    asyncio.run(scenario())


def test_the_first_sync_dir_of_a_process_reaches_what_one_before_it_may_have_left(tmp_path: Path) -> None:
    async def scenario() -> None:
        HostDisk(str(tmp_path / "data")).write("a/b/c", b"")
        restarted = HostDisk(str(tmp_path / "data"))
        (tmp_path / "data/a").rename(tmp_path / "elsewhere")
        with pytest.raises(FileNotFoundError, match="data/a"):
            await restarted.sync_dir()

    asyncio.run(scenario())


def test_a_file_may_be_deleted_while_it_is_synced(disk: HostDisk) -> None:
    async def scenario() -> None:
        for _ in range(50):
            disk.append("file", b"x" * 1000)
            syncs = [asyncio.ensure_future(disk.sync("file")) for _ in range(3)]
            await asyncio.sleep(0)
            disk.delete("file")
            await asyncio.gather(*syncs)

    asyncio.run(scenario())


def test_a_lane_shares_runs_and_never_blocks_the_loop() -> None:
    gate, runs = threading.Event(), []

    def job(number: int) -> None:
        runs.append(number)
        assert gate.wait(5)

    async def scenario() -> None:
        with ThreadPoolExecutor(4) as executor:
            begun: list[int] = []

            def begin() -> object:
                begun.append(len(begun))
                number = begun[-1]
                return lambda: job(number)

            lane = Lane(executor, begin)  # type: ignore[arg-type]
            first = lane.run()
            later = [lane.run() for _ in range(10)]
            await asyncio.sleep(0.02)  # the loop goes on while the job waits at the gate
            assert begun == [0]
            gate.set()
            await asyncio.gather(first, *later)
            assert runs == [0, 1]

    asyncio.run(scenario())


def test_a_sync_that_failed_once_never_succeeds_again() -> None:
    outcomes = iter([OSError(5, "EIO"), None, None])

    def job() -> None:
        if (error := next(outcomes)) is not None:
            raise error

    async def scenario() -> None:
        with ThreadPoolExecutor(1) as executor:
            lane = Lane(executor, lambda: job)
            first, second = lane.run(), lane.run()  # the second waits for a run of its own, which must not happen
            for attempt in (first, second, lane.run()):
                with pytest.raises(OSError, match="EIO"):
                    await attempt
            assert next(outcomes) is None, "the kernel was asked once"

    asyncio.run(scenario())


def test_incarnations_count_up_outside_the_programs_disk(tmp_path: Path) -> None:
    data = str(tmp_path / "data")
    disk = HostDisk(data)
    assert [next_incarnation(data) for _ in range(3)] == [1, 2, 3]
    assert disk.list() == ()
    (tmp_path / "data.incarnation").write_text("rubbish")
    with pytest.raises(ValueError, match="rubbish"):
        next_incarnation(data)


def test_what_the_disk_refuses_is_counted(tmp_path: Path) -> None:
    counts = Counter[str]()

    def count(name: str) -> None:
        counts[name] += 1

    disk = HostDisk(str(tmp_path), count)
    disk.append("f", b"1")
    with pytest.raises(FileNotFoundError):
        disk.read("none")
    assert counts == {}, "that is a mistake of the program"
    os.close(disk._files["f"].fd)
    disk._files["f"].fd = os.open("/dev/full", os.O_WRONLY)
    for _ in range(2):
        with pytest.raises(OSError, match="No space left"):
            disk.append("f", b"1")
    assert counts == {"disk.ENOSPC": 2}


def test_calls_that_take_long_are_counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    counts = Counter[str]()
    disk = HostDisk(str(tmp_path), lambda name: counts.update([name]))
    fsync = os.fsync
    monkeypatch.setattr(os, "fsync", lambda fd: (time.sleep(SLOW_MS / 1000 + 0.02), fsync(fd))[1])
    disk.append("f", b"1")
    asyncio.run(disk.sync("f"))
    assert counts == {"disk.slow": 1}
