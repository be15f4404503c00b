"""What disks lose or misplace by chance, drawn alike for real ones and simulated ones."""

from __future__ import annotations

from random import Random
from typing import Final

PLACES_TRIED: Final = 20


def kept_count(most: int, random: Random) -> int:
    """How many of ``most`` changes remain: nothing, everything, or anything between, each in a third of the draws. The
    ends are where programs err, and an even draw over many changes would hardly ever reach them."""
    return random.choice((0, most, random.randint(0, most)))


def misplaced(content: bytes | bytearray, size: int, random: Random) -> tuple[int, int, int] | None:
    """Where a chunk comes from, where it is to go, and its length: at most ``size``, and half of the content. None if a
    few draws find no two places that differ."""
    length = min(size, len(content) // 2)
    for _ in range(PLACES_TRIED if length else 0):
        source, target = (random.randrange(len(content) - length + 1) for _ in range(2))
        if content[source : source + length] != content[target : target + length]:
            return source, target, length
    return None
