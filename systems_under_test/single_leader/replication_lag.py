"""How long entries take from a leader's log to a follower's disk: replication lag, as the leader sees it."""

from __future__ import annotations

from collections import deque
from itertools import islice
from statistics import median
from typing import Final

from harness.node import Env

SAMPLES_MAX: Final = 1000
TIMES_MAX: Final = 100_000  # of a follower that is further behind, the oldest entries are not told of


class ReplicationLag:
    """Of one leadership, whose entries are counted from its first one on."""

    def __init__(self, env: Env) -> None:
        self._env = env
        self._appended_ns: deque[int] = deque(maxlen=TIMES_MAX)  # when, of the latest entries
        self._appended = 0
        self._samples_ms: deque[float] = deque(maxlen=SAMPLES_MAX)

    def appended(self) -> None:
        """The next entry is in the leader's log."""
        self._appended_ns.append(self._env.clock.monotonic())
        self._appended += 1

    def stored(self, before: int, now: int) -> None:
        """A follower had the first ``before`` of them (or less than none: not even all of earlier leaderships), and has
        the first ``now``."""
        now_ns = self._env.clock.monotonic()
        times_ns = islice(self._appended_ns, max(before - self._forgotten, 0), max(now - self._forgotten, 0))
        self._samples_ms.extend((now_ns - at_ns) / 1e6 for at_ns in times_ns)
        if self._samples_ms:
            self._env.gauge("replication_lag_ms", self._samples_ms[-1])

    def stored_everywhere(self, count: int) -> None:
        """Every follower has the first ``count``: nobody will tell of them any more."""
        while self._forgotten < min(count, self._appended):
            self._appended_ns.popleft()

    @property
    def _forgotten(self) -> int:
        return self._appended - len(self._appended_ns)

    @property
    def median_ms(self) -> float | None:
        """Over the latest entries and all followers; None before the first acknowledgement."""
        return round(median(self._samples_ms), 3) if self._samples_ms else None
