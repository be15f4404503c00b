"""A timer that can be restarted, and the loop that tells when it has run out."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from harness.node import Env

SLEEP_MS_MIN: Final = 5.0  # every loop sleeps a real minimum


class Timer:
    """Runs out ``length_ms()`` after the last restart. A new length is drawn when it has run out, not at each restart:
    so its end only ever moves away, and ``watch`` can sleep until where it was."""

    def __init__(self, env: Env, length_ms: Callable[[], float]) -> None:
        self._env, self._draw_ms = env, length_ms
        self._length_ms = length_ms()
        self.restart()

    def restart(self) -> None:
        self._start_ns = self._env.clock.monotonic()

    def remaining_ms(self) -> float:
        return self._length_ms - (self._env.clock.monotonic() - self._start_ns) / 1e6

    def take_expiry(self) -> bool:
        """Whether it has run out; then it runs anew, for a new length."""
        if self.remaining_ms() > 0:
            return False
        self._length_ms = self._draw_ms()
        self.restart()
        return True

    async def watch(self, expired: Callable[[], None]) -> None:
        """Call ``expired`` when it has run out, and again until somebody takes the expiry or restarts it."""
        while True:
            await self._env.sleep(max(self.remaining_ms(), SLEEP_MS_MIN))
            if self.remaining_ms() <= 0:
                expired()
