"""The same calls give the same results and errors on a simulated disk and on a real one."""

from __future__ import annotations

import asyncio
import errno
import tempfile
from collections.abc import Callable, Sequence
from typing import Any

import pytest
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st

from harness.node import Disk
from harness.node.disk import HostDisk
from tests.harness.simulation.disk_machine import DiskMachine

Call = tuple[Any, ...]

NAMES = ("a", "b", "d", "d/a", "d/b", "d/e", "d/e/f", "a/x")
BAD_NAMES = ("", "/a", "a/", "../a", "d//a", ".a", "d/.x", "-a", "a b", "é", "a\n", "x" * 256)

names = st.sampled_from(NAMES) | st.sampled_from(("a", "d/a")) | st.sampled_from(BAD_NAMES)
data = st.binary(max_size=12)
calls: st.SearchStrategy[Call] = st.one_of(
    st.tuples(st.just("append"), names, data),
    st.tuples(st.just("append"), names, data),
    st.tuples(st.just("write"), names, data),
    st.tuples(st.just("truncate"), names, st.integers(-1, 20)),
    st.tuples(st.just("rename"), names, names),
    st.tuples(st.just("delete"), names),
    st.tuples(st.just("read"), names),
    st.tuples(st.just("read"), names, st.integers(-2, 14), st.none() | st.integers(-1, 14)),
    st.tuples(st.just("size"), names),
    st.tuples(st.just("exists"), names),
    st.tuples(st.just("list"), st.sampled_from(("", "d", "d/", "d/e/", "zz"))),
    st.tuples(st.just("sync"), names),
    st.tuples(st.just("sync_dir")),
)


async def outcomes(disk: Disk, script: Sequence[Call]) -> list[Any]:
    results: list[Any] = []
    for verb, *arguments in script:
        try:
            result = getattr(disk, verb)(*arguments)
            results.append(await result if verb.startswith("sync") else result)
        except (OSError, ValueError) as error:
            results.append((type(error), getattr(error, "errno", None)))
        if verb not in ("read", "size", "exists", "list"):
            results.append([(file, disk.size(file), disk.read(file)) for file in disk.list()])
    return results


def on_host(script: Sequence[Call]) -> list[Any]:
    with tempfile.TemporaryDirectory() as folder:
        return asyncio.run(outcomes(HostDisk(folder), script))


def on_simulated(script: Sequence[Call]) -> list[Any]:
    machine = DiskMachine()
    return machine.run(outcomes(machine.files, script))


@settings(max_examples=250, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(calls, max_size=25))
def test_a_simulated_disk_answers_as_a_real_one(script: list[Call]) -> None:
    kept = without_folder_renames(script)
    host = on_host(kept)
    for outcome in host:
        if isinstance(outcome, tuple) and outcome and isinstance(outcome[0], type):
            event(outcome[0].__name__)
    assert on_simulated(kept) == host


def without_folder_renames(script: Sequence[Call]) -> list[Call]:
    """A real disk happens to rename folders; the contract knows only files, and the simulated one refuses."""
    machine, kept = DiskMachine(), []
    for call in script:
        if call[0] != "rename" or call[1] not in machine.disk.device.names.folders:
            kept.append(call)
            machine.run(outcomes(machine.files, [call]))
    return kept


ERRORS: Sequence[tuple[str, Callable[[Disk], Any], type[Exception], int | None]] = [
    ("no such file", lambda disk: disk.read("no"), FileNotFoundError, errno.ENOENT),
    ("cut none", lambda disk: disk.truncate("no", 0), FileNotFoundError, errno.ENOENT),
    ("through a file", lambda disk: disk.append("f/x", b"1"), NotADirectoryError, errno.ENOTDIR),
    ("rename through a file", lambda disk: disk.rename("g", "f/x"), FileExistsError, errno.EEXIST),
    ("a folder's name", lambda disk: disk.write("d", b"1"), IsADirectoryError, errno.EISDIR),
    ("delete a folder", lambda disk: disk.delete("d"), IsADirectoryError, errno.EISDIR),
    ("over a folder", lambda disk: disk.rename("f", "d"), IsADirectoryError, errno.EISDIR),
    ("below zero", lambda disk: disk.truncate("f", -1), OSError, errno.EINVAL),
    ("before the beginning", lambda disk: disk.read("f", -1), OSError, errno.EINVAL),
    ("no name", lambda disk: disk.exists("../f"), ValueError, None),
    ("a long name", lambda disk: disk.append("x" * 256, b""), ValueError, None),
]


@pytest.mark.parametrize(("call", "kind", "number"), [entry[1:] for entry in ERRORS], ids=[e[0] for e in ERRORS])
def test_errors_are_those_of_a_real_disk(
    call: Callable[[Disk], Any], kind: type[Exception], number: int | None, tmp_path: Any
) -> None:
    for disk in (DiskMachine().files, HostDisk(str(tmp_path))):
        disk.append("f", b"12")
        disk.append("g", b"")
        disk.append("d/e", b"")
        with pytest.raises(kind) as caught:
            call(disk)
        assert getattr(caught.value, "errno", None) == number


def test_what_is_read_is_a_copy() -> None:
    files = DiskMachine().files
    files.append("f", b"one")
    read = files.read("f")
    files.write("f", b"two")
    files.append("f", b"three")
    assert read == b"one"
    assert isinstance(read, bytes)
