"""What a system under test is: its roles, its options, the client that talks to it.

Standard library only: clients of bundled systems use :class:`ClientEnv` and run unchanged in the simulator.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from random import Random
from typing import Any, Literal, Protocol

from harness.claim import Claim
from harness.history import Op
from harness.node import Message

Outcome = Literal["fail", "info"]


class ClientEnv(Protocol):
    """What a client may touch. It is an endpoint of its own on the data network, with its own address."""

    @property
    def name(self) -> str:
        """This client's name, e.g. "c3"; unique per process of the history."""

    @property
    def nodes(self) -> tuple[str, ...]: ...
    @property
    def addresses(self) -> Mapping[str, str]:
        """The nodes' addresses on the data network, by name: what a database calls them when it tells of another."""

    @property
    def regions(self) -> Mapping[str, str]:
        """Node -> region, where the plan has a topology (``harness.topology``); or else nothing."""

    @property
    def timeout_ms(self) -> float:
        """The plan's client timeout: an operation must have an outcome by then."""

    def now(self) -> int:
        """Nanoseconds since the run began; monotonic."""

    async def call(self, node: str, message: Message, timeout_ms: float) -> Message:
        """Send and await the reply. Raises harness.node's Refused, Timeout or Closed."""

    async def sleep(self, ms: float) -> None: ...
    def random(self, stream: str) -> Random: ...
    async def dial(self, node: str, port: int) -> tuple[str, int]:
        """For client libraries that connect by themselves: an address and port on this machine's loopback that lead,
        for one connection, to that port of the node, from this client's own address. The way is open when this
        returns; it ends as either side does, and when the client is closed. Raises Refused where nobody listens, and
        Timeout. Real nodes only."""


class Client(Protocol):
    """One process's connection. The interpreter opens a new one for each new process id."""

    async def open(self, node: str) -> None:
        """Attach to ``node`` first; a client that cannot reach it may go on to others."""

    async def invoke(self, op: Op) -> Op:
        """The completion of ``op``: the same process, f and key, with type ok, fail or info. Raising means "info"."""

    async def close(self) -> None: ...


@dataclass(frozen=True, slots=True)
class Option:
    """``-o name=value``: the allowed values (None: any integer), the default, one line of help."""

    default: str
    values: tuple[str, ...] | None
    help: str


@dataclass(frozen=True, slots=True)
class External:
    """That a system is not ours: its nodes are keepers of programs that we did not write (``harness.node.machine``).

    ``packages`` are those of Debian that every node has installed, as apt-get is told them (``name=3.4.*`` is held to
    that version), none of their services running; ``files``, beside the system's own file, are put into
    ``/opt/splitbrain/files`` of every node, with their modes. ``versions`` are commands that print the versions of what
    runs, for the report: what -> argument list. ``library`` is the module by which the client speaks to it, where that
    is not Python's own.
    """

    packages: tuple[str, ...] = ()
    files: tuple[str, ...] = ()
    versions: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    library: str | None = None


@dataclass(frozen=True, slots=True)
class Role:
    """A kind of node. ``program`` is "module:Class" of the node program; ``count`` None means all nodes of the plan."""

    program: str
    count: int | None = None
    disk: bool = True


@dataclass(frozen=True, slots=True)
class Bug:
    """A seeded bug (``--bug NAME``), an exam for the harness: one mistake that a node program makes where
    ``env.bug(name)`` says so.

    ``row`` is its number among the published mistakes we seed; ``options`` those under which the system without the bug
    (its *correct twin*) holds what the bug breaks; ``workloads`` show it, the first one best; ``faults`` is a
    ``--faults`` text that exposes it. Where these are a directed schedule, for a mistake that hardly shows otherwise,
    ``random_faults`` are accidents among which it is looked for besides. ``shows_as`` are the codes of what a checker
    may say (``harness.exam.code``: LIN, SET, CNT, DIV, EV, SES, ...). ``sizes`` are fields of a plan that matter
    (nodes, rate_hz, time_limit_s, ...). What shows as AVL is that for ``gap_s`` seconds of the main phase nobody who
    asked got an answer, as the twin does not.
    """

    row: int
    summary: str
    faults: str
    workloads: tuple[str, ...]
    shows_as: tuple[str, ...]
    options: Mapping[str, str] = field(default_factory=dict)
    sizes: Mapping[str, Any] = field(default_factory=dict)
    gap_s: float | None = None
    random_faults: str | None = None


@dataclass(frozen=True, slots=True)
class System:
    """A system under test.

    ``ready`` looks at the statuses of all nodes that answer (see ``Program.status``) and says whether the system can
    be asked to work; ``leader`` names the current leader, or None. ``client`` makes a client from its environment and
    the options. ``workloads`` are names, the first being the default; ``errors`` is the declared table of error codes.
    ``events`` are the names its nodes tell by ``Env.event``, which may set off faults; ``leadership`` gives, for a set
    of options, the event and its field that name a new leader and its epoch (term, generation), of which none may have
    two; None where nothing of the kind is promised. ``withstands`` are the faults that it claims to bear although no
    system has to (``harness.faults.profile.BEYOND``): damaged or forgotten data, messages delivered twice.
    ``answers`` are the errors by which it refuses though it works (a compare-and-set that met another value).
    ``promises`` gives, for a completed set of options, the workloads in which no run may be invalid, whatever faults
    there are that the system has to withstand: what ``splitbrain mutants --option-sets`` holds it to.
    ``external`` says that it runs on real nodes only, and what these need; None for what is bundled.
    """

    name: str
    summary: str
    operations: frozenset[str]
    roles: Mapping[str, Role]
    client: Callable[[ClientEnv, Mapping[str, str]], Client]
    workloads: tuple[str, ...]
    ready: Callable[[Mapping[str, Message]], bool]
    leader: Callable[[Mapping[str, Message]], str | None]
    options: Mapping[str, Option] = field(default_factory=dict)
    errors: Mapping[str, Outcome] = field(default_factory=dict)
    bugs: Mapping[str, Bug] = field(default_factory=dict)
    events: tuple[str, ...] = ()
    leadership: Callable[[Mapping[str, str]], tuple[str, str] | None] = lambda options: None
    claims: tuple[Claim, ...] = ()
    withstands: frozenset[str] = frozenset()
    promises: Callable[[Mapping[str, str]], frozenset[str]] = lambda options: frozenset()
    answers: frozenset[str] = frozenset()
    external: External | None = None

    def completed(self, options: Mapping[str, str]) -> dict[str, str]:
        """Options with the default of each that is not there: plans that were kept outlive new options."""
        return {name: option.default for name, option in self.options.items()} | dict(options)
