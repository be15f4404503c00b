"""The world: what all simulated nodes share, and what a run leaves besides its history."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from random import Random
from typing import TYPE_CHECKING, Any, Final, Protocol

from harness.cluster import NodeEvent
from harness.node import Clock, Disk
from harness.node.stream import random_stream
from harness.simulation.message import CODEC_SHARE, Copier
from harness.simulation.network import Network, Parcel
from harness.simulation.oscillator import Oscillator
from harness.simulation.rare import RareBranches
from harness.simulation.scheduler import Lane, Scheduler

if TYPE_CHECKING:
    from harness.trace import Trace

WALL_ORIGIN_NS: Final = 1_700_000_000_000_000_000
VIOLATIONS_MAX: Final = 20


class Machine(Protocol):
    """What the world, and a process on it, see of a node; see :class:`harness.simulation.node.SimNode`."""

    name: str
    role: str
    peers: tuple[str, ...]
    incarnation: int
    build: str
    events: list[dict[str, Any]]

    @property
    def world(self) -> World: ...
    @property
    def clock(self) -> Clock: ...
    @property
    def oscillator(self) -> Oscillator: ...
    @property
    def incarnation_up(self) -> int: ...
    def open_disk(self, lane: Lane) -> Disk: ...
    def arrive(self, parcel: Parcel) -> None: ...
    def hears(self, source: str) -> bool: ...
    def can_reach(self, to: str) -> bool: ...
    def service_ms(self, ms: float) -> float: ...
    def count(self, counter: str) -> None: ...
    def tell(self, name: str, fields: Mapping[str, Any]) -> None: ...
    def log(self, text: str) -> None: ...
    def stop_failed(self, where: str, error: BaseException) -> None: ...


@dataclass(frozen=True, slots=True)
class Violation:
    """A rule of node code that was broken: what, by which node, where."""

    what: str
    node: str
    file: str
    line: int

    def __str__(self) -> str:
        place = f" in {self.file}:{self.line}" if self.file else ""
        return f"node {self.node} broke a rule of node code: {self.what}{place}"


class World:
    """``nodes`` by name; ``watchers`` are told what nodes tell; ``violations`` are broken rules, bounded."""

    def __init__(self, scheduler: Scheduler, seed: int, names: tuple[str, ...], bugs: tuple[str, ...], *,
                 rare: bool, trace: Trace | None, keeps_logs: bool) -> None:  # fmt: skip
        self.scheduler, self.seed, self.names, self.bugs = scheduler, seed, names, frozenset(bugs)
        self.trace, self.keeps_logs = trace, keeps_logs
        self.wall_origin_ns = WALL_ORIGIN_NS
        self.copier = Copier(codec=seed % CODEC_SHARE == 0)
        self.network = Network(scheduler, names, trace)
        self.transmit = self.network.transmit
        self.rare = RareBranches(seed, on=rare)
        self.nodes: Mapping[str, Machine] = {}
        self.watchers: list[Callable[[NodeEvent], None]] = []
        self.log_texts: tuple[str, ...] = ()
        self.violations: list[Violation] = []
        self.unclosed: list[Any] = []
        """Coroutines that would not end; the collector would only try, and complain, again."""

    @property
    def watched(self) -> bool:
        return bool(self.watchers)

    def random(self, *key: str) -> Random:
        return random_stream(self.seed, "world", *key)

    def arrive(self, parcel: Parcel) -> None:
        """A message has come to the machine it is addressed to."""
        self.nodes[parcel.to].arrive(parcel)

    def told(self, event: NodeEvent) -> None:
        """A node told an event, or passed a failpoint."""
        if self.trace is not None and event.kind == "event":
            self.trace.event(self.scheduler.now_us, event.node, event.name, event.fields)
        for notify in self.watchers:
            notify(event)

    def passed(self, node: Machine, failpoint: str) -> None:
        self.told(NodeEvent("failpoint", node.name, node.incarnation, failpoint, {}))

    def logged(self, node: Machine, line: str) -> None:
        """A node logged a line; it is told under each text that somebody looks for in it."""
        for text in self.log_texts:
            if text in line:
                self.told(NodeEvent("log", node.name, node.incarnation, text, {"line": line[:1000]}))

    def tell(self, what: str, node: str) -> None:
        """Something was done to a node; for the trace."""
        if self.trace is not None:
            kind, why = (what, "") if what in ("start", "pause", "resume") else ("stop", what)
            self.trace.node(self.scheduler.now_us, kind, node, why)

    def violate(self, what: str, node: str, file: str, line: int) -> None:
        violation = Violation(what, node, file, line)
        if len(self.violations) < VIOLATIONS_MAX and violation not in self.violations:
            self.violations.append(violation)
