"""Segmented write-ahead log: what was synced is there after a crash (*Patterns of Distributed
Systems*, "Write-Ahead Log").

The files are only ever appended to; cutting the log is a record of its own ("from here on, forget"), so that a crash
in the middle of it finds either the old log or the new one. A frame is a fixed head and a JSON payload: an object is
a record, an array ``["truncate", index]`` a cut, ``["seal"]`` the end of what one sync makes durable.

What recovery may forget and what it may not: an unsynced tail may be missing, torn, or have holes (a file system that
wrote later pages first), and is cut. Anything else that does not verify is corruption, and raises: bytes that were
acknowledged are gone, and only a person or a replica can say what they were. Four facts tell the two apart:

* A new segment is begun only when the one before it is synced to its end: only the last segment may have a bad tail.
  When that was cut, what follows goes into a new one: a power loss may undo the cut, and keep what was written since.
* Every frame says how many frames were durable when it was written. A bad frame covered by a later one's word was
  synced, however the bytes around it look.
* Payloads are ASCII text that ends in a bracket, so a zero byte just before a good frame is a hole, never a payload.
* A sync first appends a seal, so that no record that it makes durable is the last frame: the good seal behind a bad
  record tells of the damage, and a seal that is damaged itself says nothing that anybody would miss. (Alagappan et
  al., "Protocol-Aware Recovery for Consensus-Based Storage", FAST 2018, call theirs a persist record.)

What no log can know by itself: that its last records are gone together with their seal, be it that both were damaged
or that the file was cut, or that many bits of a record's end turned into zeros.
"""

from __future__ import annotations

import json
import struct
import zlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, NamedTuple

from harness.node import Disk

from systems_under_test.blocks.corruption import Corruption

MAGIC: Final = b"\xf5WAL"  # no byte of a payload is above 127, so a payload never contains it
HEAD: Final = struct.Struct("<4sIQQI")  # magic, payload bytes, sequence from 1, durable frames, CRC-32 of the rest
RECORD_BYTES_MAX: Final = 16 << 20
SEGMENT_BYTES: Final = 1 << 20
SEAL: Final = ["seal"]
_ENCODER: Final = json.JSONEncoder(separators=(",", ":"), allow_nan=False)  # made once: it is half of the work


class CorruptLog(Corruption):
    """Bytes that were durable do not verify; the node must not start from them."""


class Frame(NamedTuple):
    """One frame: its number, how many were durable when it was written, and where its bytes end."""

    sequence: int
    durable: int
    content: Any
    end: int


class WriteAheadLog:
    """Records 1, 2, ... on one node's disk. ``append`` and ``truncate_from`` count only after the next ``sync``.

    Appended bytes go to the disk's buffer at once (they survive the death of the process, not a power loss), but for
    those that wait in memory while a sync closes the segment before them. Syncs may overlap: each returns when
    everything appended before it began is durable. A failed one raises OSError, after which the node must stop.
    ``cuts_corruption`` is a seeded bug: damage is taken for the log's end, and the rest cut.
    """

    def __init__(
        self, disk: Disk, folder: str = "wal", segment_bytes: int = SEGMENT_BYTES, *, cuts_corruption: bool = False
    ) -> None:
        assert segment_bytes > 0, "a segment holds at least one record"
        self._disk, self._folder, self._segment_bytes = disk, folder, segment_bytes
        self._cuts_corruption = cuts_corruption
        self._segment = 1
        self._bytes = 0  # in the active segment
        self._staged: bytearray | None = None  # while a segment is closed, what belongs into the next one
        self._written = 0  # frames in segments
        self._appended = 0  # frames in segments and staged
        self._durable = 0
        self._sealed = 0  # the last frame, if it is a seal; else what the last seal before it covers
        self._names_synced = True
        self._opened = False
        self.first_index: Final = 1
        self.last_index = 0

    def open(self) -> list[dict[str, Any]]:
        """The records that survived, in order. Raises CorruptLog. Must be called once, before anything else.

        Records written but not synced before the process died are among them: ``sync`` before promising them to anyone.
        """
        assert not self._opened, "a log is opened once"
        self._opened = True
        names = list(self._disk.list(f"{self._folder}/"))
        expected = [self._name(number) for number in range(1, len(names) + 1)]
        if names != expected:
            raise CorruptLog(f"found the segments {names}; expected {expected}: one is missing or a stranger")
        records: list[dict[str, Any]] = []
        for number, name in enumerate(names, 1):
            self._segment = number
            if not self._replay(name, records, last=number == len(names)):
                self._delete(names[number:])
                break
        self._names_synced = not names  # the process may have died between creating a name and syncing it
        self.last_index = len(records)
        return records

    def append(self, record: Mapping[str, Any]) -> int:
        """Add a record; returns its index. Not durable before the next ``sync``."""
        self._write(dict(record))
        self.last_index += 1
        return self.last_index

    def truncate_from(self, index: int) -> None:
        """Forget the records from ``index`` on. A crash before the next ``sync`` may bring them back."""
        assert self.first_index <= index <= self.last_index + 1, f"cut at {index} of {self.last_index}"
        if index <= self.last_index:
            self._write(["truncate", index])
            self.last_index = index - 1

    async def sync(self) -> None:
        """Return when everything appended and cut before this call is durable. OSError: the node must stop."""
        self._seal()
        goal = self._appended
        while self._durable < goal or not self._names_synced:
            segment, written = self._segment, self._written
            if self._bytes >= self._segment_bytes and self._staged is None:
                self._staged = bytearray()
            await self._disk.sync(self._name(segment))
            if not self._names_synced:
                await self._disk.sync_dir()
                self._names_synced = self._names_synced or segment == self._segment
            self._durable = max(self._durable, written)
            if self._staged is not None and segment == self._segment and self._durable == self._written:
                self._begin_segment(bytes(self._staged))

    def _begin_segment(self, staged: bytes) -> None:
        self._staged = None
        if not staged:
            self._segment, self._bytes, self._names_synced = self._segment + 1, 0, True
            return
        self._segment, self._bytes, self._names_synced = self._segment + 1, len(staged), False
        self._disk.append(self._name(self._segment), staged)
        self._written = self._appended

    def _write(self, content: dict[str, Any] | list[Any]) -> None:
        assert self._opened, "open the log before writing to it"
        frame = encode(content, self._appended + 1, self._durable)
        self._appended += 1
        if self._staged is not None:
            self._staged += frame
            return
        if self._bytes == 0:
            self._names_synced = False
        self._disk.append(self._name(self._segment), frame)
        self._bytes += len(frame)
        self._written = self._appended

    def _seal(self) -> None:
        if self._sealed < self._appended:
            self._write(SEAL)
            self._sealed = self._appended

    def _replay(self, name: str, records: list[dict[str, Any]], last: bool) -> bool:
        """Read a segment; whether all of it was good, and the log goes on after it."""
        data = self._disk.read(name)
        end = 0
        for frame in frames(data, self._appended + 1):
            self._appended, end = frame.sequence, frame.end
            if isinstance(frame.content, dict):
                records.append(frame.content)
            elif frame.content == SEAL:
                self._sealed = frame.sequence
            else:
                del records[frame.content[1] - 1 :]
        self._written, self._bytes = self._appended, end
        if end == len(data):
            return True
        if not self._cuts_corruption:
            self._judge_bad_bytes(name, data, end, last)
        self._disk.truncate(name, end)
        self._staged = bytearray()  # behind a cut that may yet be undone nothing is written: the segment is closed
        return False

    def _delete(self, names: Sequence[str]) -> None:
        for name in names:
            self._disk.delete(name)

    def _judge_bad_bytes(self, name: str, data: bytes, at: int, last: bool) -> None:
        """Return if the bytes from ``at`` on are an unsynced tail; raise CorruptLog if they are not."""
        bad = self._appended + 1
        where = f"{name}: frame {bad} at byte {at} does not verify"
        if not last:
            raise CorruptLog(f"{where}, and a later segment exists: it was synced before that one began")
        followers = list(frames_anywhere(data, at, bad))
        proof = next((frame for _, frame in followers if frame.durable >= bad), None)
        if proof is not None:
            raise CorruptLog(f"{where}, and frame {proof.sequence} says it was durable")
        if followers and data[followers[0][0] - 1] != 0:
            start, frame = followers[0]
            raise CorruptLog(f"{where}, but the good frame {frame.sequence} follows at byte {start}, after no hole")

    def _name(self, segment: int) -> str:
        return f"{self._folder}/{segment:08}"


def encode(content: dict[str, Any] | list[Any], sequence: int, durable: int) -> bytes:
    """A frame's bytes."""
    payload = _ENCODER.encode(content).encode("ascii")
    assert len(payload) <= RECORD_BYTES_MAX, f"a record of {len(payload)} bytes, more than {RECORD_BYTES_MAX}"
    return HEAD.pack(MAGIC, len(payload), sequence, durable, _checksum(sequence, durable, payload)) + payload


def decode(data: bytes, at: int) -> Frame | None:
    """The frame whose bytes begin at ``at``, if whole and unharmed ones do."""
    if at + HEAD.size > len(data):
        return None
    magic, size, sequence, durable, checksum = HEAD.unpack_from(data, at)
    end = at + HEAD.size + size
    if magic != MAGIC or size > RECORD_BYTES_MAX or end > len(data):
        return None
    payload = data[at + HEAD.size : end]
    if _checksum(sequence, durable, payload) != checksum:
        return None
    return Frame(sequence, durable, json.loads(payload), end)


def frames(data: bytes, first: int) -> Iterator[Frame]:
    """The frames numbered ``first``, ``first`` + 1, ... from the start of a segment, up to the first bad byte."""
    at = 0
    while (frame := decode(data, at)) is not None and frame.sequence == first:
        yield frame
        at, first = frame.end, first + 1


def frames_anywhere(data: bytes, at: int, after: int) -> Iterator[tuple[int, Frame]]:
    """Every good frame numbered more than ``after`` that begins behind byte ``at``, with its position."""
    at = data.find(MAGIC, at + 1)
    while at >= 0:
        frame = decode(data, at)
        if frame is not None and frame.sequence > after:
            yield at, frame
        at = data.find(MAGIC, at + 1 if frame is None else frame.end)


def _checksum(sequence: int, durable: int, payload: bytes) -> int:
    return zlib.crc32(payload, zlib.crc32(struct.pack("<IQQ", len(payload), sequence, durable)))
