"""The clocks of a real node."""

from __future__ import annotations

import time

from harness.node.env import Interval


class HostClock:
    """The machine's clocks; ``error_ms`` is the bound that :meth:`interval` states."""

    def __init__(self, error_ms: float) -> None:
        self._error_ns = int(error_ms * 1e6)

    def wall(self) -> int:
        return time.time_ns()

    def monotonic(self) -> int:
        return time.monotonic_ns()

    def interval(self) -> Interval:
        now = time.time_ns()
        return Interval(now - self._error_ns, now + self._error_ns)
