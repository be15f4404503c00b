"""What is stored changes while the program is down: bits flip, ends vanish, chunks land in the wrong place, old states
come back, all is gone. And, afterwards: which of the damaged files a program has read.

The last is told by the access time, which is set far back here. A kernel that mounts with ``relatime`` (the default) or
``strictatime`` renews it when a program reads the file, and not when one writes to it.
"""

from __future__ import annotations

import contextlib
import os
import shutil
from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from itertools import accumulate
from random import Random
from typing import Any, Final

from harness.agent.disk.draw import misplaced

LONG_AGO_NS: Final = 1_000_000_000
SNAPSHOT: Final = "snapshot"


def flip(folder: str, bits: int, files: str, seed: str) -> list[list[Any]]:
    """[[file, offset, bit], ...], each bit of the files of such names equally likely; or as many as there are."""
    stored = [name for name in _stored(folder) if name.startswith(files)]
    ends = list(accumulate(8 * os.path.getsize(f"{folder}/{name}") for name in stored))
    count = ends[-1] if ends else 0
    flips = []
    for place in sorted(Random(seed).sample(range(count), min(bits, count))):
        index = bisect_right(ends, place)
        offset, bit = divmod(place - (ends[index - 1] if index else 0), 8)
        with _changing(folder, stored[index]) as file:
            (byte,) = os.pread(file, 1, offset)
            os.pwrite(file, bytes([byte ^ 1 << bit]), offset)
        flips.append([stored[index], offset, bit])
    return flips


def truncate(folder: str, size: int, seed: str) -> list[list[Any]]:
    """[[file, bytes cut off]] of the file last written; empty where nothing is stored."""
    name = _last_written(folder)
    if name is None:
        return []
    length = os.path.getsize(f"{folder}/{name}")
    cut = Random(seed).randint(1, min(size, length))
    with _changing(folder, name) as file:
        os.ftruncate(file, length - cut)
    return [[name, cut]]


def copy_chunk(folder: str, size: int, seed: str) -> list[list[Any]]:
    """[[file, from, to, bytes]] of the file last written, where a chunk then stands twice; empty where no two places
    of it differ that far."""
    name = _last_written(folder)
    if name is None:
        return []
    with open(f"{folder}/{name}", "rb") as reader:
        content = reader.read()
    found = misplaced(content, size, Random(seed))
    if found is None:
        return []
    source, target, length = found
    with _changing(folder, name) as file:
        os.pwrite(file, content[source : source + length], target)
    return [[name, source, target, length]]


def save(folder: str, scratch: str) -> int:
    """Copy all files to ``scratch``, in the place of what was saved before; returns how many bytes."""
    place = f"{scratch}/{SNAPSHOT}"
    shutil.rmtree(place, ignore_errors=True)
    os.makedirs(place, mode=0o700)
    total = 0
    for name in _stored(folder):
        target = f"{place}/{name}"
        os.makedirs(os.path.dirname(target), exist_ok=True)
        shutil.copyfile(f"{folder}/{name}", target)
        total += os.path.getsize(target)
    return total


def load(folder: str, scratch: str) -> tuple[int, list[str]]:
    """Put back what was saved, once; returns the bytes of files that differ, and their names."""
    place = f"{scratch}/{SNAPSHOT}"
    if not os.path.isdir(place):
        return 0, []
    before, after = set(_stored(folder)), list(_stored(place))
    differing = [name for name in after if name not in before or not _equal(f"{folder}/{name}", f"{place}/{name}")]
    gone = before.difference(after)
    size = sum(os.path.getsize(f"{folder}/{name}") for name in gone)
    size += sum(os.path.getsize(f"{place}/{name}") for name in differing)
    for name in gone:
        os.unlink(f"{folder}/{name}")
    for name in differing:
        os.makedirs(os.path.dirname(f"{folder}/{name}"), exist_ok=True)
        shutil.copyfile(f"{place}/{name}", f"{folder}/{name}")
        _age(f"{folder}/{name}")
    shutil.rmtree(place)
    return size, differing


def wipe(folder: str) -> tuple[int, int]:
    """Empty the folder; returns bytes and files."""
    names = list(_stored(folder))
    size = sum(os.path.getsize(f"{folder}/{name}") for name in names)
    shutil.rmtree(folder, ignore_errors=not names)
    os.makedirs(folder, exist_ok=True)
    return size, len(names)


def was_read(folder: str, files: Sequence[str]) -> list[str]:
    """Those of the files that a program has read since they were damaged."""
    read = []
    for name in files:
        path = f"{folder}/{name}"
        if os.path.exists(path) and os.stat(path).st_atime_ns > LONG_AGO_NS:
            read.append(name)
    return read


@contextlib.contextmanager
def _changing(folder: str, name: str) -> Iterator[int]:
    """A file to be changed, which is old when that is done: durable, out of the cache, not yet read by anybody."""
    fd = os.open(f"{folder}/{name}", os.O_RDWR | os.O_CLOEXEC)
    try:
        yield fd
    finally:
        os.close(fd)
    _age(f"{folder}/{name}")


def _age(path: str) -> None:
    """Make it durable, forget it, and set its access time far back."""
    fd = os.open(path, os.O_RDWR | os.O_CLOEXEC)
    try:
        os.fsync(fd)
        os.posix_fadvise(fd, 0, 0, os.POSIX_FADV_DONTNEED)
        os.utime(fd, ns=(LONG_AGO_NS, os.fstat(fd).st_mtime_ns))
    finally:
        os.close(fd)


def _stored(folder: str) -> Iterator[str]:
    """All files, by their paths from ``folder``, in order."""
    found = []
    for at, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if name != "lost+found"]
        relative = os.path.relpath(at, folder)
        found += [name if relative == "." else f"{relative}/{name}" for name in names]
    return iter(sorted(found))


def _last_written(folder: str) -> str | None:
    sizes: Mapping[str, os.stat_result] = {name: os.stat(f"{folder}/{name}") for name in _stored(folder)}
    written = [name for name, status in sizes.items() if status.st_size]
    return max(written, key=lambda name: (sizes[name].st_mtime_ns, name), default=None)


def _equal(one: str, other: str) -> bool:
    with open(one, "rb") as first, open(other, "rb") as second:
        return first.read() == second.read()
