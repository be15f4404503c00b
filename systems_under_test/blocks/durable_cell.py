"""One small durable value, replaced as a whole: write beside, sync, rename, sync the folder."""

from __future__ import annotations

import json
import zlib
from collections.abc import Mapping
from typing import Any

from harness.node import Disk

from systems_under_test.blocks.corruption import Corruption


class CorruptCell(Corruption):
    """The stored value does not verify; the node must not start from it."""


class DurableCell:
    """A JSON object under ``name`` (a file name without a slash). Saves may overlap.

    When ``save`` returns, its value or one saved after it is durable: a reader after a crash never sees an older one.
    """

    def __init__(self, disk: Disk, name: str) -> None:
        self._disk, self._name = disk, name
        self._saves = 0
        self._renamed = 0

    async def load(self) -> dict[str, Any] | None:
        """The value, or None if none was ever saved; durable on return, for the process that saved it may have died
        between the renaming and its sync, and whoever has seen the value will act on it. Raises CorruptCell. Removes
        what a crash left half-done."""
        for leftover in self._disk.list(f"{self._name}.new."):
            self._disk.delete(leftover)
        if not self._disk.exists(self._name):
            return None
        checksum, _, text = self._disk.read(self._name).partition(b" ")
        if checksum != _checksum(text):
            raise CorruptCell(f"{self._name}: read {len(text)} bytes that do not match their checksum")
        await self._disk.sync_dir()
        value: dict[str, Any] = json.loads(text)
        return value

    async def save(self, value: Mapping[str, Any]) -> None:
        """Replace the value; durable on return. OSError: the node must stop."""
        self._saves += 1
        number, new = self._saves, f"{self._name}.new.{self._saves}"
        text = json.dumps(dict(value), separators=(",", ":"), allow_nan=False).encode("ascii")
        self._disk.write(new, _checksum(text) + b" " + text)
        await self._disk.sync(new)
        if number > self._renamed:
            self._renamed = number
            self._disk.rename(new, self._name)
        else:  # a later save overtook this one: its value must stay
            self._disk.delete(new)
        await self._disk.sync_dir()


def _checksum(text: bytes) -> bytes:
    return f"{zlib.crc32(text):08x}".encode("ascii")
