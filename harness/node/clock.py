"""The clocks of a real node."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Final

from harness.node.env import Interval

TRUE_AHEAD: Final = "SPLITBRAIN_WALL_AHEAD_NS"
"""The variable with which a program is told how far the true wall clock is ahead of the monotonic one, in ns. It was
measured by something that no fault bends; without it a reading is never known to be false."""

FALSE_NS: Final = 10_000_000
"""A reading that is further off is false: less is what clocks show by themselves that are kept over a network."""


def true_ahead_ns(environment: Mapping[str, str]) -> int | None:
    text = environment.get(TRUE_AHEAD)
    return None if text is None else int(text)


class HostClock:
    """The machine's clocks; ``error_ms`` is the bound that :meth:`interval` states.

    ``readings`` counts how often the program has read the wall clock, ``false_readings`` how often that was off by more
    than FALSE_NS (0 without ``ahead_ns``): measured here, by the monotonic clock, which nothing bends.
    """

    def __init__(self, error_ms: float, ahead_ns: int | None = None) -> None:
        self._error_ns = int(error_ms * 1e6)
        self._ahead_ns = ahead_ns
        self.readings = self.false_readings = 0

    def wall(self) -> int:
        self.readings += 1
        if self._ahead_ns is None:
            return time.time_ns()
        # Between two readings the process may have to wait for its turn, long: so one before and one after.
        earliest = time.monotonic_ns() + self._ahead_ns
        now = time.time_ns()
        latest = time.monotonic_ns() + self._ahead_ns
        self.false_readings += not earliest - FALSE_NS <= now <= latest + FALSE_NS
        return now

    def monotonic(self) -> int:
        return time.monotonic_ns()

    def interval(self) -> Interval:
        now = self.wall()
        return Interval(now - self._error_ns, now + self._error_ns)
