"""Hybrid logical clock: timestamps close to the wall clock that also order effects after their causes
(Kulkarni et al., "Logical Physical Clocks", OPODIS 2014; *Patterns of Distributed Systems*, "Hybrid Clock").

A timestamp is the highest wall-clock time that its node has seen, its own or in a message, and a counter that tells
events apart for which that time is the same. So it is never below the node's own wall clock, and above it by no more
than the fastest clock of those it has heard from, directly or not, is ahead.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, NamedTuple

DRIFT_MS_MAX: Final = 500  # CockroachDB's default for the offset between any two nodes


class HybridTimestamp(NamedTuple):
    """``wall_ms`` since 1970, as some node read it; ``counter`` from 0."""

    wall_ms: int
    counter: int


class ClockTooFarAhead(Exception):
    """A message is from the future: to believe it would drag this node's clock, and everybody's, after it."""


def tick(last: HybridTimestamp, wall_ms: int) -> HybridTimestamp:
    """The timestamp of an event here after ``last`` ("send or local event", fig. 5)."""
    if wall_ms > last.wall_ms:
        return HybridTimestamp(wall_ms, 0)
    return HybridTimestamp(last.wall_ms, last.counter + 1)


def merge(last: HybridTimestamp, received: HybridTimestamp, wall_ms: int) -> HybridTimestamp:
    """The timestamp of the arrival here of a message that was sent at ``received`` ("receive event", fig. 5)."""
    return tick(max(last, received), wall_ms)


class HybridClock:
    """One node's clock over ``wall_ns``, a wall clock that may jump both ways.

    Timestamps rise strictly within an incarnation, and over a restart if ``floor_ms`` is a durable bound of what was
    told before. ``drift_ms_max`` is how far ahead of this node's wall clock a message may be.
    """

    def __init__(self, wall_ns: Callable[[], int], drift_ms_max: int = DRIFT_MS_MAX, floor_ms: int = 0) -> None:
        self._wall_ns, self._drift_ms_max = wall_ns, drift_ms_max
        self.last = HybridTimestamp(floor_ms, 0)

    def now(self) -> HybridTimestamp:
        """The timestamp of an event here; no other event of this node has it."""
        self.last = tick(self.last, self._wall_ms())
        return self.last

    def receive(self, received: HybridTimestamp) -> HybridTimestamp:
        """The timestamp of a message's arrival. Raises ClockTooFarAhead, and then nothing has changed."""
        wall_ms = self._wall_ms()
        ahead_ms = received.wall_ms - wall_ms
        if ahead_ms > self._drift_ms_max:
            raise ClockTooFarAhead(f"{ahead_ms} ms ahead; expected {self._drift_ms_max} ms at most")
        self.last = merge(self.last, received, wall_ms)
        return self.last

    def _wall_ms(self) -> int:
        return self._wall_ns() // 1_000_000
