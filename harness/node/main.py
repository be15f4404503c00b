"""One node process: ``python3 -S node.pyz CONFIG`` starts it, SIGTERM stops it.

Exit status: 0 stopped, 70 an assertion or another error in the program, or a failed disk (see the events), 78 a bad
configuration.
"""

from __future__ import annotations

import asyncio
import importlib
import os
import signal
import sys
import time
import traceback
from typing import TYPE_CHECKING, Any, Final, NoReturn, cast

from harness.node.config import ConfigError, NodeConfig, load
from harness.node.control import ControlPort
from harness.node.disk import next_incarnation
from harness.node.env import Message, Program
from harness.node.failure import EXIT, failure_kind
from harness.node.host import HostEnv
from harness.node.journal import Record
from harness.node.link import NO_DESCRIPTOR, OUT_OF_DESCRIPTORS
from harness.node.listener import Listener, ReservedSocket, bound

if TYPE_CHECKING:
    from harness.node.processes import HostMachine

OLD: Final = "old"
NEW: Final = "new"
"""The names of the two builds that a program may come in."""

STARVED_S: Final = 0.3
KEEPER_STOP_S: Final = 8.0
"""In which a keeper that is asked to stop has its database end in good order."""
EXIT_FAILED: Final = 70
EXIT_CONFIG: Final = 78
_PR_SET_PDEATHSIG: Final = 1


class NodeProcess:
    """From configuration to a serving program, and the ways it ends."""

    def __init__(self, config: NodeConfig, build: str) -> None:
        self._config, self._build = config, build
        self._started_ns = time.monotonic_ns()
        self._incarnation = next_incarnation(config.data)
        self._record = Record(config.name, self._incarnation, config.log, config.events)
        self._machine = self._make_machine() if config.keeper else None
        self._env = HostEnv(config, self._incarnation, self._record, self._stop_failed, build, self._machine)
        if self._machine is not None:
            self._machine.attest(self._env.count)
        self._program: Program | None = None
        self._serving = self._stopping = False
        self._starved_at = 0.0

    async def run(self) -> NoReturn:
        """Start, then serve until the process ends. Raises OSError if an address is taken."""
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(self._loop_failed)
        loop.add_signal_handler(signal.SIGTERM, self._stop)
        data = bound(*self._config.listen)
        control = ControlPort(
            self._config.name,
            self.status,
            self._record.feed,
            self._env.message_faults.ask,
            self._env.ask,
            self._env.log,
        )
        await control.open(bound(*self._config.control, kind=ReservedSocket))
        self._record.event("start", {"pid": os.getpid()})
        try:
            self._program = program(self._config.program, self._env, self._config.options)
            await self._program.start()
        except Exception as error:  # noqa: BLE001 - whatever the program lets through stops the node, reported
            self._env.fail("start", error)
        assert self._program is not None, "a failed start does not return"
        self._env.serve(self._program)
        await Listener(self._config.name, self._env.deliver, self._env.log).open(data)
        self._serving = True
        self._record.log("serving")
        await asyncio.Event().wait()
        raise AssertionError("nobody sets this event")

    def status(self) -> Message:
        """What the control port answers; ``program`` is empty until the program serves."""
        return {
            "name": self._config.name,
            "role": self._config.role,
            "incarnation": self._incarnation,
            "pid": os.getpid(),
            "build": self._build,
            "serving": self._serving,
            "program": self._program.status() if self._program is not None and self._serving else {},
            "counters": {**self._env.counters, **self._counted()},
            "gauges": self._env.gauges,
            "uptime_ms": (time.monotonic_ns() - self._started_ns) // 1_000_000,
            "wall_ns": time.time_ns(),
        }

    def _counted(self) -> Message:
        """Counters that are kept elsewhere, or are another's under another name; those that are 0 are left out."""
        counters = {
            "journal.lost": self._record.lost,
            "clock.readings": self._env.host_clock.readings,
            "clock.false": self._env.host_clock.false_readings,
            "build.new": self._env.counters["net.received"] if self._build == NEW else 0,
        }
        return {name: count for name, count in counters.items() if count}

    def _make_machine(self) -> HostMachine:
        from harness.node.processes import HostMachine, mark_family  # other nodes need not wait for this

        mark_family()
        addresses = {name: endpoint.address for name, endpoint in self._config.nodes.items()}
        logs = os.path.dirname(self._config.log)
        return HostMachine(self._config.name, addresses, self._config.data, logs, self._exited)

    def _exited(self, name: str, status: int, words: str) -> None:
        if not self._stopping:
            self._record.log(f"{name} ended by itself, with status {status}: {words}")
            self._end(
                EXIT, {"process": name, "status": status, "words": words, "disk": self._disk_counts()}, EXIT_FAILED
            )

    def _stop(self) -> None:
        if self._machine is None:
            self._end("stop", {}, 0)
        elif not self._stopping:
            self._stopping = True
            self._stopped = asyncio.get_running_loop().create_task(self._stop_keeper(self._machine))

    async def _stop_keeper(self, machine: HostMachine) -> NoReturn:
        """The program may know a better way for its database to end than SIGTERM."""
        stop = getattr(self._program, "stop", None)
        try:
            async with asyncio.timeout(KEEPER_STOP_S):
                if stop is not None:
                    await stop()
                await machine.end_all(KEEPER_STOP_S * 1000)
        except Exception as error:  # noqa: BLE001 - whatever hinders it, it is to end now
            self._record.log(f"stopped the hard way: {error!r}")
        self._end("stop", {}, 0)

    def _stop_failed(self, where: str, error: BaseException) -> NoReturn:
        text = "".join(traceback.format_exception(error))
        self._record.log(f"stopped by an error in {where}: {text}")
        fields = {
            "where": where,
            "error": repr(error)[:1000],
            "trace": text[-8000:],
            "disk": self._disk_counts(),
        }
        self._end(failure_kind(error), fields, EXIT_FAILED)

    def _disk_counts(self) -> Message:
        return {name: count for name, count in self._env.counters.items() if name.startswith("disk.")}

    def _end(self, event: str, fields: dict[str, Any], status: int) -> NoReturn:
        self._env.die()
        self._record.event(event, fields, last=True)
        if self._machine is not None:
            self._machine.end_family()
        os._exit(status)  # not sys.exit: nothing of this incarnation may run on, and a hung fsync must not hold it up

    def _loop_failed(self, loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        error, message = context.get("exception"), str(context.get("message"))
        if isinstance(error, OSError) and error.errno in OUT_OF_DESCRIPTORS:
            self._starve(f"{message}: {error!r}")
        elif error is None or isinstance(error, OSError):  # the kernel's other troubles
            self._record.log(f"{message}: {error!r}")
            self._env.count("host.errors")
        else:
            self._env.fail(message, error)

    def _starve(self, line: str) -> None:
        """No file descriptor for a connection that waits. asyncio tries 1024 times in a row, which count as once."""
        now = asyncio.get_running_loop().time()
        if now > self._starved_at + STARVED_S:
            self._record.log(line)
            self._env.count("host.errors")
            self._env.count(NO_DESCRIPTOR)
        self._starved_at = now


def program(path: str, env: HostEnv, options: Any) -> Program:
    """An instance of "module:Class"."""
    module, _, name = path.partition(":")
    return cast(Program, getattr(importlib.import_module(module), name)(env, options))


def die_with(parent: int) -> None:
    """Have the kernel kill this process, stopped or not, when the one that started it ends."""
    import ctypes

    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "prctl(PR_SET_PDEATHSIG)")
    if os.getppid() != parent:
        sys.exit(f"the parent process {parent} is gone")


async def _run(config: NodeConfig, build: str) -> None:
    await NodeProcess(config, build).run()


def main(arguments: list[str] | None = None, build: str = OLD) -> None:
    """``build`` is the name of the build that this is."""
    arguments = sys.argv[1:] if arguments is None else arguments
    try:
        if len(arguments) != 1:
            raise ConfigError(f"read {len(arguments)} arguments; expected one, the configuration file")
        config = load(arguments[0])
    except (ConfigError, OSError) as error:
        print(f"node: {error}", file=sys.stderr)
        sys.exit(EXIT_CONFIG)
    if config.parent is not None:
        die_with(config.parent)
    asyncio.run(_run(config, build))
