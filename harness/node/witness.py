"""What a database that is not ours meets of its disk and its network, as far as it can be seen from beside it.

Our own programs count what they meet (``disk.ENOSPC``, ``disk.slow``, ``net.refused``, ...), and a fault is proven by
that. For others the keeper counts: an error of the disk is in what they print, in the words of the C library (or of
Go's, which differ in the first letter only); a wait for the disk is a thread that has slept, uninterruptibly, from one
look to the next; refused and broken connections are the kernel's own figures for this network namespace.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Final

from harness.node.family import Family

LOOK_EVERY_S: Final = 0.1
READ_BYTES_MAX: Final = 1 << 20

ERRORS: Final[Mapping[bytes, str]] = {
    b"no space left on device": "disk.ENOSPC",
    b"short write": "disk.ENOSPC",  # some of it had room; Redis says this, and ends
    b"read-only file system": "disk.EROFS",
    b"input/output error": "disk.EIO",
}
WAITED: Final = "disk.slow"
NETWORK: Final = {
    "Tcp AttemptFails": "net.refused",
    "Tcp EstabResets": "net.closed",
    "TcpExt TCPTimeouts": "net.timeout",
}
"""The kernel's name (proc_net_snmp), and the name of what it is to whoever speaks."""

_OPEN: Final = ("01", "08")  # established; given up by the other side

Count = Callable[[str, int], None]
Sleep = tuple[int, str]
"""A thread, and how often it had gone to sleep of its own accord: while that stays, it is the same sleep."""


class Witness:
    """Looks at all that is below the ``family``, and at the ``*.log`` in the folder ``logs``."""

    def __init__(self, family: Family, logs: str, count: Count) -> None:
        self._family, self._logs, self._count = family, logs, count
        self._read = {path: path.stat().st_size for path in Path(logs).glob("*.log")}
        self._asleep: set[Sleep] = set()
        self._told: set[Sleep] = set()
        self._network = network()

    async def look_on(self) -> None:
        while True:
            await asyncio.sleep(LOOK_EVERY_S)
            with contextlib.suppress(OSError):  # a log that was removed, no descriptor left: next time
                self.look()

    def look(self) -> None:
        for path in Path(self._logs).glob("*.log"):
            if path.name not in ("node.log", "output.log"):
                self._look_at(path)
        asleep = set(self._sleeping())
        for _ in (asleep & self._asleep) - self._told:
            self._count(WAITED, 1)
        self._told = asleep & self._asleep
        self._asleep = asleep
        for name, figure in network().items():
            self._count(name, max(0, figure - self._network[name]))
            self._network[name] = figure

    def _look_at(self, path: Path) -> None:
        """What has been added since; of a burst the end."""
        size, begin = path.stat().st_size, self._read.get(path, 0)
        self._read[path] = size
        if size > begin:
            with open(path, "rb") as log:
                log.seek(max(begin, size - READ_BYTES_MAX))
                text = log.read(READ_BYTES_MAX).lower()
            for words, counter in ERRORS.items():
                self._count(counter, text.count(words))

    def _sleeping(self) -> Iterator[Sleep]:
        for member in self._family.look().values():
            if "D" in member.states:
                with contextlib.suppress(OSError):
                    yield from _disk_sleeps(member.pid)


def network() -> dict[str, int]:
    """What connections of this network namespace have met since it was made."""
    found = dict.fromkeys(NETWORK.values(), 0)
    for file in ("/proc/net/snmp", "/proc/net/netstat"):
        with open(file, encoding="ascii") as table:
            lines = [line.split() for line in table]
        for names, figures in zip(lines[::2], lines[1::2], strict=True):
            for name, figure in zip(names[1:], figures[1:], strict=True):
                if (counter := NETWORK.get(f"{names[0].removesuffix(':')} {name}")) is not None:
                    found[counter] = int(figure)
    return found


def _disk_sleeps(pid: int) -> Iterator[Sleep]:
    for task in os.listdir(f"/proc/{pid}/task"):
        with open(f"/proc/{pid}/task/{task}/status", encoding="utf-8", errors="replace") as file:
            fields = dict(line.split(":", 1) for line in file if ":" in line)
        if fields["State"].strip().startswith("D"):
            yield int(task), fields["voluntary_ctxt_switches"].strip()


def unread(ports_apart: frozenset[int]) -> int:
    """How many connections have brought something that nobody has read yet: those of the IPv4 and IPv6 of this network
    namespace that do not stay on this machine, and do not end at one of ``ports_apart`` here."""
    count = 0
    for file in ("/proc/net/tcp", "/proc/net/tcp6"):
        with contextlib.suppress(FileNotFoundError), open(file, encoding="ascii") as table:
            for line in list(table)[1:]:
                _, local, remote, state, queues, *_ = line.split()
                port = int(local.rpartition(":")[2], 16)
                is_away = local.rpartition(":")[0] != remote.rpartition(":")[0]
                count += (
                    state in _OPEN and is_away and port not in ports_apart and int(queues.partition(":")[2], 16) > 0
                )
    return count
