"""Reads what ``harness.agent.capture`` writes, strictly, as a packet analyser would."""

from __future__ import annotations

import struct
from pathlib import Path


def frames(path: Path) -> list[bytes]:
    """The frames in a file, of which the last may be cut off: it grows."""
    data, found = path.read_bytes(), []
    if len(data) < 24:
        return []
    magic, major, minor, _, _, longest, link = struct.unpack_from("<IHHiIII", data)
    assert (magic, major, minor, link) == (0xA1B2C3D4, 2, 4, 1)
    place = 24
    while place + 16 <= len(data):
        seconds, micros, kept, length = struct.unpack_from("<IIII", data, place)
        assert 1_500_000_000 < seconds < 4_000_000_000
        assert micros < 1_000_000
        assert kept == length <= longest
        if place + 16 + kept <= len(data):
            found.append(data[place + 16 : place + 16 + kept])
        place += 16 + kept
    return found
