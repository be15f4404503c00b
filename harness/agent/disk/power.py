"""The power goes: a file system forgets what was not synced, and keeps a part of it by a draw.

``cut`` remembers what programs saw of the files that were changed lately, and cuts the file system off its device.
``restore`` mounts it again. What is there then is what was durable; the difference to what was remembered was not, and
a part of that is put back: what a disk may or may not have written before it stopped. That part is drawn as the
simulated disk draws it (``harness.simulation.disk_content``, ``disk_names``), as far as two states of a file tell what
was done between them: bytes were added behind a common beginning, or the file was cut there, or bytes were replaced.
The single writes cannot be told apart: where no write may be torn, of what was added to a file remains all or nothing.
"""

from __future__ import annotations

import contextlib
import errno
import json
import os
import shutil
import struct
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from fcntl import ioctl
from random import Random
from typing import Final

from harness.agent.disk import volume
from harness.agent.disk.draw import kept_count

RECENT_S: Final = 60.0
REMEMBERED_BYTES_MAX: Final = 64 << 20
FILES_MAX: Final = 50_000
SECTOR: Final = 512
BLOCK: Final = 4096

_FOLDER: Final = "cut"
_MANIFEST: Final = "manifest.json"
_GET_VERSION: Final = 0x80087601  # FS_IOC_GETVERSION: changes when an inode is used again


@dataclass(frozen=True, slots=True)
class Seen:
    """A file as it was seen: which one it is, when it was last changed, and where its content is kept ("": nowhere,
    since it was not changed lately, or is too large)."""

    inode: int
    version: int
    changed_ns: int
    kept: str = ""

    @property
    def identity(self) -> tuple[int, int]:
        return self.inode, self.version


@dataclass
class Loss:
    """What a power loss took: bytes, whole changes of content, names, and changes of which a part remained."""

    bytes: int = 0
    writes: int = 0
    names: int = 0
    torn: int = 0


@dataclass(frozen=True, slots=True)
class Way:
    """How much remains; see ``harness.cluster_faults.PowerFaults``."""

    keep: bool
    torn: bool
    reordered: bool


def cut(folder: str, scratch: str) -> int:
    """Returns how many bytes were remembered. Whoever writes should be stopped. A file system that is off or has failed
    already is left as it is: it has lost what it had not synced."""
    place = f"{scratch}/{_FOLDER}"
    shutil.rmtree(place, ignore_errors=True)
    os.makedirs(place, mode=0o700)
    remembered = 0
    try:
        seen, remembered = _remember(folder, place)
        volume.shut_down(folder)
    except OSError as error:
        if error.errno not in (errno.EIO, errno.EROFS, errno.ESHUTDOWN):
            raise
        seen = {}
    with open(f"{place}/{_MANIFEST}", "w", encoding="utf-8") as file:
        json.dump({name: asdict(entry) for name, entry in seen.items()}, file)
    return remembered


def restore(device: str, folder: str, scratch: str, way: Way, seed: str) -> Loss:
    """Mount it, and put back what remains; returns what is lost. Nobody may have a file open on it."""
    volume.repair(device, folder)
    place = f"{scratch}/{_FOLDER}"
    try:
        with open(f"{place}/{_MANIFEST}", encoding="utf-8") as file:
            seen = {name: Seen(**entry) for name, entry in json.load(file).items()}
    except FileNotFoundError:
        return Loss()
    loss = _put_back(folder, place, seen, way, seed) if seen else Loss()
    shutil.rmtree(place)
    volume.sync(folder)
    return loss


def _remember(folder: str, place: str) -> tuple[dict[str, Seen], int]:
    found = dict(_files(folder))
    room, oldest_ns = REMEMBERED_BYTES_MAX, time.time_ns() - round(RECENT_S * 1e9)
    for number, name in enumerate(sorted(found, key=lambda name: -found[name].changed_ns)):
        size = os.path.getsize(f"{folder}/{name}")
        if found[name].changed_ns >= oldest_ns and size <= room:
            shutil.copyfile(f"{folder}/{name}", f"{place}/{number}")
            found[name] = Seen(*found[name].identity, found[name].changed_ns, f"{place}/{number}")
            room -= size
    return found, REMEMBERED_BYTES_MAX - room


def _files(folder: str) -> Iterator[tuple[str, Seen]]:
    """The regular files of a file system, by their paths from its root."""
    count = 0
    for at, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if name != "lost+found")
        for name in sorted(names):
            path = os.path.join(at, name)
            count += 1
            if count > FILES_MAX:
                raise OSError(errno.EFBIG, f"more than {FILES_MAX} files in {folder}")
            if os.path.islink(path) or not os.path.isfile(path) or name.startswith(".splitbrain"):
                continue
            fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
            try:
                status = os.fstat(fd)
                changed_ns = max(status.st_ctime_ns, status.st_mtime_ns)
                yield os.path.relpath(path, folder), Seen(status.st_ino, _version(fd), changed_ns)
            finally:
                os.close(fd)


def _version(fd: int) -> int:
    (version,) = struct.unpack("i", ioctl(fd, _GET_VERSION, bytes(8))[:4])
    return int(version)


def _put_back(folder: str, place: str, seen: Mapping[str, Seen], way: Way, seed: str) -> Loss:
    loss = Loss()
    changes = _changed_names(seen, dict(_files(folder)))
    kept = _kept_names(changes, way, Random(f"{seed}/names"))
    for old, new in kept:
        _change_name(folder, old, new)
    loss.names = len(changes) - len(kept)
    made = {new for old, new in kept if old is None}
    present = {entry.identity: name for name, entry in _files(folder)}
    for name, entry in seen.items():
        if not entry.kept:
            continue
        at = name if name in made else present.get(entry.identity)
        with open(entry.kept, "rb") as file:
            content = file.read()
        if at is None:
            loss.bytes += len(content)
            loss.writes += 1 if content else 0
        else:
            _put_back_content(f"{folder}/{at}", content, way, Random(f"{seed}/file/{name}"), loss)
    return loss


# Names


Change = tuple[str | None, str | None]
"""The old name (None: created), the new name (None: deleted)."""


def _kept_names(changes: Sequence[Change], way: Way, random: Random) -> Sequence[Change]:
    """A prefix; ``reordered``: any, but none without the earlier ones of the same name, so that no synced file vanishes
    because a later one took over its name."""
    if not way.keep:
        return []
    if not way.reordered:
        return changes[: kept_count(len(changes), random)]
    kept: list[Change] = []
    lost: set[str | None] = set()
    for change in changes:
        touched = {*change} - {None}
        if random.random() < 0.5 and not touched & lost:
            kept.append(change)
        else:
            lost |= touched
    return kept


def _changed_names(seen: Mapping[str, Seen], durable: Mapping[str, Seen]) -> list[Change]:
    """Those that were made, moved or deleted and not made durable; in the order of the files' last changes."""
    stored = {entry.identity: name for name, entry in durable.items()}
    present = {entry.identity for entry in seen.values()}
    changes: list[tuple[int, Change]] = []
    for name, entry in seen.items():
        old = stored.get(entry.identity)
        if old != name:
            changes.append((entry.changed_ns, (old, name)))
    latest_ns = max((entry.changed_ns for entry in seen.values()), default=0)
    for name, entry in durable.items():
        if name not in seen and entry.identity not in present:
            changes.append((latest_ns, (name, None)))
    return [change for _, change in sorted(changes, key=lambda item: (item[0], str(item[1])))]


def _change_name(folder: str, old: str | None, new: str | None) -> None:
    if new is None:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(f"{folder}/{old}")
        return
    os.makedirs(os.path.dirname(f"{folder}/{new}"), exist_ok=True)
    if old is not None and os.path.exists(f"{folder}/{old}"):
        os.rename(f"{folder}/{old}", f"{folder}/{new}")
    else:
        with open(f"{folder}/{new}", "wb"):
            pass  # its content is another matter


# Content


def _put_back_content(path: str, content: bytes, way: Way, random: Random, loss: Loss) -> None:
    with open(path, "r+b") as file:
        stored = file.read()
        result = after_power_loss(stored, content, way, random, loss)
        if result != stored:
            file.seek(0)
            file.truncate(0)
            file.write(result)
        file.flush()
        os.fsync(file.fileno())


def after_power_loss(stored: bytes, content: bytes, way: Way, random: Random, loss: Loss) -> bytes:
    """What remains of ``content``, which a program saw, where ``stored`` had become durable; adds to ``loss``."""
    if not way.reordered:
        stored = _without_zeros(stored, content)
    if stored == content:
        return stored
    common = common_bytes(stored, content)
    if len(stored) == len(content):
        return _replaced(stored, content, way, random, loss)
    return _appended(stored, content, common, way, random, loss)


def _without_zeros(stored: bytes, content: bytes) -> bytes:
    """ext4 may store a file's new length before the bytes that were added to its last block. That is one thing behind
    another that came earlier: where nothing is to be reordered, it has not happened."""
    common = common_bytes(stored, content)
    within_block = len(stored) <= -(-common // BLOCK) * BLOCK
    return stored[:common] if common and within_block and not stored[common:].strip(b"\0") else stored


def common_bytes(one: bytes, other: bytes) -> int:
    """The length of the longest common beginning."""
    low, high = 0, min(len(one), len(other))
    while low < high:
        middle = (low + high + 1) // 2
        if one[low:middle] == other[low:middle]:
            low = middle
        else:
            high = middle - 1
    return low


def _appended(stored: bytes, content: bytes, common: int, way: Way, random: Random, loss: Loss) -> bytes:
    """The file was cut at ``common``, if it was longer, and the rest of ``content`` added."""
    added = len(content) - common
    if not way.keep or not added:
        kept_cut = way.keep and random.random() < 0.5
        loss.bytes += added
        loss.writes += not kept_cut
        return content if kept_cut else stored
    if not way.torn and not way.reordered:
        kept = random.choice((0, added))
        loss.bytes += added - kept
        loss.writes += not kept
        return content if kept else stored
    result, kept = _some_sectors(content, common, way, random)
    loss.bytes += added - kept
    loss.writes += kept < added
    loss.torn += way.torn and 0 < kept < added
    return result


def _some_sectors(content: bytes, common: int, way: Way, random: Random) -> tuple[bytes, int]:
    """What is kept of the bytes behind ``common``, and how many they are."""
    added = len(content) - common
    if not way.reordered:
        end = random.randrange(min(1, added - 1), added)
        return content[: common + end], end
    pieces = [(at, min(at + SECTOR, len(content))) for at in range(common, len(content), SECTOR)]
    chosen = [piece for piece in pieces if random.random() < 0.5]
    if way.torn and chosen:
        begin, end = chosen[-1]
        chosen[-1] = begin, random.randrange(min(begin + 1, end - 1), end)
    result = bytearray(content[:common])
    for begin, end in chosen:
        result += bytes(max(0, begin - len(result)))
        result[begin:end] = content[begin:end]
    return bytes(result), sum(end - begin for begin, end in chosen)


def _replaced(stored: bytes, content: bytes, way: Way, random: Random, loss: Loss) -> bytes:
    """Bytes were changed in place: each stretch of sectors that differ is a write."""
    sectors = [at for at in range(0, len(content), SECTOR) if stored[at : at + SECTOR] != content[at : at + SECTOR]]
    kept: Sequence[int] = []
    if way.keep:
        kept = [at for at in sectors if random.random() < 0.5] if way.reordered else (
            sectors[: kept_count(len(sectors), random) if way.torn else random.choice((0, len(sectors)))]
        )  # fmt: skip
    result = bytearray(stored)
    for at in kept:
        result[at : at + SECTOR] = content[at : at + SECTOR]
    lost = len(sectors) - len(kept)
    loss.bytes += sum(len(content[at : at + SECTOR]) for at in sectors) - sum(
        len(content[at : at + SECTOR]) for at in kept
    )
    loss.writes += lost > 0
    loss.torn += way.torn and 0 < lost < len(sectors)
    return bytes(result)
