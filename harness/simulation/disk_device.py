"""What all processes of a node share of its simulated disk: what is stored, how much room there is, what is broken."""

from __future__ import annotations

import errno
from collections import Counter
from collections.abc import Callable
from math import ceil
from random import Random
from typing import Any, Final, Protocol

from harness.node import Future
from harness.simulation.disk_names import Names, failure

CAPACITY_BYTES: Final = 256 << 20
PARTIAL_SHARE: Final = 0.25


class Clockwork(Protocol):
    """What a disk needs of virtual time."""

    def after(self, lane: Any, ms: int, fn: Callable[[Any], None], arg: Any, /) -> None:
        """Call ``fn(arg)`` after ``ms``, unless the lane is dead by then."""

    def future(self) -> Future[Any]: ...


class Device:
    """``met``: how often faults touched this node's own calls, by the faults' names: "disk-full" (calls refused), "eio"
    (syncs failed), "bit-flip" (reads of a damaged byte), "slow-sync" (syncs that took longer).

    ``room`` is how many bytes may surely be added; with what is there, a disk holds at most CAPACITY_BYTES. ``full``,
    ``eio`` (the probability that a sync fails) and ``slow`` (a factor) are faults in force.
    """

    def __init__(self, clock: Clockwork, random: Callable[[str], Random], late: Callable[[str], None]) -> None:
        self.clock, self.late = clock, late
        self._random = random
        self._streams: dict[str, Random] = {}
        self._process = 0
        self.names = Names()
        self.met: Counter[str] = Counter()
        self.room = CAPACITY_BYTES
        self.full = False
        self.eio = 0.0
        self.slow = 1.0

    def begin_process(self) -> None:
        """From now on draws are a new process's."""
        self._process += 1
        self._streams = {}

    def draws(self, name: str) -> Random:
        """The present process's stream of that name, to draw on."""
        if name not in self._streams:
            self._streams[name] = self._random(f"{name}/{self._process}")
        return self._streams[name]

    def make_room(self, file: str, size: int) -> None:
        """Raises OSError if ``size`` bytes more, for which ``room`` did not suffice, cannot be had."""
        if self.full:
            self.met["disk-full"] += 1
            raise failure(errno.ENOSPC, file)
        self.count_room()
        if size > self.room:
            raise failure(errno.ENOSPC, file)

    def last_bytes(self, size: int) -> int:
        """How many bytes of a write that is refused for want of space are written all the same."""
        random = self.draws("full")
        return random.randrange(size) if random.random() < PARTIAL_SHARE else 0

    def is_failing(self) -> bool:
        """Whether a sync that ends now fails."""
        if self.eio == 0 or self.draws("eio").random() >= self.eio:
            return False
        self.met["eio"] += 1
        return True

    def slowed(self, ms: int) -> int:
        self.met["slow-sync"] += self.slow > 1
        return max(1, ceil(ms * self.slow))

    def count_room(self) -> None:
        """Exactly; what makes files smaller does not trouble to."""
        stored = sum(content.held_bytes for content in self.names.contents())
        self.room = 0 if self.full else max(0, CAPACITY_BYTES - stored)
