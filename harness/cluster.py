"""What a cluster is: nodes that can be started, broken and healed; and the providers that make them.

The same words serve namespaces, containers, machines and the simulator. A cluster says what it can break
(``capabilities``); what is missing is named, never assumed.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Protocol

from harness.node import Message
from harness.system import ClientEnv


@dataclass(frozen=True, slots=True)
class ShellResult:
    """What a command on a node did."""

    command: tuple[str, ...]
    status: int
    stdout: str
    stderr: str


class ShellError(Exception):
    """A command on a node failed or could not be run; the text names node, command, status and what it printed."""


class ClusterError(Exception):
    """A cluster could not be made, or does not obey; the text says what was tried, what came of it, what to do."""


class Shell(Protocol):
    """Commands and files on one node, over SSH."""

    async def run(self, *command: str, input_text: str | None = None, check: bool = True,
                  timeout_s: float = 10.0) -> ShellResult:  # fmt: skip
        """Run an argument list (each argument quoted by us). ``check`` raises ShellError on a status other than 0."""

    async def upload(self, local: Path, remote: str, mode: int = 0o644) -> None: ...
    async def write(self, remote: str, content: bytes, mode: int = 0o644) -> None: ...
    async def download(self, remote: str, local: Path) -> bool:
        """Fetch a file; False if there is none."""


@dataclass(frozen=True, slots=True)
class NodeSpec:
    name: str
    role: str
    program: str
    disk: bool = True


@dataclass(frozen=True, slots=True)
class ClusterSpec:
    """What to build: nodes n1..nN with their programs, the system's options, the seed, and where to keep things.

    ``clients`` is the number of client endpoints (the interpreter's concurrency); ``folder`` the run's folder;
    ``modules`` are Python files with node programs that are not bundled, deployed beside those that are; ``needs``
    what the faults to come will ask of the cluster, so that it can prepare what must be there before a program starts.
    ``capture``: nodes keep the packets of their data interface among their logs, where that is possible. ``regions``:
    node -> region, which clients may be told; how far apart these are is the runner's business. ``packages`` are those
    of Debian that every node has installed; ``say`` is told what takes long. ``keepers``: the programs are keepers of
    others (``harness.system.External``), which ``files`` are put beside.
    """

    nodes: tuple[NodeSpec, ...]
    options: Mapping[str, str]
    bugs: tuple[str, ...]
    seed: int
    clients: int
    client_timeout_ms: float
    folder: Path
    modules: tuple[Path, ...] = ()
    needs: frozenset[str] = frozenset()
    capture: bool = False
    regions: Mapping[str, str] = field(default_factory=dict)
    packages: tuple[str, ...] = ()
    keepers: bool = False
    files: tuple[Path, ...] = ()
    say: Callable[[str], None] = lambda text: None


@dataclass(frozen=True, slots=True)
class Observation:
    """Cumulative counters at one moment, from which a fault's effect is a difference.

    ``dropped``: packets thrown away by our own rules, per receiving node. ``counters``: per node that answered, its
    counters (``net.refused``, ``net.closed``, ``net.timeout``, ``election``, ...) of its present incarnation.
    ``unanswered``: nodes that did not answer. ``met``: per node, by the name of a fault, how often our means touched
    that node's work (a message delayed, a call to the disk failed, a skewed clock read); where they count it. Of a
    system that is not ours, ``counters`` has, under "clients", what clients that dial have met.
    """

    time_ns: int
    dropped: Mapping[str, int]
    counters: Mapping[str, Mapping[str, int]]
    incarnations: Mapping[str, int]
    unanswered: tuple[str, ...] = ()
    met: Mapping[str, Mapping[str, int]] = field(default_factory=dict)


class Cluster(Protocol):
    """Nodes that are up (``Provider.create`` made them), running node programs, on a network that can be cut.

    Verbs come in pairs: start/kill, pause/resume, partition/heal. All are idempotent.
    """

    @property
    def nodes(self) -> tuple[str, ...]: ...
    @property
    def roles(self) -> Mapping[str, str]: ...
    @property
    def capabilities(self) -> frozenset[str]:
        """What faults may need: "partition", "kill", "pause", ..."""

    async def start(self, nodes: Sequence[str]) -> None:
        """Start the node programs; returns when each accepts connections."""

    async def kill(self, nodes: Sequence[str]) -> None:
        """SIGKILL the node programs; returns when they are gone."""

    async def pause(self, nodes: Sequence[str]) -> None:
        """SIGSTOP; returns when each process is seen stopped."""

    async def resume(self, nodes: Sequence[str]) -> None: ...
    async def partition(self, drops: Mapping[str, Sequence[str]]) -> None:
        """From now on each receiving node throws away packets from the listed senders (nodes; "clients" stands for
        all client endpoints; under "clients" as the receiver, the senders throw away what they would tell clients).
        Replaces what was in force before. ``{}`` is the same as heal."""

    async def heal(self) -> None:
        """End every partition."""

    async def status(self, node: str, timeout_ms: float = 1000) -> Message | None:
        """The node program's status, asked over the control channel (never the data network); None if it does not
        answer in time."""

    async def ask(self, node: str, message: Message, timeout_ms: float = 1000) -> Message | None:
        """What the node program answers to a message of the harness, which it gets from the source "harness" and by the
        control channel (never the data network); None if it does not answer in time. The capability "membership"."""

    async def observe(self) -> Observation: ...
    def entry(self, node: str) -> str:
        """The command with which a person opens a shell on the node; empty where there is none."""

    def client_env(self, client: int, name: str) -> ClientEnv:
        """The environment of a client at endpoint ``client`` (0 .. clients - 1), under the given name."""

    async def fetch_logs(self, folder: Path) -> Mapping[str, Sequence[Path]]:
        """Copy each node's logs and events into ``folder/<node>/``."""

    async def down(self) -> None:
        """Remove everything; safe to call twice, and after a failure."""


@dataclass(frozen=True, slots=True)
class NodeEvent:
    """What a program told by ``Env.event`` (kind "event") or passed by ``Env.failpoint`` (kind "failpoint"); or that it
    logged a line with a text in it that was looked for (kind "log", ``name`` the text, the ``line`` in its fields)."""

    kind: str
    node: str
    incarnation: int
    name: str
    fields: Mapping[str, Any]


class EventSource(Protocol):
    """The capability "events": what nodes tell, while it happens. A simulated cluster calls ``notify`` in the very
    moment, before the node's next step; a real one a few milliseconds later."""

    def watch(self, notify: Callable[[NodeEvent], None], logs: Collection[str] = ()) -> None:
        """Call ``notify`` with every event and failpoint of every node from now on, in order per node, and with every
        log line for each of the texts ``logs`` that is in it."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of what ``splitbrain doctor`` says: a thing that is there or not, and the command that would add it.

    A provider can be used where all of its ``required`` findings are present; the others add to what it can do.
    """

    name: str
    present: bool
    needed_for: str
    detail: str = ""
    remedy: str = ""
    required: bool = True


class Provider(Protocol):
    """A way to make clusters."""

    @property
    def name(self) -> str: ...
    @property
    def summary(self) -> str: ...

    @property
    def capabilities(self) -> frozenset[str]:
        """What its clusters can break on this machine, as far as can be said before there is one."""

    def examine(self) -> Sequence[Finding]:
        """What this machine has and lacks; cheap, changes nothing."""

    def living(self) -> Sequence[str]:
        """The runs under way on this machine, in words: nothing of theirs is a leftover."""

    def remove_leftovers(self) -> Sequence[str]:
        """Remove what a crashed harness left behind; returns what was removed, in words. What could not be is said,
        too: in a line that begins with ``NOT_REMOVED``."""

    async def create(self, spec: ClusterSpec, runtime: Any) -> Cluster:
        """Nodes up with the program deployed but not started. On failure nothing remains."""


NOT_REMOVED: Final = "could NOT remove"


def of_earlier_run(line: str) -> str:
    """What a run says of a leftover that it found before it began."""
    return line if line.startswith(NOT_REMOVED) else f"removed what an earlier run left behind: {line}"


@dataclass(frozen=True, slots=True)
class Unavailable:
    """Why a provider cannot be used here, and what to do about it."""

    provider: str
    missing: tuple[Finding, ...] = field(default_factory=tuple)
