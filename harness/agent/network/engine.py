"""The process that says what becomes of queued packets, and takes its orders over a socket that only root can open.

A packet is let on at once, or waits in a heap for its time. An order replaces all that is in force; with nothing left
in force the engine removes its rules and ends. It also ends when it has heard from nobody for long: then whoever
started it is gone.
"""

from __future__ import annotations

import contextlib
import heapq
import json
import os
import random
import select
import socket
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address
from typing import Any, Final

from harness.agent.network import ORDER_BYTES_MAX, packet, rules
from harness.agent.network.line import CORRUPT, DELAYING, DUPLICATE, KINDS, REORDER, Fate, Line
from harness.agent.network.netlink import LOCAL_IN, QUEUE_PACKETS_MAX, PacketQueue, Queued

COUNTS: Final = "/run/splitbrain/links.json"
"""What was counted so far, {"engine", "counts"}, at most COUNTS_EVERY_S old; outlives the engine."""

COUNTS_EVERY_S: Final = 0.05
LEASE_S: Final = 3600.0
BATCH_PACKETS: Final = 128
_ORDER_TIMEOUT_S: Final = 0.5


@dataclass(frozen=True, slots=True)
class Degraded:
    """One kind in force by one amount, on what the node hears and tells there."""

    amount: Mapping[str, float]
    heard: tuple[rules.Range, ...]
    told: tuple[rules.Range, ...]


@dataclass(frozen=True, slots=True)
class Order:
    """What is to be in force from now on, by kind."""

    kinds: Mapping[str, Sequence[Degraded]]
    interface: str | None
    ssh_port: int

    @staticmethod
    def from_json(data: Mapping[str, Any]) -> Order:
        """The order in ``{"interface", "ssh_port", "kinds": {kind: [{"amount", "heard", "told"}, ...]}}``; ranges are
        pairs of addresses. Raises ValueError for a kind that is none."""
        kinds = {
            kind: [Degraded(entry["amount"], _ranges(entry["heard"]), _ranges(entry["told"])) for entry in entries]
            for kind, entries in data["kinds"].items()
        }
        if strange := [kind for kind in kinds if kind not in KINDS]:
            raise ValueError(f"read the kind {strange[0][:40]!r}; expected one of {', '.join(KINDS)}")
        return Order(kinds, data["interface"], int(data["ssh_port"]))

    @property
    def rules(self) -> rules.Rules:
        entries = [entry for entries in self.kinds.values() for entry in entries]
        heard = dict.fromkeys(found for entry in entries for found in entry.heard)
        told = dict.fromkeys(found for entry in entries for found in entry.told)
        return rules.Rules(tuple(heard), tuple(told), self.interface, self.ssh_port)

    @property
    def content_bytes(self) -> int:
        """How much of each packet the engine must see."""
        return 0xFFFF if {CORRUPT, DUPLICATE} & set(self.kinds) else packet.HEADER_BYTES_MAX

    @property
    def only_takes_time(self) -> bool:
        """Whether it makes no difference how data is split into packets."""
        return self.kinds.keys() <= {*DELAYING, REORDER}

    def fails(self, is_heard: bool, address: bytes) -> dict[str, Mapping[str, float]]:
        """What is in force on the link from, or to, an address."""
        return {
            kind: entry.amount
            for kind, entries in self.kinds.items()
            for entry in entries
            if any(_within(address, found) for found in (entry.heard if is_heard else entry.told))
        }


def _ranges(data: Sequence[Sequence[str]]) -> tuple[rules.Range, ...]:
    return tuple((str(IPv4Address(first)), str(IPv4Address(last))) for first, last in data)


def _within(address: bytes, found: rules.Range) -> bool:
    return IPv4Address(found[0]) <= IPv4Address(address) <= IPv4Address(found[1])


class Engine:
    """One per network namespace. ``listener`` accepts orders, a JSON packet each, and answers with the counts."""

    def __init__(self, listener: socket.socket) -> None:
        self._listener = listener
        self._queue = PacketQueue(rules.QUEUE)
        self._inputs = (self._queue.fileno(), listener.fileno())
        self._order = Order({}, None, 22)
        self._lines: dict[tuple[bool, bytes], Line] = {}
        self._waiting: list[tuple[float, int, Queued, Line, Fate]] = []
        self._sequence = 0
        self._random = random.Random()
        self._copier: socket.socket | None = None
        self._met = Counter[str]()
        self._name = os.urandom(8).hex()
        self._tools: Sequence[str] = rules.TOOLS
        self._written, self._write_s = 0, 0.0
        self._lease_s = time.monotonic() + LEASE_S
        self._farewell: socket.socket | None = None
        self._over = False

    def run(self) -> None:
        """Until nothing is in force any more."""
        self._tell(at_once=True)  # counts of an engine before it would be taken for ours
        try:
            while not self._over:
                self._turn()
        finally:
            rules.remove(self._order.interface, self._tools)
            self._let_go()
            self._queue.close()
            self._tell(at_once=True)
            if self._farewell is not None:
                self._answer(self._farewell, self._figures())

    def _turn(self) -> None:
        readable, _, _ = select.select(self._inputs, [], [], self._pause_s())
        if self._inputs[0] in readable:
            self._take()
        self._release(time.monotonic())
        self._queue.flush()
        if self._inputs[1] in readable:
            self._attend()
        self._tell()
        self._over = self._over or time.monotonic() > self._lease_s

    def _pause_s(self) -> float:
        """Until the next packet is due, or the counts are to be written."""
        until_s = self._waiting[0][0] - time.monotonic() if self._waiting else 1.0
        return min(max(0.0, until_s), COUNTS_EVERY_S if self._met.total() != self._written else 1.0)

    def _take(self) -> None:
        for queued in self._queue.packets(BATCH_PACKETS):
            line = self._line(queued)
            now_s = time.monotonic()
            fate = line.fate(now_s, packet.size_bytes(queued.content))
            if fate.due_s is None:
                self._queue.drop(queued.number)
            elif fate.due_s <= now_s:
                self._pass(queued, fate)
            else:
                self._sequence += 1
                heapq.heappush(self._waiting, (fate.due_s, self._sequence, queued, line, fate))

    def _line(self, queued: Queued) -> Line:
        is_heard = queued.hook == LOCAL_IN
        address = (packet.source if is_heard else packet.destination)(queued.content)
        line = self._lines.get((is_heard, address))
        if line is None:
            line = Line(self._order.fails(is_heard, address), self._random, self._met)
            self._lines[is_heard, address] = line
        return line

    def _pass(self, queued: Queued, fate: Fate) -> None:
        content = packet.spoiled(queued.content, self._random) if fate.spoiled else None
        self._queue.accept(queued.number, content)
        if fate.twice and self._copier is not None:
            self._queue.flush()
            with contextlib.suppress(OSError):  # a copy that the kernel refuses is a packet that was lost
                self._copier.sendto(queued.content, (str(IPv4Address(packet.destination(queued.content))), 0))

    def _release(self, now_s: float) -> None:
        while self._waiting and self._waiting[0][0] <= now_s:
            _, _, queued, _, fate = heapq.heappop(self._waiting)
            self._pass(queued, fate)

    def _attend(self) -> None:
        """One order, or a question (an order that changes nothing). The last is answered when all is as it was."""
        connection, _ = self._listener.accept()
        connection.settimeout(_ORDER_TIMEOUT_S)
        self._lease_s = time.monotonic() + LEASE_S
        try:
            data = json.loads(connection.recv(ORDER_BYTES_MAX))
            if "kinds" in data:
                self._obey(Order.from_json(data))
            answer = self._figures()
        except (OSError, ValueError, KeyError, TypeError) as error:
            answer = {"error": f"{type(error).__name__}: {error}"[:500]}
        if self._over:
            self._farewell = connection
        else:
            self._answer(connection, answer)

    def _answer(self, connection: socket.socket, answer: Mapping[str, Any]) -> None:
        with connection, contextlib.suppress(OSError):  # whoever asked has gone
            connection.send(json.dumps(answer).encode())

    def _obey(self, order: Order) -> None:
        """Rules first: they may fail, and then what was in force goes on."""
        if not order.kinds:
            self._over = True
            return
        if order.rules != self._order.rules:
            self._tools = (rules.install(order.rules, self._tools),)
        self._queue.copy(order.content_bytes, unsplit=order.only_takes_time)
        if DUPLICATE in order.kinds and self._copier is None:
            self._copier = _copier()
        self._order = order
        self._refresh()

    def _refresh(self) -> None:
        """What waits on a link on which something else is in force now goes on at once, in the order it would have."""
        stale = {key for key, line in self._lines.items() if line.fails != self._order.fails(*key)}
        freed = {id(self._lines.pop(key)) for key in stale}
        self._waiting = [
            (0.0 if id(line) in freed else due_s, place, queued, line, fate)
            for place, (due_s, _, queued, line, fate) in enumerate(sorted(self._waiting, key=lambda entry: entry[:2]))
        ]
        self._sequence = len(self._waiting)
        heapq.heapify(self._waiting)

    def _let_go(self) -> None:
        """What waits goes on, in the order in which it was due; then what was queued before the rules' end."""
        self._release(float("inf"))
        for queued in self._queue.packets(QUEUE_PACKETS_MAX):
            self._queue.accept(queued.number)
        self._queue.flush()

    def _figures(self) -> dict[str, Any]:
        return {"engine": self._name, "counts": self._met}

    def _tell(self, *, at_once: bool = False) -> None:
        """Write the counts where they outlive this process."""
        now_s = time.monotonic()
        if at_once or (now_s >= self._write_s and self._met.total() != self._written):
            self._write_s, self._written = now_s + COUNTS_EVERY_S, self._met.total()
            with open(f"{COUNTS}.new", "w", encoding="ascii") as file:
                json.dump(self._figures(), file)
            os.replace(f"{COUNTS}.new", COUNTS)


def _copier() -> socket.socket:
    """Sends whole packets, marked so that they are not queued."""
    made = socket.socket(socket.AF_INET, socket.SOCK_RAW | socket.SOCK_CLOEXEC, socket.IPPROTO_RAW)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_MARK, rules.MARK)
    made.setblocking(False)
    return made
