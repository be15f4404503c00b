"""The simulated network: every pair of endpoints has a link in each direction, with its own delays and troubles.

It behaves like TCP connections between processes, which is what the real host has, and takes no kinder view:

* A link keeps its order, unless ``reorder`` or ``duplicate`` is in force.
* A message to a process that is not there is refused, if that was so when it was sent; else the connection ends under
  it (Closed: nobody knows). A machine without power says nothing.
* Over a narrow link messages wait in line; one that would wait longer than a router's buffer lasts is lost.
* Packets that come twice, or in another order, are the connection's business: nobody notices.
* What is sent over a link that is cut may be lost for good, or be kept by the sender's kernel and arrive when the cut
  is healed, long after its sender gave up: which of the two is drawn per link and cut, as a connection survives or not.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from harness.cluster_faults import Link
from harness.node.wire import encode_body
from harness.simulation.scheduler import Lane, Scheduler

CLIENTS: Final = "clients"
DELAYS_MS: Final = (1, 1, 1, 1, 1, 1, 2, 2, 2, 3, 3, 4, 5, 8, 1, 1)
DELAYING: Final = ("distance", "delay", "slow-link")
LOSING: Final = ("loss", "loss-messages", "corrupt")
"""Of these the receiver sees nothing: what was spoiled on its way, its checksum finds."""

ABSORBED: Final = ("duplicate-packets", "reorder-packets")
IN_LINE_MS_MAX: Final = 1000
HEADERS_BYTES: Final = 80
"""What a message costs a link besides its body: the heads of its frame, of TCP and of IP."""

RESENT_MS_MAX: Final = 400
"""How long after a heal a kernel may take to send again what it kept."""

SEND, CALL, REPLY, ERROR = "send", "call", "reply", "error"


@dataclass(slots=True)
class Parcel:
    """One message under way. ``arrive`` is called with it at the other end; ``lost`` at once when no copy of it will
    ever arrive and its sender can know; ``number`` is unique in the run; ``sent_to`` the receiver's incarnation that
    served when it was sent, 0 if none did; ``context`` its call."""

    number: int
    kind: str
    source: str
    to: str
    body: dict[str, Any]
    arrive: Callable[[Parcel], None]
    lost: Callable[[], None] | None = None
    context: Any = None
    sent_to: int = 0


@dataclass(slots=True)
class _Line:
    """One directed link. ``fails`` are the degradations in force here, by kind; ``free_us`` is when the last message
    in line has passed, where it is narrow."""

    source: str
    to: str
    lane: Lane
    ends: Link
    last_us: int = 0
    last_tie: int = 0
    free_us: int = 0
    cut: bool = False
    survives: bool = False
    fails: dict[str, Mapping[str, float]] = field(default_factory=dict)
    held: list[Parcel] = field(default_factory=list)


class Network:
    """All links. ``names`` are the nodes; every other endpoint is one of the clients. ``trace``, if given, is told of
    every message."""

    def __init__(self, scheduler: Scheduler, names: Iterable[str], trace: Any = None) -> None:
        self._scheduler, self._names, self._trace = scheduler, frozenset(names), trace
        self._lines: dict[Link, _Line] = {}
        self._cuts: dict[str, frozenset[str]] = {}
        self._fails: dict[str, dict[Link, Mapping[str, float]]] = {}
        self._number = 0
        self.delivered = 0
        self.dropped: Counter[str] = Counter()
        self.met: dict[str, Counter[str]] = {name: Counter() for name in names}

    def transmit(self, parcel: Parcel) -> None:
        """Send it on its way."""
        self._number += 1
        parcel.number = self._number
        line = self._lines.get((parcel.source, parcel.to)) or self._line(parcel.source, parcel.to)
        if self._trace is not None:
            self._trace.send(self._scheduler.now_us, parcel.number, parcel.source, parcel.to, parcel.kind, parcel.body)
        if line.cut:
            if self._stopped(line, parcel) and parcel.lost is not None:
                parcel.lost()
        elif line.fails:
            self._troubled(line, parcel)
        else:
            self._travel(line, parcel, DELAYS_MS[line.lane.draw() >> 7 & 15])

    def partition(self, drops: Mapping[str, Sequence[str]]) -> None:
        """Replace what is cut: receiver -> senders it no longer hears."""
        self._cuts = {receiver: frozenset(senders) for receiver, senders in drops.items()}
        for line in self._lines.values():
            self._renew(line)

    def degrade(self, kind: str, links: Iterable[Link], amount: Mapping[str, float]) -> None:
        self.degrade_each(kind, {_link(link): amount for link in links})

    def degrade_each(self, kind: str, amounts: Mapping[Link, Mapping[str, float]]) -> None:
        self._fails[kind] = {link: dict(amount) for link, amount in amounts.items()}
        for line in self._lines.values():
            self._renew(line)

    def restore(self, kind: str) -> None:
        self.degrade(kind, (), {})

    def _line(self, source: str, to: str) -> _Line:
        ends = (source if source in self._names else CLIENTS, to if to in self._names else CLIENTS)
        line = _Line(source, to, self._scheduler.lane(f"{source}>{to}"), ends)
        self._lines[source, to] = line
        self._renew(line)
        return line

    def _renew(self, line: _Line) -> None:
        """Bring a link up to date with what is in force."""
        sender, receiver = line.ends
        cut = sender in self._cuts.get(receiver, ())
        line.fails = {kind: links[line.ends] for kind, links in self._fails.items() if line.ends in links}
        if cut and not line.cut:
            line.survives = bool(line.lane.draw() >> 5 & 1)
        line.cut = cut
        if not cut and line.held:
            self._resend(line)

    def _resend(self, line: _Line) -> None:
        held, line.held = line.held, []
        wait_ms = 1 + line.lane.draw() % RESENT_MS_MAX
        for parcel in held:
            self._travel(line, parcel, wait_ms)

    def _stopped(self, line: _Line, parcel: Parcel) -> bool:
        """At a cut: counted where the receiver would have thrown it away. Whether it is lost for good."""
        self.dropped[line.to if line.to in self._names else line.source] += 1
        if line.survives:
            line.held.append(parcel)
        else:
            self.lose(parcel, "partition")
        return not line.survives

    def lose(self, parcel: Parcel, why: str) -> None:
        """It will not arrive; for the trace."""
        if self._trace is not None:
            self._trace.lost(self._scheduler.now_us, parcel.number, why)

    def _troubled(self, line: _Line, parcel: Parcel) -> None:
        fails, lane = line.fails, line.lane
        wait_ms: float = DELAYS_MS[lane.draw() >> 7 & 15]
        for kind in LOSING:
            if (loss := fails.get(kind)) is not None and lane.chance() < loss["probability"]:
                self._meet(line, kind)
                self.lose(parcel, kind)
                return
        if (narrow := fails.get("bandwidth")) is not None:
            in_line_ms = self._in_line(line, parcel, narrow["rate_kbit_s"])
            if in_line_ms == math.inf:
                self.lose(parcel, "bandwidth")
                return
            wait_ms += in_line_ms
        for kind in ABSORBED:
            if (absorbed := fails.get(kind)) is not None and lane.chance() < absorbed["probability"]:
                self._meet(line, kind)
        for kind in DELAYING:
            if (delay := fails.get(kind)) is not None:
                self._meet(line, kind)
                wait_ms += max(0.0, delay["delay_ms"] + (2 * lane.chance() - 1) * delay.get("jitter_ms", 0.0))
        if (again := fails.get("duplicate")) is not None and lane.chance() < again["probability"]:
            self._meet(line, "duplicate")
            self._overtake(line, parcel, wait_ms + 1 + lane.draw() % 50)
        if (late := fails.get("reorder")) is not None and lane.chance() < late["probability"]:
            self._meet(line, "reorder")
            self._overtake(line, parcel, wait_ms + lane.chance() * late["delay_ms"])
        else:
            self._travel(line, parcel, wait_ms)

    def _in_line(self, line: _Line, parcel: Parcel, rate_kbit_s: float) -> float:
        """How long until the message has passed a narrow link, in ms; no room is taken by one that would wait too
        long. It met the link's narrowness if that is as much as a clock tick here."""
        now_us = self._scheduler.now_us
        begin_us = max(now_us, line.free_us)
        end_us = begin_us + round((len(encode_body(parcel.body)) + HEADERS_BYTES) * 8000 / rate_kbit_s)
        in_line_ms = (end_us - now_us) / 1000
        if begin_us - now_us > IN_LINE_MS_MAX * 1000:
            self._meet(line, "bandwidth")
            return math.inf
        line.free_us = end_us
        if in_line_ms >= 1:
            self._meet(line, "bandwidth")
        return in_line_ms

    def _meet(self, line: _Line, kind: str) -> None:
        self.met[line.to if line.to in self._names else line.source][kind] += 1

    def _travel(self, line: _Line, parcel: Parcel, wait_ms: float) -> None:
        """Arrive after whatever was sent before on this link."""
        time_us = self._scheduler.now_us + int(wait_ms) * 1000
        tie = line.lane.tie()
        if time_us <= line.last_us:
            time_us, tie = line.last_us, max(tie, line.last_tie)
        line.last_us, line.last_tie = time_us, tie
        self._scheduler.at(line.lane, time_us, tie, self._arrive, (line, parcel))

    def _overtake(self, line: _Line, parcel: Parcel, wait_ms: float) -> None:
        """Arrive when it arrives."""
        self._scheduler.after(line.lane, int(wait_ms), self._arrive, (line, parcel))

    def _arrive(self, under_way: tuple[_Line, Parcel]) -> None:
        line, parcel = under_way
        if line.cut:
            self._stopped(line, parcel)
            return
        self.delivered += 1
        if self._trace is not None:
            self._trace.recv(self._scheduler.now_us, parcel.number)
        parcel.arrive(parcel)


def _link(link: Sequence[str]) -> Link:
    """A link as JSON has it, as a key."""
    sender, receiver = link
    return sender, receiver
