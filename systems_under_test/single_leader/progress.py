"""What a leader knows of its followers: up to where each one's log is its own, and when each last said so."""

from __future__ import annotations

from collections.abc import Sequence

from harness.node import Clock


class Progress:
    """``stored`` is, for each follower, the last index that it has durably and in common with this leader."""

    def __init__(self, clock: Clock, followers: Sequence[str]) -> None:
        self._clock = clock
        self.stored = dict.fromkeys(followers, 0)
        self._heard_ns = dict.fromkeys(followers, clock.monotonic())

    def confirm(self, follower: str, index: int) -> bool:
        """A follower says that it has all up to ``index``; whether that is news."""
        self._heard_ns[follower] = self._clock.monotonic()
        news = index > self.stored[follower]
        self.stored[follower] = max(self.stored[follower], index)
        return news

    def silent_ms(self, follower: str) -> float:
        """Milliseconds since a follower last confirmed anything, or since this leadership began."""
        return (self._clock.monotonic() - self._heard_ns[follower]) / 1e6

    def freshest(self, silent_ms_max: float) -> str | None:
        """The follower that has most, of those heard lately; among equals the first."""
        heard = [name for name in self.stored if self.silent_ms(name) < silent_ms_max]
        return max(heard, key=lambda name: self.stored[name], default=None)
