"""Random draws that are a function of where they are made, not of how many were made before.

A generator may be asked for the same operation several times (its answer lies in the future, then something else
happens first), and shrinking removes operations from a plan. So no shared sequence is consumed: each draw is keyed by
the seed, the generator's place in the tree of generators and the position of the operation. Asking twice gives the
same answer, and removing an operation leaves the others as they were.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from hashlib import blake2b
from math import log
from typing import Final, TypeVar

T = TypeVar("T")

_MASK: Final = (1 << 64) - 1
_STEP: Final = 0x9E3779B97F4A7C15


def _scramble(word: int) -> int:
    """The output function of SplitMix64 (Steele, Lea, Flood, OOPSLA 2014): 64 bits to 64 well-mixed bits."""
    word = ((word ^ (word >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
    word = ((word ^ (word >> 27)) * 0x94D049BB133111EB) & _MASK
    return word ^ (word >> 31)


@lru_cache(maxsize=4096)
def _number(label: str) -> int:
    return int.from_bytes(blake2b(label.encode(), digest_size=8).digest(), "big")


@lru_cache(maxsize=16384)
def derive(seed: int, label: int | str) -> int:
    """The 64-bit seed of the stream ``label`` below ``seed``; the same on every machine and in every process.

    Cached, because a generator's place in the tree is the same for all of its operations, and because it is asked for
    an operation again and again until the operation's time comes.
    """
    number = _number(label) if isinstance(label, str) else label & _MASK
    return _scramble((_scramble((seed + _STEP) & _MASK) ^ _scramble((number * _STEP + 1) & _MASK)) & _MASK)


class Draws:
    """A stream of random numbers from a 64-bit seed (SplitMix64): as cheap to make as to use."""

    __slots__ = ("_state",)

    def __init__(self, seed: int) -> None:
        self._state = seed & _MASK

    def bits(self) -> int:
        """64 random bits."""
        self._state = (self._state + _STEP) & _MASK
        return _scramble(self._state)

    def uniform(self, low: float = 0.0, high: float = 1.0) -> float:
        """A number in [low, high)."""
        return low + (high - low) * ((self.bits() >> 11) * 2.0**-53)

    def below(self, count: int) -> int:
        """An integer in [0, count). The bias of the multiplication is under count / 2**64."""
        assert count > 0, f"read below({count}); expected at least one value to draw from"
        return (self.bits() * count) >> 64

    def choice(self, values: Sequence[T]) -> T:
        return values[self.below(len(values))]

    def weighted(self, weights: Sequence[float]) -> int:
        """An index, with probability in proportion to its weight."""
        point = self.uniform(0.0, sum(weights))
        for index, weight in enumerate(weights):
            point -= weight
            if point < 0:
                return index
        return len(weights) - 1

    def exponential(self, mean: float) -> float:
        """The gap between two events of a Poisson process with that mean gap."""
        return -mean * log(1.0 - self.uniform())
