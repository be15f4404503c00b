"""Storage pages: rows in slots of fixed size, laid out as one of two versions of a storage engine does it.

What a write-ahead log of a storage engine says is which bytes changed in which page (DDIA ch. 5, "Write-ahead log (WAL)
shipping"). It means something only to an engine that lays out its pages in the same way, so there are two that do not:
version 2 begins each row with a byte of flags. The same bytes, read by the other version, are another row or none.
"""

from __future__ import annotations

import json
import zlib
from base64 import b64decode, b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from struct import Struct
from typing import Any, Final

Row = Mapping[str, Any]
Change = tuple[str, int, str]
"""(page, offset, the new bytes in base64): what a write did to a page."""

SLOTS_PER_PAGE: Final = 8
SLOT_BYTES: Final = 512
ROW_BYTES_MAX: Final = SLOT_BYTES - 3
_LIVE: Final = 1


class UnreadableRow(Exception):
    """The bytes of a slot are no row in this layout; ``data`` are the first of them."""

    def __init__(self, data: bytes) -> None:
        super().__init__(f"read the row {data[:16].hex()}..., which this version of the storage engine did not write")
        self.data = data


@dataclass(frozen=True, slots=True)
class Layout:
    """How a version of the engine begins a row: its flags, if it has such a byte, and the length of its text."""

    version: int
    head: Struct
    flags: bool

    def encode(self, row: Row) -> bytes:
        text = json.dumps(dict(row), separators=(",", ":"), sort_keys=True, allow_nan=False).encode("ascii")
        assert len(text) <= ROW_BYTES_MAX, f"a row of {len(text)} bytes; expected at most {ROW_BYTES_MAX}"
        return (self.head.pack(_LIVE, len(text)) if self.flags else self.head.pack(len(text))) + text

    def decode(self, slot: bytes) -> Row | None:
        """The row in a slot, None if there is none. Raises UnreadableRow."""
        flags, length = self.head.unpack_from(slot) if self.flags else (_LIVE, *self.head.unpack_from(slot))
        if flags == 0 or length == 0:
            return None
        text = slot[self.head.size : self.head.size + length]
        try:
            row = json.loads(text) if flags == _LIVE and len(text) == length else None
        except ValueError:
            row = None
        if not isinstance(row, dict):
            raise UnreadableRow(slot[:64])
        return row


LAYOUTS: Final[Mapping[str, Layout]] = {"old": Layout(1, Struct(">H"), False), "new": Layout(2, Struct(">BH"), True)}
"""The layout of each build (``Env.build``)."""


def layout_of(version: int) -> Layout:
    return next(layout for layout in LAYOUTS.values() if layout.version == version)


class Pages:
    """Pages by name, in memory; every write is remembered as a :data:`Change` until :meth:`take_changes`."""

    def __init__(self, layout: Layout) -> None:
        self.layout = layout
        self._pages: dict[str, bytearray] = {}
        self._rows: dict[tuple[str, int], Row | None] = {}  # decoded slots
        self._changes: list[Change] = []

    def names(self) -> list[str]:
        return sorted(self._pages)

    def read(self, page: str, slot: int) -> Row | None:
        """The row in that slot, None if there is none. Raises UnreadableRow."""
        known = (page, slot)
        if known not in self._rows:
            data = self._pages.get(page)
            start = slot * SLOT_BYTES
            self._rows[known] = None if data is None else self.layout.decode(bytes(data[start : start + SLOT_BYTES]))
        return self._rows[known]

    def write(self, page: str, slot: int, row: Row | None) -> None:
        """Put a row there, or empty the slot."""
        data = b"" if row is None else self.layout.encode(row)
        start = slot * SLOT_BYTES
        before = bytes(self._page(page)[start : start + SLOT_BYTES])
        after = data + bytes(SLOT_BYTES - len(data))
        if before != after:
            first, end = _differing(before, after)
            self.patch((page, start + first, b64encode(after[first:end]).decode("ascii")))

    def patch(self, change: Change) -> None:
        """Write bytes into a page, whatever they mean."""
        page, offset, text = change
        data = b64decode(text)
        self._page(page)[offset : offset + len(data)] = data
        for slot in range(offset // SLOT_BYTES, (offset + len(data) - 1) // SLOT_BYTES + 1):
            self._rows.pop((page, slot), None)
        self._changes.append((page, offset, text))

    def take_changes(self) -> list[Change]:
        """What was written since this was asked last."""
        changes, self._changes = self._changes, []
        return changes

    def image(self) -> dict[str, str]:
        """All pages, as JSON."""
        return {name: b64encode(zlib.compress(bytes(data), 1)).decode("ascii") for name, data in self._pages.items()}

    def load(self, image: Mapping[str, str]) -> None:
        """Replace all pages by those of an image."""
        self._pages = {name: bytearray(zlib.decompress(b64decode(text))) for name, text in image.items()}
        self._rows, self._changes = {}, []

    def converted(self, layout: Layout) -> Pages:
        """The same rows in another layout; what cannot be read stays as it is."""
        pages = Pages(layout)
        for name, data in self._pages.items():
            for slot in range(SLOTS_PER_PAGE):
                start = slot * SLOT_BYTES
                try:
                    pages.write(name, slot, self.read(name, slot))
                except UnreadableRow:
                    pages._page(name)[start : start + SLOT_BYTES] = data[start : start + SLOT_BYTES]
        pages.take_changes()
        return pages

    def _page(self, name: str) -> bytearray:
        return self._pages.setdefault(name, bytearray(SLOTS_PER_PAGE * SLOT_BYTES))


def _differing(before: bytes, after: bytes) -> tuple[int, int]:
    """From where to where two different texts of one length differ: as numbers, their exclusive or has a bit set at
    each end of it, which is found much faster than byte by byte."""
    differences = int.from_bytes(before, "big") ^ int.from_bytes(after, "big")
    lowest = (differences & -differences).bit_length() - 1
    return len(before) - (differences.bit_length() + 7) // 8, len(before) - lowest // 8


def as_changes(changes: Sequence[Sequence[Any]]) -> list[Change]:
    """Changes that came as JSON."""
    return [(page, offset, text) for page, offset, text in changes]
