"""Sums of some of several numbers: which totals are possible, and by which choices."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

BITS_MAX: Final = 1 << 20
WORK_MAX: Final = 1 << 31
STEPS_MAX: Final = 20_000


class Sums(NamedTuple):
    """All totals of one number of each choice: ``low + i`` is one if bit i is set. ``bits`` is None where that would
    have taken too long."""

    low: int
    high: int
    bits: int | None

    def has(self, target: int) -> bool | None:
        """Whether the target is such a total; None if that is not known."""
        if not self.low <= target <= self.high:
            return False
        return None if self.bits is None else bool(self.bits >> (target - self.low) & 1)


def sums(choices: Sequence[Sequence[int]]) -> Sums:
    """Of one number of each of the choices."""
    low = sum(min(each) for each in choices)
    high = sum(max(each) for each in choices)
    if high - low > BITS_MAX or (high - low) * len(choices) > WORK_MAX:
        return Sums(low, high, None)
    bits = 1
    for each in choices:
        least = min(each)
        shifted = 0
        for number in set(each):
            shifted |= bits << (number - least)
        bits = shifted
    return Sums(low, high, bits)


def subsets(numbers: Sequence[int], target: int, most: int) -> list[tuple[int, ...]] | None:
    """The places of every choice of numbers (none is zero) with that sum; None if there are more than ``most``, or the
    search takes too long."""
    order = sorted(range(len(numbers)), key=lambda place: -abs(numbers[place]))
    lows, highs = [0], [0]
    for place in reversed(order):
        lows.append(lows[-1] + min(0, numbers[place]))
        highs.append(highs[-1] + max(0, numbers[place]))
    lows.reverse()
    highs.reverse()
    found: list[tuple[int, ...]] = []
    waiting: list[tuple[int, int, tuple[int, ...]]] = [(0, target, ())]
    steps = 0
    while waiting:
        depth, left, chosen = waiting.pop()
        steps += 1
        if steps > STEPS_MAX or len(found) > most:
            return None
        if not lows[depth] <= left <= highs[depth]:
            continue
        if depth == len(order):
            found.append(chosen)
            continue
        waiting.append((depth + 1, left - numbers[order[depth]], (*chosen, order[depth])))
        waiting.append((depth + 1, left, chosen))
    return None if len(found) > most else found
