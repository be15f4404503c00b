"""Heartbeat: say at regular times that one is alive (*Patterns of Distributed Systems*, "HeartBeat"); what others make
of it is ``failure_detector``'s.
"""

from __future__ import annotations

from collections.abc import Callable

from harness.node import Env


async def beat(env: Env, interval_ms: float, alive: Callable[[], bool], send: Callable[[], None]) -> None:
    """Call ``send`` now and every ``interval_ms``, as long as ``alive`` says so."""
    assert interval_ms >= 1, "every loop sleeps a real minimum"
    while alive():
        send()
        await env.sleep(interval_ms)
