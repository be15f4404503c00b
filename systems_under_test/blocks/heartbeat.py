"""Heartbeat: say at regular times that one is alive; suspect whoever was not heard for too long
(*Patterns of Distributed Systems*, "HeartBeat").

A suspicion is no proof: a slow node and a dead one look the same from outside.
"""

from __future__ import annotations

from collections.abc import Callable

from harness.node import Clock, Env


class FailureDetector:
    """Suspects the other side when nothing was heard for ``timeout_ms``. It starts out as if just heard."""

    def __init__(self, clock: Clock, timeout_ms: float) -> None:
        self._clock = clock
        self.timeout_ms = timeout_ms
        self._heard_ns = clock.monotonic()

    def heard(self) -> None:
        """A sign of life arrived."""
        self._heard_ns = self._clock.monotonic()

    def silent_ms(self) -> float:
        """Milliseconds since the last sign of life."""
        return (self._clock.monotonic() - self._heard_ns) / 1e6

    def suspects(self) -> bool:
        return self.silent_ms() >= self.timeout_ms


async def beat(env: Env, interval_ms: float, alive: Callable[[], bool], send: Callable[[], None]) -> None:
    """Call ``send`` now and every ``interval_ms``, as long as ``alive`` says so."""
    assert interval_ms >= 1, "every loop sleeps a real minimum"
    while alive():
        send()
        await env.sleep(interval_ms)
