"""The content of one simulated file: what is there now, and how to get back to what is durable.

Appending is the hot path, so nothing is copied ahead of a power loss: the present content is one bytearray, and each
unsynced change leaves only what undoes it. A power loss unwinds them all and replays those that a draw keeps.

There are two changes: bytes added at the end, and the length set. Replacing the whole content is one of each, as it is
two calls in a real kernel, and the power may go between them: that is how files become empty.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from random import Random
from typing import Final, NamedTuple

from harness.agent.disk.draw import kept_count

NONE: Final = "none"
SOME: Final = "some"

Undo = int | tuple[int, bytes | bytearray, int]
"""Of an append, the length before it; of a new length, that length, the bytes it cut off, and the length before it."""

Redo = tuple[int, bytes | None]
"""Bytes at an offset; or, without bytes, a new length."""


class Loss(NamedTuple):
    """What a power loss took of one file: bytes, whole changes, and writes of which a part was kept."""

    bytes: int
    writes: int
    torn: int


class Content:
    """``data`` is what a reader sees. ``pending`` undoes the changes that no sync has covered, in order; ``count`` says
    how many there ever were. ``failed``: a sync failed, and what it should have covered is lost. ``damage`` says
    what was done to it behind the program's back: at these offsets, or (None) to the whole."""

    __slots__ = ("count", "damage", "data", "failed", "pending")

    def __init__(self) -> None:
        self.data = bytearray()
        self.pending: list[Undo] = []
        self.count = 0
        self.failed = False
        self.damage: dict[int | None, str] = {}

    @staticmethod
    def stored(data: bytes) -> Content:
        """A file that has this content, durably."""
        content = Content()
        content.data += data
        return content

    def append(self, data: bytes) -> None:
        length = len(self.data)
        self.data += data
        if len(self.data) > length:
            self.pending.append(length)
            self.count += 1

    def resize(self, length: int) -> None:
        """Cut the content, or fill it up with zeros."""
        old = len(self.data)
        removed: bytes | bytearray = b""
        if length == 0:
            removed, self.data = self.data, bytearray()
        elif length < old:
            removed = self.data[length:]
            del self.data[length:]
        else:
            self.data += bytes(length - old)
        if length != old:
            self.pending.append((length, removed, old))
            self.count += 1
        if self.damage and length < old:
            self._forget_damage(length)

    def settle(self, covered: int) -> None:
        """A sync that began when ``count`` was ``covered`` has ended. Another may have done its work."""
        done = covered - self.count + len(self.pending)
        if done > 0:
            del self.pending[:done]

    @property
    def held_bytes(self) -> int:
        """All that is stored for this file, with what a power loss could bring back."""
        return len(self.data) + sum(len(undo[1]) for undo in self.pending if not isinstance(undo, int))

    @property
    def unsynced_bytes(self) -> int:
        """The bytes of all writes that no sync has covered."""
        length, total = len(self.data), 0
        for undo in reversed(self.pending):
            before = undo if isinstance(undo, int) else undo[2]
            total += length - before if isinstance(undo, int) else 0
            length = before
        return total

    @property
    def durable_bytes(self) -> int:
        """The length of the beginning that is durable and has not been changed since."""
        return min(
            [len(self.data), *(undo if isinstance(undo, int) else min(undo[0], undo[2]) for undo in self.pending)]
        )

    def durable(self) -> bytes:
        """What would be there if nothing were kept but what is durable."""
        return bytes(self._unwound()[0]) if self.pending else bytes(self.data)

    def forget(self) -> None:
        """Drop everything that is not durable."""
        self._become(self._unwound()[0])

    def lose_power(self, random: Random, *, torn: bool, reordered: bool, keep: str) -> Loss:
        """Of the unsynced changes a prefix remains (``reordered``: any of them, with zeros in the place of what is
        missing); ``torn``: and of the last write that remains, only the beginning. What is there then is durable."""
        content, changes = self._unwound()
        kept = [] if keep == NONE or self.failed else _kept(changes, random, torn, reordered)
        lost = sum(len(data) for _, data in changes if data is not None)
        lost -= sum(len(data) for _, data in kept if data is not None)
        loss = Loss(lost, len(changes) - len(kept), 0)
        if torn and kept and (last := kept[-1][1]) is not None:
            cut = random.randrange(min(1, len(last) - 1), len(last))
            loss = Loss(lost + len(last) - cut, loss.writes, 1)
            # The length may have reached the disk without the bytes.
            zeros = len(last) - cut if reordered and random.random() < 0.5 else 0
            kept = [*kept[:-1], (kept[-1][0], last[:cut] + bytes(zeros))]
        for offset, data in kept:
            apply(content, offset, data)
        self._become(content)
        return loss

    def flip(self, offset: int, bit: int) -> None:
        self.data[offset] ^= 1 << bit
        self.damage[offset] = "bit-flip"

    def copy_chunk(self, source: int, target: int, length: int) -> None:
        """Of what is durable and has not been changed since."""
        self.data[target : target + length] = bytes(self.data[source : source + length])
        self.damage |= dict.fromkeys(range(target, target + length), "chunk-copy")

    def cut(self, length: int) -> None:
        """Lose the end, for good: what is left is durable."""
        self._become(bytearray(self.data[:length]))
        self.damage[None] = "truncate"

    def damage_met(self, begin: int, end: int) -> list[str]:
        """What was done to the bytes from ``begin`` to ``end``, each kind once."""
        found = {kind for offset, kind in self.damage.items() if offset is None or begin <= offset < end}
        return sorted(found)

    def _forget_damage(self, length: int) -> None:
        """Behind ``length`` there is nothing any more, and of an empty file nothing at all."""
        self.damage = {
            offset: kind for offset, kind in self.damage.items() if (length if offset is None else offset < length)
        }

    def _become(self, content: bytearray) -> None:
        self.data, self.pending, self.failed = content, [], False
        if self.damage:
            self._forget_damage(len(content))

    def _unwound(self) -> tuple[bytearray, Sequence[Redo]]:
        """The durable content, and the changes that lead from it to the present one."""
        content = bytearray(self.data)
        changes: list[Redo] = []
        for undo in reversed(self.pending):
            if isinstance(undo, int):
                changes.append((undo, bytes(memoryview(content)[undo:])))
                del content[undo:]
            else:
                length, removed, old = undo
                changes.append((length, None))
                content += removed
                del content[old:]
        return content, changes[::-1]


def apply(content: bytearray, offset: int, data: bytes | None) -> None:
    """Do one change, wherever the content ends by now."""
    end = offset if data is None else max(offset, len(content))
    content += bytes(max(0, offset - len(content)))
    del content[end:]
    if data is not None:
        content[offset : offset + len(data)] = data


def _kept(changes: Sequence[Redo], random: Random, torn: bool, reordered: bool) -> Sequence[Redo]:
    """The changes that reach the disk. What is to be torn needs a write to be the last of them, if there is any."""
    writes = [place for place, (_, data) in enumerate(changes) if data is not None]
    if torn and writes:
        last = writes[kept_count(len(writes) - 1, random)]
        return [*_before(changes[:last], random, reordered), changes[last]]
    if reordered:
        return _before(changes, random, reordered)
    return changes[: kept_count(len(changes), random)]


def _before(changes: Sequence[Redo], random: Random, reordered: bool) -> Sequence[Redo]:
    return [change for change in changes if random.random() < 0.5] if reordered else changes


def total(losses: Iterable[Loss]) -> Loss:
    sums = [sum(figures) for figures in zip(*losses, strict=True)]
    return Loss(*sums) if sums else Loss(0, 0, 0)
