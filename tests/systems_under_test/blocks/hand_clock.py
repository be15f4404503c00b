"""A clock that stands until a test moves it: for blocks that only read one."""

from __future__ import annotations

from harness.node import Interval


class HandClock:
    """``harness.node.Clock``. The wall clock is the monotonic one and an offset; ``rate`` makes it fast or slow."""

    def __init__(self, rate: float = 1.0, wall_offset_ns: int = 0) -> None:
        self._true_ns, self._rate = 0.0, rate
        self.wall_offset_ns = wall_offset_ns

    def advance(self, ms: float) -> None:
        """Let so much true time pass."""
        self._true_ns += ms * 1e6

    def monotonic(self) -> int:
        return int(self._true_ns * self._rate)

    def wall(self) -> int:
        return self.monotonic() + self.wall_offset_ns

    def interval(self) -> Interval:
        return Interval(self.wall(), self.wall())
