"""``Env``: everything a node may touch, real or simulated.

A node program is written once against this contract. The real host (``harness.node.host``) adapts it to asyncio, TCP
and files; the simulated one runs it in virtual time. So node code awaits only what ``Env`` gives it, and obeys:

* A handler may interleave with others at every ``await`` (a disk sync is one). Re-check term and role after each.
* State survives only through ``disk``, and only what was synced before a kill or a power loss is sure to be there.
* A kill drops the incarnation: its ``Env`` becomes inert first (every method does nothing), then its coroutines are
  closed. No ``await`` in ``finally``; never swallow ``BaseException``.
* Messages are JSON objects with string keys. Never mutate one that was sent or received.
* Random draws are keyed by stream, never taken from a shared sequence: removing one event must not reshuffle others.
* Every loop sleeps a real minimum.

Durations are milliseconds (``*_ms``); clock readings are integer nanoseconds (``*_ns``).
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Coroutine, Generator, Mapping, Sequence
from random import Random
from typing import Any, NamedTuple, Protocol, TypeVar

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)

Message = Mapping[str, Any]


class CallError(Exception):
    """A call that brought no reply. Its subclass says what is known about delivery."""


class Refused(CallError):
    """Certainly not delivered: the connection was refused before the message left."""


class Timeout(CallError):
    """No reply in time; whether it was delivered is unknown."""


class Closed(CallError):
    """The connection ended while the call was under way; whether it was delivered is unknown."""


class Future(Protocol[T]):
    """A value that will be there later; setting it twice is an error, awaiting it many times is not."""

    def __await__(self) -> Generator[Any, None, T]: ...
    def done(self) -> bool: ...
    def set_result(self, result: T) -> None: ...
    def set_exception(self, error: Exception) -> None: ...


class Task(Protocol[T_co]):
    """A spawned coroutine; awaiting it gives its result or raises its error."""

    def __await__(self) -> Generator[Any, None, T_co]: ...
    def done(self) -> bool: ...
    def cancel(self) -> None: ...


class Interval(NamedTuple):
    """A wall-clock reading with its error bound: the true time lies in [earliest_ns, latest_ns] (as in TrueTime)."""

    earliest_ns: int
    latest_ns: int


class Clock(Protocol):
    """The clocks of one node. Faults may bend the wall clock in any way; the monotonic one may only run too slow or too
    fast (the fault ``drift``), and then sleeps and timeouts do so, too."""

    def wall(self) -> int:
        """Nanoseconds since 1970, as this node believes; may jump in both directions."""

    def monotonic(self) -> int:
        """Nanoseconds from an arbitrary origin; never falls, and restarts with the machine."""

    def interval(self) -> Interval:
        """The wall clock with its stated error bound."""


class Disk(Protocol):
    """One node's own files, named by relative paths such as ``"wal/00000001"``.

    Everything but ``sync`` and ``sync_dir`` is buffered: a read sees the node's own unsynced data, a power loss may
    drop it, keep a prefix of it, tear its last write. A new, renamed or deleted name is durable after ``sync_dir``.
    A failed sync raises OSError: the pages are lost and the node must stop (PostgreSQL's fsyncgate, 2018).
    """

    def exists(self, file: str) -> bool: ...
    def list(self, prefix: str = "") -> Sequence[str]:
        """Names that begin with ``prefix``, sorted."""

    def size(self, file: str) -> int:
        """Length in bytes; FileNotFoundError if there is none."""

    def read(self, file: str, offset: int = 0, length: int | None = None) -> bytes: ...
    def append(self, file: str, data: bytes) -> None:
        """Add ``data`` at the end, creating the file (and its folder) if need be."""

    def write(self, file: str, data: bytes) -> None:
        """Replace the whole content. Not atomic: write another name, sync it, rename it."""

    def truncate(self, file: str, length: int) -> None: ...
    def rename(self, old: str, new: str) -> None:
        """Atomic; replaces ``new``."""

    def delete(self, file: str) -> None: ...
    async def sync(self, file: str) -> None:
        """fsync: what was written to this file before the call survives a power loss."""

    async def sync_dir(self) -> None:
        """fsync of the folders: names created, renamed and deleted before the call survive a power loss."""


class Env(Protocol):
    """One incarnation of one node."""

    @property
    def name(self) -> str:
        """This node's name, e.g. "n1"."""

    @property
    def role(self) -> str: ...
    @property
    def nodes(self) -> tuple[str, ...]:
        """All nodes of the system, this one among them, in a fixed order."""

    @property
    def peers(self) -> tuple[str, ...]:
        """The nodes of this one's role, without itself."""

    @property
    def incarnation(self) -> int:
        """1 at the first start on this disk, one more after each restart."""

    @property
    def build(self) -> str:
        """Which of the two builds of the program runs, "old" or "new": where they differ in what they store or say,
        the program asks this (the fault ``upgrade`` exchanges them)."""

    @property
    def clock(self) -> Clock: ...
    @property
    def disk(self) -> Disk: ...

    def send(self, to: str, message: Message) -> None:
        """A datagram to a node: may be lost, duplicated or reordered; the receiver's ``handle`` gets it, and what
        ``handle`` returns is dropped."""

    async def call(self, to: str, message: Message, timeout_ms: float) -> Message:
        """Send and await what the receiver's ``handle`` returned. Raises Refused, Timeout or Closed."""

    def quorum(
        self, peers: Sequence[str], message: Message, timeout_ms: float
    ) -> AsyncIterator[tuple[str, Message | CallError]]:
        """Call all ``peers`` at once and yield ``(peer, reply or error)`` as they come. The caller stops when
        satisfied; the remaining calls go on without it. The calls begin here, before the first reply is awaited."""

    def spawn(self, coroutine: Coroutine[Any, Any, T], name: str) -> Task[T]:
        """Run beside the caller; an exception nobody awaits stops the node (reported as ``assertion``, as
        ``disk-failure`` if it is an error of the disk, or else as ``crash``: see ``harness.node.failure``)."""

    async def sleep(self, ms: float) -> None: ...
    def future(self) -> Future[Any]:
        """A new :class:`Future`, from which blocks build queues and locks."""

    def random(self, stream: str) -> Random:
        """The random stream of that name, from its beginning: same seed, node, incarnation and name give the same
        draws, every time. Keep it, or put a number into the name, to draw on."""

    def hmac(self, message: bytes) -> bytes:
        """A message authentication code under this node's own key (SHA-256)."""

    def hmac_valid(self, node: str, message: bytes, code: bytes) -> bool:
        """Whether ``code`` is ``node``'s over ``message``."""

    async def work(self, ms: float) -> None:
        """Service time: slept on real hosts, charged in simulated ones."""

    def event(self, name: str, **fields: Any) -> None:
        """A structured event (elections, leaders, decisions), kept with node, incarnation and time for the run.
        Faults can be triggered by it; checkers may read it."""

    def count(self, name: str, by: int = 1) -> None:
        """Add to a counter that the harness can read at any time."""

    def gauge(self, name: str, value: float) -> None:
        """Set a value that the harness can read at any time."""

    def sometimes(self, name: str) -> bool:
        """Whether to take a rare but legal branch here (a smaller batch, a needless retry). False in real runs; in
        simulated ones decided by the seed, and it is told which branches were taken: a thorough campaign takes each."""

    async def failpoint(self, name: str) -> None:
        """A place at which a fault may stop, pause or delay this node."""

    def bug(self, name: str) -> bool:
        """Whether the seeded bug of that name is switched on (``mutants.md``)."""

    def log(self, text: str) -> None:
        """A line for people, in the node's log."""


class Program(Protocol):
    """A node program: ``Program(env, options)``, with ``options`` a mapping of the system's option names to values."""

    async def start(self) -> None:
        """Recover from ``env.disk``; requests are served once it has returned."""

    async def handle(self, source: str, message: Message) -> Message | None:
        """One message from a node or a client; what it returns is the reply to a ``call``. None sends no reply (the
        caller runs into its timeout); an error that it lets through stops the node."""

    def status(self) -> Message:
        """What the harness may ask at any time, at once and without side effects: ``leader`` (the name this node
        believes in, or None), ``term`` (its epoch) where there is one, and whatever else helps a person."""
