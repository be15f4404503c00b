"""Disks that forget, fill up, fail, stall, or hold something else than was written.

All of it is done to the file system of a node's data by our program there (``harness.agent.disk``), and all of it is
met, or not, by the node's own program: what its disk refused it, what it had to wait for, and which damaged file it
read, is counted.
"""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any, Final

from harness.cluster import ClusterError, ShellError
from harness.clusters.remote.node import DATA_FOLDER, EVENTS, PID_FILE, RemoteNode
from harness.clusters.remote.nodes import Nodes
from harness.clusters.remote.site import DiskPlace

CAPABILITIES: Final = frozenset(
    {"power-loss", "disk-full", "read-only", "eio", "disk-stall", "slow-fsync", "bit-flip", "snapshot"}
)
PROGRAM_DATA: Final = f"{DATA_FOLDER}/disk"

MID_WRITE_MS_MAX: Final = 1000
STALL_S_MAX: Final = 600  # nobody forgets a frozen disk for longer
SLOW_GAP_MS: Final = 0.5  # in which a node gets through with a write and its sync, or two
ANSWER_MS_MAX: Final = 1000.0

REFUSALS: Final[Mapping[str, str]] = {"disk.ENOSPC": "disk-full", "disk.EROFS": "read-only", "disk.EIO": "eio"}
"""What a node counts, and the fault whose doing it is."""
WAITS: Final = "disk.slow"

_SILENCE: Final = """\
add table inet splitbrain_power
delete table inet splitbrain_power
table inet splitbrain_power {{
    chain arriving {{ type filter hook prerouting priority -310; policy accept; {arriving} drop; }}
    chain leaving {{ type filter hook output priority -310; policy accept; {leaving} drop; }}
}}
"""
_END_SILENCE: Final = "add table inet splitbrain_power\ndelete table inet splitbrain_power\n"
# A machine without power has no connections to say good-bye to. Where the kernel cannot end them, they end later. Those
# of its sshd, and its listener, are spared: on a machine with one interface they have the same address.
_FORGET: Final = 'exec ss -H --kill --tcp state connected "( src $1 and sport != :22 )" > /dev/null 2>&1 || true'
_FAILURES: Final = 'tail -c 4000000 "$1" | grep -F -e \'"name":"disk-failure"\' -e \'"name":"exit"\' | tail -n 100'


class RemoteDisks:
    """See :class:`harness.clusters.remote.nodes.Part`, and ``PowerFaults`` and ``DiskFaults``."""

    def __init__(self, nodes: Nodes) -> None:
        self._nodes = nodes
        self._done: Counter[str] = Counter()  # how often something was drawn for a node
        self._unpowered: set[str] = set()
        self._cut_off: set[str] = set()  # file systems that are not mounted again yet, since something went wrong
        self._watched: set[str] = set()  # nodes whose disks were touched at all
        self._in_force: dict[str, str] = {}  # node -> the fault that makes its calls wait
        self._waited_before: dict[str, int] = {}
        self._damaged: dict[str, tuple[str, set[str]]] = {}  # node -> what was done, to files that nobody has read yet
        self._counts: dict[str, dict[int, Counter[str]]] = {}  # node -> incarnation -> what it counted
        self._met: dict[str, Counter[str]] = {}

    @property
    def capabilities(self) -> frozenset[str]:
        return CAPABILITIES if any(map(self._place, self._nodes.names)) else frozenset()

    async def booted(self, names: Sequence[str]) -> None:
        """A machine that was off has no rules, and has mounted its disk anew; that it was without power is over."""
        self._unpowered.difference_update(names)
        self._cut_off.difference_update(names)

    async def starting(self, names: Sequence[str]) -> None:
        broken = [name for name in names if name in self._cut_off]
        await self._each(broken, lambda name, place: self._agent(name, "repair", place.folder, place.device))
        self._cut_off.difference_update(broken)
        dark = [name for name in names if name in self._unpowered]
        await self._nodes.each(dark, _end_silence)
        self._unpowered.difference_update(dark)

    async def started(self, names: Sequence[str]) -> None:
        """Nothing to tell."""

    # Power

    async def power_loss(
        self, nodes: Sequence[str], *, torn: bool, reordered: bool, keep: str = "some"
    ) -> Mapping[str, Mapping[str, int]]:
        """The programs are stopped where they are, then nothing of them is heard any more; only then do they die."""
        self._nodes.silent.update(nodes)
        self._unpowered.update(nodes)
        wait_ms = MID_WRITE_MS_MAX if torn else 0
        await self._nodes.each(nodes, partial(self._stop, wait_ms=wait_ms))
        await self._nodes.each(nodes, self._silence)
        way = (keep, "torn" if torn else "", "reordered" if reordered else "")
        lost = await self._nodes.each(nodes, partial(self._lose_power, way=way))
        return dict(zip(nodes, lost, strict=True))

    async def _stop(self, node: RemoteNode, wait_ms: int) -> None:
        if self._place(node.name) is None or self._nodes.spec.keepers:
            await node.pause()
        else:
            seed = self._seed(node.name, "moment")
            await self._agent(node.name, "stop", DATA_FOLDER, PID_FILE, str(wait_ms), seed)

    async def _silence(self, node: RemoteNode) -> None:
        place = self._nodes.places[node.name]
        if place.interface is not None:
            arriving, leaving = f'iifname "{place.interface}"', f'oifname "{place.interface}"'
        else:
            others = [name for name in self._nodes.names if name != node.name]
            addresses = f"{{ {', '.join(self._nodes.addresses([*others, 'clients']))} }}"
            arriving, leaving = f"ip saddr {addresses}", f"ip daddr {addresses}"
        rules = _SILENCE.format(arriving=arriving, leaving=leaving)
        await node.shell.run("nft", "-f", "-", input_text=rules)

    async def _lose_power(self, node: RemoteNode, way: tuple[str, str, str]) -> Mapping[str, int]:
        place = self._place(node.name)
        if place is None:
            await node.kill()
            gone = await self._nodes.agent(node.name).run("disk", "wipe", PROGRAM_DATA)
            return {"bytes": gone["bytes"], "writes": gone["files"], "names": gone["files"], "torn": 0}
        self._cut_off.add(node.name)
        await self._agent(node.name, "cut", place.folder, place.scratch)
        await node.kill()
        await node.shell.run("sh", "-c", _FORGET, "splitbrain", self._nodes.places[node.name].data)
        seed = self._seed(node.name, "power-loss")
        lost = await self._agent(node.name, "restore", place.folder, place.device, place.scratch, *way, seed)
        self._cut_off.discard(node.name)
        return lost

    # Disks that fail

    async def disk_full(self, nodes: Sequence[str]) -> None:
        await self._each(nodes, lambda name, place: self._agent(name, "fill", place.folder))

    async def disk_read_only(self, nodes: Sequence[str]) -> None:
        await self._each(nodes, self._make_read_only)

    async def _make_read_only(self, name: str, place: DiskPlace) -> None:
        """The program is to stand still meanwhile, and all that it keeps."""
        if self._nodes.spec.keepers:
            await self._nodes[name].pause()
        await self._agent(name, "read_only", place.folder, PID_FILE)
        if self._nodes.spec.keepers:
            await self._nodes[name].resume()

    async def disk_eio(self, nodes: Sequence[str], probability: float) -> float:
        """Such a disk fails wholly, whatever the probability."""
        await self._each(nodes, lambda name, place: self._agent(name, "fail", place.folder))
        return 1.0

    async def disk_stall(self, nodes: Sequence[str]) -> None:
        await self._begin_waiting(nodes, "disk-stall")
        await self._each(
            nodes, lambda name, place: self._agent(name, "freeze", place.folder, place.scratch, str(STALL_S_MAX), "0")
        )

    async def disk_slow(self, nodes: Sequence[str], delay_ms: float) -> None:
        """The disk is stalled for so long, again and again: a write that comes in between, and its sync, take as much
        longer as is left of that."""
        await self._begin_waiting(nodes, "slow-fsync")
        cycle = (str(delay_ms), str(SLOW_GAP_MS), str(STALL_S_MAX), "0")
        await self._each(nodes, lambda name, place: self._agent(name, "slow", place.folder, place.scratch, *cycle))

    async def disk_heal(self, nodes: Sequence[str]) -> None:
        await self._each(nodes, self._heal)

    async def _heal(self, name: str, place: DiskPlace) -> Mapping[str, Any]:
        eased = await self._agent(name, "ease", place.folder, place.scratch)
        if name in self._in_force:
            await self._count(name)
            self._end_waiting(name)
        if eased["failure"]:
            await self._count(name)
            self._nodes.silent.add(name)
            await self._nodes[name].kill()
            await self._agent(name, "repair", place.folder, place.device)
        return eased

    # What is stored changes

    async def disk_flip(self, nodes: Sequence[str], bits: int, files: str = "") -> Mapping[str, Mapping[str, Any]]:
        return await self._damage(nodes, "bit-flip", "flip", "flips", str(bits), files)

    async def disk_truncate(self, nodes: Sequence[str], size_bytes: int) -> Mapping[str, Mapping[str, Any]]:
        return await self._damage(nodes, "truncate", "truncate", "cut", str(size_bytes))

    async def disk_copy_chunk(self, nodes: Sequence[str], size_bytes: int) -> Mapping[str, Mapping[str, Any]]:
        return await self._damage(nodes, "chunk-copy", "copy_chunk", "copied", str(size_bytes))

    async def _damage(
        self, nodes: Sequence[str], fault: str, verb: str, answer: str, *arguments: str
    ) -> Mapping[str, Mapping[str, Any]]:
        async def damage(name: str, place: DiskPlace) -> Mapping[str, Any]:
            done = await self._agent(name, verb, PROGRAM_DATA, *arguments, self._seed(name, fault))
            self._damaged[name] = fault, {change[0] for change in done[answer]}
            return done

        return await self._each(nodes, damage, without={answer: []})

    async def disk_save(self, nodes: Sequence[str]) -> None:
        await self._each(
            nodes, lambda name, place: self._agent(name, "save", place.folder, PROGRAM_DATA, place.scratch)
        )

    async def disk_load(self, nodes: Sequence[str]) -> Mapping[str, Mapping[str, int]]:
        async def load(name: str, place: DiskPlace) -> Mapping[str, int]:
            done = await self._agent(name, "load", PROGRAM_DATA, place.scratch)
            self._damaged[name] = "snapshot-restore", set(done["files"])
            return {"bytes": done["bytes"]}

        return await self._each(nodes, load, without={"bytes": 0})

    async def disk_wipe(self, nodes: Sequence[str]) -> Mapping[str, Mapping[str, int]]:
        lost = await self._nodes.each(nodes, lambda node: self._agent(node.name, "wipe", PROGRAM_DATA))
        return dict(zip(nodes, lost, strict=True))

    # What was met

    async def met(self) -> Mapping[str, Mapping[str, int]]:
        await asyncio.gather(*(self._count(name) for name in sorted(self._watched)))
        return {name: dict(self._met_by(name)) for name in self._watched}

    def _met_by(self, name: str) -> Counter[str]:
        met = Counter(self._met.get(name, {}))
        for counter, fault in REFUSALS.items():
            met[fault] += self._total(name, counter)
        if name in self._in_force:
            met[self._in_force[name]] += self._total(name, WAITS) - self._waited_before[name]
        return met

    def _total(self, name: str, counter: str) -> int:
        return sum(counts[counter] for counts in self._counts.get(name, {}).values())

    async def _count(self, name: str) -> None:
        """Ask the node, living or dead, what it counted; one that does not answer is asked the next time."""
        try:
            await asyncio.gather(self._count_living(name), self._count_dead(name), self._count_read(name))
        except (ShellError, ClusterError):
            return

    async def _count_living(self, name: str) -> None:
        status = None if name in self._nodes.silent else await self._nodes[name].status(ANSWER_MS_MAX)
        if status is not None:
            self._note(name, status["incarnation"], status["counters"])

    async def _count_dead(self, name: str) -> None:
        """What a node that was stopped by its disk said in the end."""
        told = await self._nodes[name].shell.run("sh", "-c", _FAILURES, "splitbrain", EVENTS, check=False)
        for line in told.stdout.splitlines():
            event = json.loads(line)
            self._note(name, event["incarnation"], event["fields"].get("disk", {}))

    def _note(self, name: str, incarnation: int, counters: Mapping[str, int]) -> None:
        counts = self._counts.setdefault(name, {}).setdefault(incarnation, Counter())
        for counter in (*REFUSALS, WAITS):
            counts[counter] = max(counts[counter], counters.get(counter, 0))

    async def _count_read(self, name: str) -> None:
        """Damaged files that were read since, each counted once."""
        fault, files = self._damaged.get(name, ("", set()))
        if files:
            read = (await self._agent(name, "was_read", PROGRAM_DATA, *sorted(files)))["files"]
            self._met.setdefault(name, Counter())[fault] += len(files.intersection(read))
            files.difference_update(read)

    async def _begin_waiting(self, nodes: Sequence[str], fault: str) -> None:
        self._watched.update(nodes)
        for name in nodes:
            self._end_waiting(name)
        await asyncio.gather(*(self._count(name) for name in nodes))
        for name in nodes:
            self._in_force[name], self._waited_before[name] = fault, self._total(name, WAITS)

    def _end_waiting(self, name: str) -> None:
        if (fault := self._in_force.pop(name, None)) is not None:
            self._met.setdefault(name, Counter())[fault] += self._total(name, WAITS) - self._waited_before.pop(name)

    # Where it is done

    def _place(self, name: str) -> DiskPlace | None:
        return self._nodes.site.disk(self._nodes.index(name))

    async def _each(self, nodes: Sequence[str], act: Any, without: Any = None) -> Mapping[str, Any]:
        """Do it on all nodes at once. To those without a disk of their own nothing is done; ``without`` is theirs."""
        self._watched.update(nodes)

        async def one(node: RemoteNode) -> Any:
            place = self._place(node.name)
            return without if place is None else await act(node.name, place)

        return dict(zip(nodes, await self._nodes.each(nodes, one), strict=True))

    async def _agent(self, name: str, verb: str, *arguments: str) -> Mapping[str, Any]:
        place = self._place(name)
        agent = self._nodes.agent(name) if place is None or place.agent is None else place.agent
        return await agent.run("disk", verb, *arguments)

    def _seed(self, name: str, draw: str) -> str:
        self._done[f"{name}/{draw}"] += 1
        return f"{self._nodes.spec.seed}/{name}/{draw}/{self._done[f'{name}/{draw}']}"


async def _end_silence(node: RemoteNode) -> None:
    await node.shell.run("nft", "-f", "-", input_text=_END_SILENCE)
