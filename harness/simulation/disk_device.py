"""What all processes of a node share of its simulated disk: what is stored, how much room there is, what is broken."""

from __future__ import annotations

import errno
from collections import Counter
from collections.abc import Callable
from math import ceil
from random import Random
from typing import Any, Final, Protocol

from harness.node import Future
from harness.simulation.disk_content import Content
from harness.simulation.disk_names import Names, failure

CAPACITY_BYTES: Final = 256 << 20
PARTIAL_SHARE: Final = 0.25


class Clockwork(Protocol):
    """What a disk needs of virtual time."""

    def after(self, lane: Any, ms: int, fn: Callable[[Any], None], arg: Any, /) -> None:
        """Call ``fn(arg)`` after ``ms``, unless the lane is dead by then."""

    def future(self) -> Future[Any]: ...


class Device:
    """``met``: how often faults touched this node's own calls, by the faults' names: "disk-full" and "read-only" (calls
    refused), "eio" (syncs failed), "slow-sync", "slow-fsync" and "disk-stall" (syncs that took longer, or waited),
    "bit-flip" and "chunk-copy" (reads of a damaged byte), "truncate" and "snapshot-restore" (reads of a file that has
    lost its end, or is an old one).

    ``room`` is how many bytes may surely be added; with what is there, a disk holds at most CAPACITY_BYTES. ``full``,
    ``read_only``, ``eio`` (the probability that a sync fails), ``slow`` (a factor), ``slow_ms`` and ``stalled`` are
    faults in force. ``latest`` is the content that was last made durable.
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
        self.slow_ms = 0
        self.read_only = self.stalled = False
        self.waiting: list[tuple[Any, Callable[[Any], None], Any]] = []
        self.latest: Content | None = None

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
        if self.read_only:
            raise self.refused(file)
        if self.full:
            self.met["disk-full"] += 1
            raise failure(errno.ENOSPC, file)
        self.count_room()
        if size > self.room:
            raise failure(errno.ENOSPC, file)

    def refused(self, file: str) -> OSError:
        """What whoever would change a disk is told that can only be read."""
        self.met["read-only"] += 1
        return failure(errno.EROFS, file)

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
        if self.slow > 1:
            self.met["slow-sync"] += 1
        if self.slow_ms:
            self.met["slow-fsync"] += 1
        return max(1, ceil(ms * self.slow)) + self.slow_ms

    def wait(self, lane: Any, fn: Callable[[Any], None], arg: Any) -> None:
        """Call ``fn(arg)`` when the disk no longer stalls."""
        self.met["disk-stall"] += 1
        self.waiting.append((lane, fn, arg))

    def go_on(self) -> None:
        """The disk no longer stalls."""
        self.stalled = False
        waiting, self.waiting = self.waiting, []
        for lane, fn, arg in waiting:
            self.clock.after(lane, 1, fn, arg)

    def count_room(self) -> None:
        """Exactly; what makes files smaller does not trouble to."""
        stored = sum(content.held_bytes for content in self.names.contents())
        self.room = 0 if self.full or self.read_only else max(0, CAPACITY_BYTES - stored)
