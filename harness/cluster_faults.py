"""What a cluster may be able to break: a protocol per family of capabilities, the same words for every kind of cluster.

A cluster says in ``capabilities`` which of these words it obeys; each word is also the name of a fault, or what several
faults need. All verbs are idempotent, take nodes by name, and act on all of them at once. What is said here of messages
holds for packets where a cluster can touch nothing else (and what its transport then hides is not met).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final, Protocol

SHARE_MIN: Final = 0.01
Link = tuple[str, str]
"""A directed link: (sender, receiver), nodes both; "clients" in the place of either stands for all client endpoints."""

CLIENTS = "clients"
PAUSE: Final = "pause"


OUT_OF_REACH: Final[Mapping[str, str]] = {
    **dict.fromkeys(("duplicate", "reorder"), "of packets TCP undoes it, and messages of its own we cannot tell apart"),
    "slow-node": "it is done to what our own programs receive; cpu, delay and pause slow down any",
    "clock": "it is done to the clock that our own programs read",
    "fds": "it is done to one process, not to many",
    "membership": "it is asked of the system in words that only ours know",
    "upgrade": "there is one build of it",
}
"""What nobody can do to a program that we did not write (``harness.system.External``), and why."""


def checked_share(share: float) -> float:
    """A share of one processor. Raises ValueError if it is none."""
    if not SHARE_MIN <= share <= 1:
        raise ValueError(f"read the share {share}; expected {SHARE_MIN} to 1 of one processor")
    return share


class LinkFaults(Protocol):
    """The capabilities "delay", "loss", "duplicate", "reorder", "corrupt", "bandwidth" and "slow-node"."""

    async def degrade(self, kind: str, links: Sequence[Link], amount: Mapping[str, float]) -> None:
        """Make the links worse, in the way and by the amount of ``kind``; replaces what ``kind`` did before.

        ``delay`` {delay_ms, jitter_ms}: every message takes that much longer, or less or more by up to the jitter, and
        keeps its place in the link's order. ``slow-link`` and ``distance`` (of regions):
        the same, in force beside a delay. ``loss`` and
        ``duplicate`` {probability}. ``reorder`` {probability, delay_ms}: a message is held back by up to delay_ms, and
        others overtake it. ``corrupt`` {probability}: bytes of it are changed on the way, which the receiver's
        checksum finds, so that it is thrown away there. ``bandwidth`` {rate_kbit_s}: no more than that passes in a
        second, and what is sent faster waits in line. ``Observation.met`` counts each under its kind.
        """

    async def degrade_each(self, kind: str, amounts: Mapping[Link, Mapping[str, float]]) -> None:
        """The same with an amount for each link; only for several faults of one kind that overlap."""

    async def restore(self, kind: str) -> None:
        """End what ``kind`` did to any link."""

    async def slow(self, nodes: Sequence[str], factor: float, delay_ms: float) -> None:
        """Slow nodes: each message waits ``delay_ms`` before the node takes it up; service times and disk syncs take
        ``factor`` times as long, as far as the cluster can make them (``Observation.met`` counts "slow-node"). Other
        nodes stay as they are."""

    async def unslow(self) -> None: ...


class MachineFaults(Protocol):
    """The capabilities "stop", "power-off" and "upgrade"."""

    async def stop(self, nodes: Sequence[str]) -> None:
        """SIGTERM to the node programs, SIGKILL to those that are still there after a while; returns when they are
        gone. ``Cluster.start`` starts them again."""

    async def power_off(self, nodes: Sequence[str]) -> None:
        """Whole machines are off: every process is gone at once, nobody answers or refuses, and what was not synced is
        lost. ``Cluster.start`` turns them on again, and starts the programs."""

    async def install(self, nodes: Sequence[str], build: str) -> None:
        """From its next start on a node runs the program of that build, "old" or "new". All begin with "old"; what
        runs in each is in its status, under "build"."""


class PowerFaults(Protocol):
    """The capability "power-loss"."""

    async def power_loss(
        self, nodes: Sequence[str], *, torn: bool, reordered: bool, keep: str = "some"
    ) -> Mapping[str, Mapping[str, int]]:
        """Cut the nodes' power, all together: the programs are gone in mid-step, their network is silent (nothing is
        refused), and of what was not synced the disks keep a prefix by a draw (``keep="some"``) or nothing
        (``keep="none"``). ``torn``: the last write that is kept may be kept in part;
        the power goes in mid-write if there is one soon. ``reordered``: later writes may be
        kept where earlier ones are not. Returns per node what was lost: {"bytes", "writes", "names"}, and how many
        writes were kept in part: {"torn"}. ``start`` turns the power on again."""


class DiskFaults(Protocol):
    """The capabilities "disk-full", "read-only", "eio", "disk-stall" and "slow-fsync"; and, for what is done to a dead
    node's files, "bit-flip" (which stands for all of ``disk_flip``, ``disk_truncate``, ``disk_copy_chunk``) and
    "snapshot" (``disk_save``, ``disk_load``, ``disk_wipe``)."""

    async def disk_full(self, nodes: Sequence[str]) -> None:
        """From now on what makes a file grow raises OSError(ENOSPC)."""

    async def disk_read_only(self, nodes: Sequence[str]) -> None:
        """From now on everything that changes the disk raises OSError(EROFS), as after an error in the file system."""

    async def disk_eio(self, nodes: Sequence[str], probability: float) -> float:
        """From now on a sync fails with OSError(EIO), with that probability; what it was to make durable is lost. Where
        a disk can only fail wholly, the probability is 1, and so do other calls. Returns the probability in force."""

    async def disk_stall(self, nodes: Sequence[str]) -> None:
        """From now on syncs hang until ``disk_heal``; where a file system can only be frozen as a whole, so do all
        calls that change it."""

    async def disk_slow(self, nodes: Sequence[str], delay_ms: float) -> None:
        """From now on a sync takes that much longer, about."""

    async def disk_flip(self, nodes: Sequence[str], bits: int, files: str = "") -> Mapping[str, Mapping[str, Any]]:
        """Flip bits of what is stored, synced data too, in files whose name begins with ``files``. Returns per node
        {"flips": [[file, offset, bit], ...]}; empty where there was nothing to flip. Not undone by ``disk_heal``. The
        nodes must be down, as for the next two."""

    async def disk_truncate(self, nodes: Sequence[str], size_bytes: int) -> Mapping[str, Mapping[str, Any]]:
        """Cut up to that many bytes off the end of the file last written. Returns per node {"cut": [[file, bytes]]}."""

    async def disk_copy_chunk(self, nodes: Sequence[str], size_bytes: int) -> Mapping[str, Mapping[str, Any]]:
        """Write a chunk of a file over another place of it, as a misdirected write does. Returns per node {"copied":
        [[file, from, to, bytes]]}."""

    async def disk_save(self, nodes: Sequence[str]) -> None:
        """Keep a copy of all that is durable on the disks, from before, for ``disk_load``. Nodes may be running."""

    async def disk_load(self, nodes: Sequence[str]) -> Mapping[str, Mapping[str, int]]:
        """Put back what ``disk_save`` kept. The nodes must be down. Returns per node
        {"bytes": of files that differ}."""

    async def disk_wipe(self, nodes: Sequence[str]) -> Mapping[str, Mapping[str, int]]:
        """Nothing of what the program stored is there any more; only the count of its incarnations goes on, by which
        the harness tells them apart. The nodes must be down. Returns per node {"bytes", "files"} lost."""

    async def disk_heal(self, nodes: Sequence[str]) -> None:
        """End full, read-only, failing, stalled and slow disks. Nodes that stopped because of them, or whose disk
        cannot be healed under a running program, are down until they are started."""


class ClockFaults(Protocol):
    """The capability "clock". Only wall clocks bend (and ``Clock.interval``); never monotonic ones."""

    async def clock_bend(self, nodes: Sequence[str], kind: str, amount: Mapping[str, float]) -> None:
        """``jump`` {offset_ms}: once, in either direction. ``strobe`` {offset_ms, period_ms}: to and fro until
        unbent. ``rate`` {factor}: from now on the clock runs that much faster (1.01) or slower (0.99)."""

    async def clock_unbend(self, nodes: Sequence[str]) -> None:
        """Wall clocks are true again, at once."""

    async def clock_offsets(self, nodes: Sequence[str]) -> Mapping[str, float]:
        """By how many ms each node's wall clock is ahead of the true time, measured: what the node's own program reads
        against the harness's clock. Nodes that do not answer are left out."""


class DriftFaults(Protocol):
    """The capability "drift". Only what simulates the machine has it: wall clocks alone can be bent from outside, while
    timers of a real program are its kernel's, which has one oscillator for all nodes of a machine."""

    async def drift(self, nodes: Sequence[str], factor: float) -> None:
        """The oscillator runs at ``factor`` (above 0) times the true rate from now on, and with it all that the node
        measures or waits for: both clocks, which do not jump, sleeps, timeouts, work. Replaces a drift before it."""

    async def undrift(self, nodes: Sequence[str]) -> None:
        """It runs true again. Monotonic clocks go on from where they are; wall clocks are set right, at once."""


class ResourceFaults(Protocol):
    """The capabilities "memory", "cpu" and "fds". ``Observation.met`` counts what was felt of each: programs killed for
    want of memory, times in which a program waited for its share of the processor, calls refused for want of a
    descriptor."""

    async def limit_memory(self, nodes: Sequence[str], limit_bytes: int) -> None:
        """From now on the node may use that much more memory than it does, and whoever takes more is killed."""

    async def limit_cpu(self, nodes: Sequence[str], share: float) -> None:
        """From now on the node has that share of one processor."""

    async def limit_fds(self, nodes: Sequence[str], spare: int) -> None:
        """From now on the program can open that many more file descriptors than it has open."""

    async def unlimit(self, nodes: Sequence[str]) -> None:
        """End all three. What was killed stays down until it is started."""
