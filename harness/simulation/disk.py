"""One simulated node's disk, which outlives its processes: what a kill keeps, a power loss takes, a fault spoils.

It is as unkind as the contract (``harness.node.Disk``) allows, and in places real disks seldom are: a new name is never
durable before ``sync_dir``, though many file systems make it so with the file's first sync. In one point it is kinder.
After a sync has failed, Linux may go on showing pages that are not on the disk and never will be, even to the next
process (Rebello et al., "Can Applications Recover from fsync Failures?", ATC 2020); here they are gone with the process
that wrote them, as if the cache had been dropped: the node starts from what is stored.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Mapping
from itertools import accumulate
from random import Random
from typing import Any

from harness.agent.disk.draw import misplaced
from harness.simulation.disk_content import NONE, SOME, Content, Loss, total
from harness.simulation.disk_device import Clockwork, Device
from harness.simulation.disk_files import SimFiles
from harness.simulation.disk_names import Names


class SimDisk:
    """``random`` gives a stream of draws by its name; ``late`` is told the method that a dead process called."""

    def __init__(
        self, clock: Clockwork, random: Callable[[str], Random], late: Callable[[str], None] = lambda _: None
    ) -> None:
        self.device = Device(clock, random, late)
        self._random = random
        self._files: SimFiles | None = None
        self._saved: Mapping[str, bytes] | None = None

    @property
    def met(self) -> Mapping[str, int]:
        """How often faults touched this node's own calls; see :class:`harness.simulation.disk_device.Device`."""
        return self.device.met

    @property
    def unsynced_bytes(self) -> int:
        """The bytes of all writes to present files that no sync has covered."""
        return sum(content.unsynced_bytes for content in self.device.names.present.values())

    def open(self, lane: Any) -> SimFiles:
        """The files, for a new process; the earlier one's handle is closed. Syncs complete on ``lane``."""
        self.close()
        self.device.begin_process()
        self._files = SimFiles(self.device, lane)
        return self._files

    def close(self) -> None:
        """The process died. All it wrote stays, synced or not, but for what a failed sync has lost."""
        if self._files is not None:
            self._files.close()
            self._files = None
        names = self.device.names
        for content in names.contents():
            if content.failed:
                content.forget()
        if names.failed:
            names.forget()

    def power_loss(self, *, torn: bool, reordered: bool, keep: str = SOME, stream: str) -> dict[str, int]:
        """The machine is off; returns what was lost: {"bytes", "writes", "names", "torn"}.

        Of each file's unsynced changes a prefix remains by a draw, and so of the unsynced names (created, renamed,
        deleted), each by itself: a name may be durable before its content. ``torn``: of the last write that remains, a
        part is missing ("torn" counts these). ``reordered``: later changes may remain where earlier ones do not, with
        zeros in the holes. ``keep`` NONE: nothing unsynced remains. ``stream`` names the draws.
        """
        assert keep in (NONE, SOME), f"read keep = {keep!r}; expected {NONE} or {SOME}"
        self.close()
        names = self.device.names
        before = names.present
        names, names_lost = names.after_power_loss(self._random(f"{stream}/names"), reordered=reordered, keep=keep)
        self.device.names = names
        losses = {
            content: content.lose_power(
                self._random(f"{stream}/file/{file}"), torn=torn, reordered=reordered, keep=keep
            )
            for file, content in names.present.items()
            if content.pending
        }
        known = set(names.present.values())
        gone = [Loss(len(content.data), len(content.pending), 0) for content in before.values() if content not in known]
        loss = total([*gone, *(losses[content] for content in before.values() if content in losses)])
        self.device.count_room()
        return {"bytes": loss.bytes, "writes": loss.writes, "names": names_lost, "torn": loss.torn}

    def flip(self, bits: int, files: str, stream: str) -> list[list[Any]]:
        """Flip that many bits of durable content in files whose name begins with ``files``, all equally likely. Returns
        [[file, offset, bit], ...]; fewer, where there is not as much."""
        stored = [
            (file, content) for file, content in sorted(self.device.names.present.items()) if file.startswith(files)
        ]
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

    def truncate(self, size: int, stream: str) -> list[list[Any]]:
        """Cut up to that many bytes off the end of the file last written. Returns [[file, bytes]]; empty where nothing
        is stored."""
        file, content = self._last_written()
        if content is None:
            return []
        cut = self._random(stream).randint(1, min(size, content.durable_bytes))
        content.cut(content.durable_bytes - cut)
        self.device.count_room()
        return [[file, cut]]

    def copy_chunk(self, size: int, stream: str) -> list[list[Any]]:
        """Write a chunk of the file last written over another place of it. Returns [[file, from, to, bytes]]; empty
        where no two places of it differ that far."""
        file, content = self._last_written()
        if content is None:
            return []
        found = misplaced(content.data[: content.durable_bytes], size, self._random(stream))
        if found is None:
            return []
        content.copy_chunk(*found)
        return [[file, *found]]

    def save(self) -> None:
        """Keep what is durable, for :meth:`load`."""
        names = self.device.names
        self._saved = {file: content.durable() for file, content in names.durable.items()}

    def load(self) -> int:
        """Put back what was saved, once; returns the bytes of files that differ."""
        saved, self._saved = self._saved, None
        if saved is None:
            return 0
        before = {file: bytes(content.data) for file, content in self.device.names.present.items()}
        differing = {file for file in {*saved, *before} if saved.get(file) != before.get(file)}
        contents = {file: Content.stored(data) for file, data in saved.items()}
        for file in sorted(differing.intersection(saved)):
            contents[file].damage[None] = "snapshot-restore"
        self._become(Names(contents, self.device.names.folders))
        return sum(len(saved.get(file, before.get(file, b""))) for file in differing)

    def wipe(self) -> tuple[int, int]:
        """Lose everything; returns bytes and files."""
        contents = self.device.names.present.values()
        lost = sum(len(content.data) for content in contents), len(contents)
        self._become(Names())
        return lost

    def _become(self, names: Names) -> None:
        assert self._files is None, "only the dead's disk is exchanged"
        self.device.names = names
        self.device.count_room()

    def _last_written(self) -> tuple[str, Content | None]:
        """The file that was last synced, or else the last by its name; None where nothing is stored."""
        stored = {file: content for file, content in sorted(self.device.names.present.items()) if content.durable_bytes}
        latest = [file for file, content in stored.items() if content is self.device.latest]
        for file in [*latest, *reversed(stored)]:
            return file, stored[file]
        return "", None

    def set_full(self, full: bool) -> None:
        """From now on what makes a file grow raises OSError (ENOSPC), at times when part of it has been written; or no
        longer."""
        self.device.full = full
        self.device.count_room()

    def set_eio(self, probability: float) -> None:
        """From now on a sync fails with OSError (EIO), with that probability; 0: no longer."""
        assert 0 <= probability <= 1, f"read a probability of {probability}"
        self.device.eio = probability

    def set_read_only(self, read_only: bool) -> None:
        """From now on what changes the disk raises OSError (EROFS), syncs too; or no longer."""
        self.device.read_only = read_only
        self.device.count_room()

    def set_stalled(self, stalled: bool) -> None:
        """From now on no sync ends until the stall does."""
        self.device.stalled = True
        if not stalled:
            self.device.go_on()

    def set_sync_delay(self, delay_ms: float) -> None:
        """From now on syncs take that much longer; 0: as long as ever."""
        self.device.slow_ms = round(delay_ms)

    def set_slow(self, factor: float) -> None:
        """From now on syncs take ``factor`` times as long; 1: as long as ever."""
        assert factor > 0, f"read a factor of {factor}"
        self.device.slow = factor
