"""What a keeper may touch besides :class:`harness.node.Env`: files and processes of a real machine.

A database that we did not write runs beside a small node program of ours, its *keeper*, which configures it, starts it,
asks it how it is and, where a system needs that, tells it what to do (as the keeper of pg_auto_failover does). So a
database is a node like any other: it has a status, a role and events, it is killed, paused and cut off by the same
faults. What is of the machine comes from here, and there is none of it in the simulated world.

What proves that a fault was felt is seen from beside the database (``harness.node.witness``), but for its leaders: a
keeper that sees a new one says so, by ``env.count("election")``. Beside ``start``, ``handle`` and ``status`` it may
have ``async def stop(self)``: how its database ends in good order, within a few seconds (``harness.node.main``); what
is left then gets SIGTERM.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from harness.node.env import Env


@dataclass(frozen=True, slots=True)
class Completed:
    """What a command did: its exit status and what it printed."""

    argv: tuple[str, ...]
    status: int
    stdout: str
    stderr: str


class CommandError(Exception):
    """A command failed or took too long; the text has the command, its status and what it printed last."""


class Process(Protocol):
    """A process that was started and stays."""

    @property
    def pid(self) -> int: ...
    @property
    def status(self) -> int | None:
        """Its exit status (negative: the signal that ended it); None while it runs."""

    async def terminate(self, patience_ms: float = 5000) -> int:
        """SIGTERM, and SIGKILL ``patience_ms`` later; returns the exit status when it is gone."""


class Machine(Protocol):
    """The machine that a keeper is on. Commands are argument lists, never text for a shell."""

    @property
    def address(self) -> str:
        """This node's own address on the data network, on which a database is to listen. Ports 7000 and 7001 are
        taken: by the keeper, for messages and for the harness."""

    @property
    def addresses(self) -> Mapping[str, str]:
        """The data addresses of all nodes, by name."""

    @property
    def data(self) -> str:
        """The absolute path of the folder on the node's own disk: what a power loss, a full disk and so on act on."""

    @property
    def logs(self) -> str:
        """The absolute path of the folder of which every ``*.log`` is fetched into the run."""

    def exists(self, path: str) -> bool: ...
    def folder(self, path: str, user: str | None = None, mode: int = 0o700) -> None:
        """Make a folder, with those above it, that belongs to ``user`` (None: root)."""

    def read(self, path: str) -> str: ...
    def write(self, path: str, text: str, user: str | None = None, mode: int = 0o600) -> None:
        """Replace a whole file, by rename."""

    def remove(self, path: str) -> None:
        """Remove a file, or a folder with everything in it; nothing to do if there is none."""

    async def run(self, *argv: str, user: str | None = None, input_text: str | None = None, check: bool = True,
                  timeout_ms: float = 30_000) -> Completed:  # fmt: skip
        """Run a command to its end, as ``user``. ``check`` raises CommandError on a status other than 0; taking longer
        raises it always, and the command is killed."""

    async def spawn(self, name: str, *argv: str, user: str | None = None,
                    environment: Mapping[str, str] | None = None, vital: bool = True) -> Process:  # fmt: skip
        """Start a process that stays, in the background, as ``user``; what it prints goes to ``logs/name.log``. Where
        a ``vital`` one ends by itself, the node stops, with an event "exit" that has its name and status. All are gone
        when the keeper is: killed with it, paused with it."""


class MachineEnv(Env, Protocol):
    """The environment of a keeper."""

    @property
    def machine(self) -> Machine: ...
