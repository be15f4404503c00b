"""Links between nodes that delay, lose, repeat, reorder, spoil or squeeze what they carry; and slow nodes.

Packets are degraded by an engine on the node that receives them (``harness.agent.network``); what clients hear, on its
way out of the node. Of a connection's packets TCP hides the second copies and the changed order from programs, so
"duplicate" and "reorder" act on whole messages in the receiving node's host (``harness.node.message_faults``), as slow
nodes do; the packet level of these is "duplicate-packets" and "reorder-packets".
"""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import Any, Final

from harness.cluster import ClusterError, ShellError
from harness.cluster_faults import CLIENTS, Link
from harness.clusters.remote.node import RemoteNode
from harness.clusters.remote.nodes import Nodes

CAPABILITIES: Final = frozenset({"delay", "loss", "duplicate", "reorder", "corrupt", "bandwidth", "slow-node"})
MESSAGE_KINDS: Final = ("duplicate", "reorder", "loss-messages")
"""What is done to messages by the node that receives them; all else is done to packets."""

SLOW_NODE: Final = "slow-node"
COUNTS: Final = "/run/splitbrain/links.json"  # as harness.agent.network.engine writes it
_TELL_TIMEOUT_MS: Final = 2000.0
_COUNTS_TIMEOUT_S: Final = 1.0

Amount = Mapping[str, float]
Act = Callable[[RemoteNode], Awaitable[None]]


class RemoteLinks:
    """See :class:`harness.clusters.remote.nodes.Part` and :class:`harness.cluster_faults.LinkFaults`."""

    def __init__(self, nodes: Nodes) -> None:
        self._nodes = nodes
        self._in_force: dict[str, Mapping[Link, Amount]] = {}
        self._slow: dict[str, Amount] = {}
        self._untold: dict[tuple[str, Act], None] = {}
        self._ordered: set[str] = set()
        self._turns = {name: asyncio.Lock() for name in nodes.names}
        self._counted: dict[str, dict[str, Counter[str]]] = {name: {} for name in nodes.names}

    @property
    def capabilities(self) -> frozenset[str]:
        return CAPABILITIES

    async def degrade(self, kind: str, links: Sequence[Link], amount: Amount) -> None:
        await self.degrade_each(kind, dict.fromkeys(links, amount))

    async def degrade_each(self, kind: str, amounts: Mapping[Link, Amount]) -> None:
        for name in {end for link in amounts for end in link if end != CLIENTS}:
            assert self._nodes[name], "raises for a name that is no node's"
        former = self._in_force.pop(kind, {})
        if amounts:
            self._in_force[kind] = dict(amounts)
        touched = {_place(link) for link in (*former, *amounts)}
        await self._each(touched, self._tell_host if kind in MESSAGE_KINDS else self._order_engine)

    async def restore(self, kind: str) -> None:
        await self.degrade_each(kind, {})

    async def slow(self, nodes: Sequence[str], factor: float, delay_ms: float) -> None:
        self._slow |= {name: {"factor": factor, "delay_ms": delay_ms} for name in nodes}
        await self._each(nodes, self._tell_host)

    async def unslow(self) -> None:
        slowed = tuple(self._slow)
        self._slow.clear()
        await self._each(slowed, self._tell_host)

    async def booted(self, names: Sequence[str]) -> None:
        """A machine forgets its engine, but perhaps not the engine's rules."""
        changed = (name for name in names if name in self._ordered or self._packets(name))
        await self._each(changed, self._order_engine)

    async def starting(self, names: Sequence[str]) -> None:
        """Engines run whether programs do or not."""

    async def started(self, names: Sequence[str]) -> None:
        await self._each((name for name in names if self._messages(name)), self._tell_host)

    async def met(self) -> Mapping[str, Mapping[str, int]]:
        await asyncio.gather(*(self._tell_untold(*entry) for entry in tuple(self._untold)))
        await asyncio.gather(*(self._read_counts(name) for name in self._nodes.names))
        return {name: dict(sum(sources.values(), Counter())) for name, sources in self._counted.items()}

    async def _each(self, names: Iterable[str], act: Act) -> None:
        """Bring nodes up to date, and those that could not be when it was their turn. One that is down or stopped is
        brought up to date when it is there again."""
        late = {name for name, untold in self._untold if untold == act}
        await self._nodes.each(sorted({*names, *late}), partial(self._in_turn, act))

    async def _in_turn(self, act: Act, node: RemoteNode, *, if_untold: bool = False) -> None:
        """A node gets one order at a time, each with all that is in force then."""
        async with self._turns[node.name]:
            if if_untold and (node.name, act) not in self._untold:
                return
            self._untold[node.name, act] = None  # until it is done, whatever interrupts it
            try:
                await act(node)
                del self._untold[node.name, act]
            except (ShellError, ClusterError):
                if node.name not in self._nodes.silent:
                    raise

    async def _tell_untold(self, name: str, act: Act) -> None:
        if name not in self._nodes.silent:
            with contextlib.suppress(ShellError, ClusterError):  # next time, then
                await self._in_turn(act, self._nodes[name], if_untold=True)

    async def _order_engine(self, node: RemoteNode) -> None:
        """Tell the node's engine all that is in force there; it starts with the first and ends with the last."""
        place, kinds = self._nodes.places[node.name], self._packets(node.name)
        order = {"interface": place.interface, "ssh_port": place.ssh.port, "kinds": kinds}
        self._ordered.add(node.name)
        answer = await self._nodes.agent(node.name).run("links", "set", json.dumps(order))
        if not kinds:
            self._ordered.discard(node.name)
        if answer["engine"] is not None:
            self._count(node.name, f"engine {answer['engine']}", answer["counts"])

    async def _tell_host(self, node: RemoteNode) -> None:
        """Tell the node's program's host; a program that has ended took the faults of its messages with it. Raises
        ClusterError if it does not listen."""
        if node.name in self._nodes.silent:
            raise ClusterError(f"node {node.name}: its program does not run now")
        answer = await node.ask({"type": "messages", "faults": self._messages(node.name)}, _TELL_TIMEOUT_MS)
        if answer is not None:
            self._count(node.name, f"incarnation {answer['incarnation']}", answer["met"])
        elif await node.state() != "gone":
            raise ClusterError(f"node {node.name}: its program did not take the faults of its messages")

    async def _read_counts(self, name: str) -> None:
        """What is counted where something is in force now. A node that does not answer keeps its last figures."""
        with contextlib.suppress(ShellError):
            if self._packets(name):
                command = ("cat", COUNTS)
                found = await self._nodes[name].shell.run(*command, check=False, timeout_s=_COUNTS_TIMEOUT_S)
                if found.stdout:
                    data = json.loads(found.stdout)
                    self._count(name, f"engine {data['engine']}", data["counts"])
        if self._messages(name) and name not in self._nodes.silent:
            answer = await self._nodes[name].ask({"type": "messages"}, _COUNTS_TIMEOUT_S * 1000)
            if answer is not None:
                self._count(name, f"incarnation {answer['incarnation']}", answer["met"])

    def _count(self, name: str, source: str, counts: Mapping[str, int]) -> None:
        """Counters of one engine or incarnation never fall; an answer that comes late must not make them."""
        self._counted[name][source] = self._counted[name].get(source, Counter()) | Counter(counts)

    def _packets(self, name: str) -> dict[str, Any]:
        """What an engine reads (``harness.agent.network.engine.Order``), by kind."""
        found = {}
        for kind in self._in_force.keys() - set(MESSAGE_KINDS):
            entries = [
                {"amount": amount, "heard": self._ranges(heard), "told": self._ranges(told)}
                for amount, heard, told in self._entries(kind, name)
            ]
            if entries:
                found[kind] = entries
        return found

    def _ranges(self, names: Iterable[str]) -> list[list[str]]:
        return [[found, found] if "-" not in found else found.split("-") for found in self._nodes.addresses(names)]

    def _messages(self, name: str) -> dict[str, Any]:
        """What a host reads (``harness.node.message_faults.MessageFaults.set``), by kind."""
        found: dict[str, Any] = {}
        for kind in MESSAGE_KINDS:
            entries = [
                {"amount": amount, "heard": heard, "told": told} for amount, heard, told in self._entries(kind, name)
            ]
            if entries:
                found[kind] = entries
        if name in self._slow:
            found[SLOW_NODE] = dict(self._slow[name])
        return found

    def _entries(self, kind: str, name: str) -> list[tuple[dict[str, float], list[str], list[str]]]:
        """By what amounts a kind is in force at a node: on what it hears from whom, and tells to whom."""
        found: list[tuple[dict[str, float], list[str], list[str]]] = []
        for (sender, receiver), amount in self._in_force.get(kind, {}).items():
            if _place((sender, receiver)) == name:
                entry = next((entry for entry in found if entry[0] == amount), None)
                if entry is None:
                    found.append(entry := (dict(amount), [], []))
                (entry[1] if receiver == name else entry[2]).append(sender if receiver == name else receiver)
        return found


def _place(link: Link) -> str:
    """Where a link is degraded: at its receiver, or where it leaves for a client."""
    sender, receiver = link
    return sender if receiver == CLIENTS else receiver
