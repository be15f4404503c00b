"""Rare branches (``Env.sometimes``): legal, and seldom met, so the seed opens some of them in each simulated run.

Source: the BUGGIFY macro of FoundationDB's simulator (Zhou et al., "FoundationDB: A Distributed Unbundled Transactional
Key Value Store", SIGMOD 2021, section 4): a test that never runs the unlikely code is not evidence about it.
"""

from __future__ import annotations

from typing import Final

from harness.node.stream import random_stream
from harness.simulation.scheduler import Lane

OPEN: Final = 0.25
TAKEN: Final = 0.25


class RareBranches:
    """Which of a run's rare branches are open, and how often each was ``reached`` and ``took``: name -> times."""

    def __init__(self, seed: int, *, on: bool) -> None:
        self._seed, self._on = seed, on
        self._open: dict[str, bool] = {}
        self.reached: dict[str, int] = {}
        self.took: dict[str, int] = {}

    def taken(self, name: str, lane: Lane) -> bool:
        """Whether to take the branch here and now; drawn from the lane of whoever asks."""
        self.reached[name] = self.reached.get(name, 0) + 1
        if name not in self._open:
            self._open[name] = self._on and random_stream(self._seed, "rare", name).random() < OPEN
        if not self._open[name] or lane.chance() >= TAKEN:
            return False
        self.took[name] = self.took.get(name, 0) + 1
        return True
