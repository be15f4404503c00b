"""What becomes of the packets of one directed link: pure decisions, of which the engine makes verdicts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from random import Random
from typing import Final, NamedTuple

DELAYING: Final = ("distance", "delay", "slow-link")
LOSS: Final = "loss"
CORRUPT: Final = "corrupt"
BANDWIDTH: Final = "bandwidth"
DUPLICATE: Final = "duplicate-packets"
REORDER: Final = "reorder-packets"
KINDS: Final = (*DELAYING, LOSS, CORRUPT, BANDWIDTH, DUPLICATE, REORDER)

IN_LINE_S_MAX: Final = 1.0
"""How long a narrow link's buffer is: what would wait longer is thrown away, as routers do."""

NOTICED_S: Final = 0.001
"""A packet that a narrow link holds for less has not met it."""


class Fate(NamedTuple):
    """When a packet goes on, in seconds on the engine's clock (None: never); whether spoiled; whether twice."""

    due_s: float | None
    spoiled: bool = False
    twice: bool = False


class Line:
    """One directed link. ``fails`` are the degradations in force on it, by kind, with their amounts (as in
    ``harness.cluster_faults.LinkFaults``); ``met`` counts the packets that met each."""

    def __init__(self, fails: Mapping[str, Mapping[str, float]], random: Random, met: Counter[str]) -> None:
        self.fails = fails
        self._random, self._met = random, met
        self._free_s = self._last_s = 0.0

    def fate(self, now_s: float, size_bytes: int) -> Fate:
        """Decide about a packet that arrives now. Packets leave in their order but for those held back to be
        overtaken."""
        fails, chance = self.fails, self._random.random
        if (loss := fails.get(LOSS)) is not None and chance() < loss["probability"]:
            self._met[LOSS] += 1
            return Fate(None)
        due_s = now_s
        if (narrow := fails.get(BANDWIDTH)) is not None:
            due_s = self._in_line(now_s, size_bytes, narrow["rate_kbit_s"])
            if due_s < 0:
                return Fate(None)
        for kind in DELAYING:
            if (delay := fails.get(kind)) is not None:
                self._met[kind] += 1
                jitter_ms = (2 * chance() - 1) * delay.get("jitter_ms", 0.0)
                due_s += max(0.0, delay["delay_ms"] + jitter_ms) / 1000
        return self._tampered(self._in_order(due_s))

    def _tampered(self, due_s: float) -> Fate:
        fails, chance = self.fails, self._random.random
        is_spoiled = is_twice = False
        if (corrupt := fails.get(CORRUPT)) is not None and chance() < corrupt["probability"]:
            self._met[CORRUPT] += 1
            is_spoiled = True
        if (again := fails.get(DUPLICATE)) is not None and chance() < again["probability"]:
            self._met[DUPLICATE] += 1
            is_twice = True
        return Fate(due_s, is_spoiled, is_twice)

    def _in_order(self, due_s: float) -> float:
        """Not before what was sent earlier; or held back, and then it does not matter to those that follow."""
        due_s = max(due_s, self._last_s)
        late = self.fails.get(REORDER)
        if late is not None and self._random.random() < late["probability"]:
            self._met[REORDER] += 1
            return due_s + self._random.random() * late["delay_ms"] / 1000
        self._last_s = due_s
        return due_s

    def _in_line(self, now_s: float, size_bytes: int, rate_kbit_s: float) -> float:
        """When the last bit of the packet has passed; -1 if there is no room for it to wait."""
        begin_s = max(now_s, self._free_s)
        due_s = begin_s + size_bytes * 8 / (rate_kbit_s * 1000)
        if begin_s - now_s > IN_LINE_S_MAX:
            self._met[BANDWIDTH] += 1
            return -1.0
        self._free_s = due_s
        if due_s - now_s >= NOTICED_S:
            self._met[BANDWIDTH] += 1
        return due_s
