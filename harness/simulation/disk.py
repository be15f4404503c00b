"""One simulated node's disk, which outlives its processes: what a kill keeps, a power loss takes, a fault spoils.

It is as unkind as the contract (``harness.node.Disk``) allows, and in places real disks seldom are: a new name is never
durable before ``sync_dir``, though many file systems make it so with the file's first sync. In one point it is kinder.
After a sync has failed, Linux may go on showing pages that are not on the disk and never will be, even to the next
process (Rebello et al., "Can Applications Recover from fsync Failures?", ATC 2020); here they are gone with the process
that wrote them, as if the cache had been dropped: the node starts from what is stored.
"""

from __future__ import annotations

import errno
from bisect import bisect_right
from collections import Counter
from collections.abc import Callable
from itertools import accumulate
from math import ceil
from random import Random
from typing import Any, Final, Protocol

from harness.node import Future
from harness.simulation.disk_content import NONE, SOME, Loss, total
from harness.simulation.disk_files import SimFiles
from harness.simulation.disk_names import Names, failure

CAPACITY_BYTES: Final = 256 << 20
PARTIAL_SHARE: Final = 0.25


class Clockwork(Protocol):
    """What a disk needs of virtual time."""

    def after(self, lane: Any, ms: int, fn: Callable[[Any], None], arg: Any, /) -> None:
        """Call ``fn(arg)`` after ``ms``, unless the lane is dead by then."""

    def future(self) -> Future[Any]: ...


class SimDisk:
    """``random`` gives a stream of draws by its name; ``late`` is told the method that a dead process called.

    ``met``: how often faults touched this node's own calls, by the faults' names: "disk-full" (calls refused), "eio"
    (syncs failed), "bit-flip" (reads of a damaged byte), "slow-sync" (syncs that took longer). ``room`` is how many
    bytes may surely be added; with what is there, a disk holds at most CAPACITY_BYTES.
    """

    def __init__(
        self, clock: Clockwork, random: Callable[[str], Random], late: Callable[[str], None] = lambda _: None
    ) -> None:
        self.clock, self.late = clock, late
        self._random = random
        self._streams: dict[str, Random] = {}
        self._generation = 0
        self._files: SimFiles | None = None
        self.names = Names()
        self.met: Counter[str] = Counter()
        self.room = CAPACITY_BYTES
        self.full = False
        self.slow = 1.0
        self._eio = 0.0

    @property
    def unsynced_bytes(self) -> int:
        """The bytes of all writes to present files that no sync has covered."""
        return sum(content.unsynced_bytes for content in self.names.present.values())

    def open(self, lane: Any) -> SimFiles:
        """The files, for a new process; the earlier one's handle is closed. Syncs complete on ``lane``."""
        self.close()
        self._generation += 1
        self._streams = {}
        self._files = SimFiles(self, lane)
        return self._files

    def close(self) -> None:
        """The process died. All it wrote stays, synced or not, but for what a failed sync has lost."""
        if self._files is not None:
            self._files.close()
            self._files = None
        for content in self.names.contents():
            if content.failed:
                content.forget()
        if self.names.failed:
            self.names.forget()

    def power_loss(self, *, torn: bool, reordered: bool, keep: str = SOME, stream: str) -> dict[str, int]:
        """The machine is off; returns what was lost: {"bytes", "writes", "names", "torn"}.

        Of each file's unsynced changes a prefix remains by a draw, and so of the unsynced names (created, renamed,
        deleted), each by itself: a name may be durable before its content. ``torn``: of the last write that remains, a
        part is missing ("torn" counts these). ``reordered``: later changes may remain where earlier ones do not, with
        zeros in the holes. ``keep`` NONE: nothing unsynced remains. ``stream`` names the draws.
        """
        assert keep in (NONE, SOME), f"read keep = {keep!r}; expected {NONE} or {SOME}"
        self.close()
        before = self.names.present
        names_draws = self._random(f"{stream}/names")
        self.names, names_lost = self.names.after_power_loss(names_draws, reordered=reordered, keep=keep)
        losses = {
            content: content.lose_power(
                self._random(f"{stream}/file/{file}"), torn=torn, reordered=reordered, keep=keep
            )
            for file, content in self.names.present.items()
            if content.pending
        }
        known = set(self.names.present.values())
        gone = [Loss(len(content.data), len(content.pending), 0) for content in before.values() if content not in known]
        loss = total([*gone, *(losses[content] for content in before.values() if content in losses)])
        self._count_room()
        return {"bytes": loss.bytes, "writes": loss.writes, "names": names_lost, "torn": loss.torn}

    def flip(self, bits: int, files: str, stream: str) -> list[list[Any]]:
        """Flip that many bits of durable content in files whose name begins with ``files``, all equally likely. Returns
        [[file, offset, bit], ...]; fewer, where there is not as much."""
        stored = [(file, content) for file, content in sorted(self.names.present.items()) if file.startswith(files)]
        ends = list(accumulate(8 * content.durable_bytes for _, content in stored))
        count = ends[-1] if ends else 0
        flips = []
        for place in sorted(self._random(stream).sample(range(count), min(bits, count))):
            index = bisect_right(ends, place)
            file, content = stored[index]
            offset, bit = divmod(place - (ends[index - 1] if index else 0), 8)
            content.flip(offset, bit)
            flips.append([file, offset, bit])
        return flips

    def set_full(self, full: bool) -> None:
        """From now on what makes a file grow raises OSError (ENOSPC), at times when part of it has been written; or no
        longer."""
        self.full = full
        self._count_room()

    def set_eio(self, probability: float) -> None:
        """From now on a sync fails with OSError (EIO), with that probability; 0: no longer."""
        assert 0 <= probability <= 1, f"read a probability of {probability}"
        self._eio = probability

    def set_slow(self, factor: float) -> None:
        """From now on syncs take ``factor`` times as long; 1: as long as ever."""
        assert factor > 0, f"read a factor of {factor}"
        self.slow = factor

    def draws(self, name: str) -> Random:
        """The present process's stream of that name, to draw on."""
        if name not in self._streams:
            self._streams[name] = self._random(f"{name}/{self._generation}")
        return self._streams[name]

    def make_room(self, file: str, size: int) -> None:
        """Raises OSError if ``size`` bytes more, for which ``room`` did not suffice, cannot be had."""
        if self.full:
            self.met["disk-full"] += 1
            raise failure(errno.ENOSPC, file)
        self._count_room()
        if size > self.room:
            raise failure(errno.ENOSPC, file)

    def last_bytes(self, size: int) -> int:
        """How many bytes of a write that is refused for want of space are written all the same."""
        random = self.draws("full")
        return random.randrange(size) if random.random() < PARTIAL_SHARE else 0

    def is_failing(self) -> bool:
        """Whether a sync that ends now fails."""
        if self._eio == 0 or self.draws("eio").random() >= self._eio:
            return False
        self.met["eio"] += 1
        return True

    def slowed(self, ms: int) -> int:
        self.met["slow-sync"] += self.slow > 1
        return max(1, ceil(ms * self.slow))

    def _count_room(self) -> None:
        """Exactly; what makes files smaller does not trouble to."""
        stored = sum(content.held_bytes for content in self.names.contents())
        self.room = 0 if self.full else max(0, CAPACITY_BYTES - stored)
