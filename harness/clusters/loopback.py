"""Real node processes on this machine's loopback interface: needs no rights and no tools, cuts no network."""

from __future__ import annotations

import asyncio
import json
import os
import random
import secrets
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from typing import Any, Final

from harness.client_endpoint import ClientEndpoint
from harness.cluster import ClusterError, ClusterSpec, Finding, NodeEvent, NodeSpec, Observation
from harness.clusters.node_events import ANSWER_MS_MAX, follow
from harness.deploy import build_zipapp
from harness.node import CallError, Message, Task
from harness.node.link import Link, connect, no_count
from harness.node.wire import encode_body
from harness.runtime import Runtime
from harness.system import ClientEnv

START_S_MAX: Final = 15.0
STOP_S_MAX: Final = 5.0
_SYSTEM_PYTHON: Final = "/usr/bin/python3"
_STATUS: Final = encode_body({"type": "status"})


@dataclass(slots=True)
class _Node:
    spec: NodeSpec
    folder: Path
    data: tuple[str, int]
    control: tuple[str, int]
    process: subprocess.Popen[bytes] | None = None
    link: Link | None = None

    @property
    def running(self) -> bool:
        return self.process is not None and self.process.poll() is None


class LoopbackCluster:
    """See :class:`harness.cluster.Cluster`. Made inside a running event loop; the nodes die with this process.

    Everything is kept in ``spec.folder``: ``node.pyz`` and, per node, a folder with its configuration, data, log,
    events and output. ``python_path`` are folders in which nodes find programs that are not bundled (tests have some).
    """

    capabilities = frozenset({"kill", "pause", "events", "membership"})

    def __init__(self, spec: ClusterSpec, runtime: Runtime, python_path: Sequence[Path] = ()) -> None:
        self._spec, self._runtime = spec, runtime
        self._python_path = os.pathsep.join(map(str, python_path))
        address, ports = free_ports(2 * len(spec.nodes))
        self._nodes = {
            node.name: _Node(node, spec.folder / node.name, (address, ports[2 * i]), (address, ports[2 * i + 1]))
            for i, node in enumerate(spec.nodes)
        }
        self._clients: dict[int, ClientEndpoint] = {}
        self._watching: list[tuple[Link, Task[None]]] = []
        self._key = secrets.token_hex(16)
        self._zipapp = build_zipapp(spec.folder / "node.pyz", spec.modules)

    @property
    def nodes(self) -> tuple[str, ...]:
        return tuple(self._nodes)

    @property
    def roles(self) -> Mapping[str, str]:
        return {name: node.spec.role for name, node in self._nodes.items()}

    def entry(self, node: str) -> str:
        return ""

    async def start(self, nodes: Sequence[str]) -> None:
        started = [self._nodes[name] for name in nodes if not self._nodes[name].running]
        for node in started:
            self._spawn(node)
        await asyncio.gather(*(self._serving(node) for node in started))

    async def kill(self, nodes: Sequence[str]) -> None:
        """Two of these at a time may meet at one node."""
        entries = [self._nodes[name] for name in nodes]
        killed = [(node, node.process) for node in entries if node.process is not None]
        for _, process in killed:
            process.kill()
        for node, process in killed:
            await asyncio.to_thread(process.wait, STOP_S_MAX)
            if node.process is process:
                node.process = None
                if node.link is not None:
                    node.link.close()
                    node.link = None

    async def pause(self, nodes: Sequence[str]) -> None:
        for node in self._running(nodes):
            node.send_signal(signal.SIGSTOP)
        for node in self._running(nodes):
            await _until_stopped(node.pid)

    async def resume(self, nodes: Sequence[str]) -> None:
        for node in self._running(nodes):
            node.send_signal(signal.SIGCONT)

    async def partition(self, drops: Mapping[str, Sequence[str]]) -> None:
        """Not possible here: raises ClusterError unless nothing is to be dropped."""
        if any(drops.values()):
            raise ClusterError("the loopback cluster cannot cut its network; use --provider local, or no partition")

    async def heal(self) -> None:
        """There is never anything to heal."""

    async def status(self, node: str, timeout_ms: float = 1000) -> Message | None:
        return await self._call(node, _STATUS, timeout_ms)

    async def ask(self, node: str, message: Message, timeout_ms: float = 1000) -> Message | None:
        return await self._call(node, encode_body({"type": "ask", "message": message}), timeout_ms)

    async def _call(self, node: str, body: bytes, timeout_ms: float) -> Message | None:
        entry = self._nodes[node]
        if not entry.running:
            return None
        if entry.link is None:
            entry.link = Link("harness", node, entry.control, connect, no_count)
        try:
            return await entry.link.call(body, timeout_ms)
        except CallError:
            return None

    def watch(self, notify: Callable[[NodeEvent], None], logs: Collection[str] = ()) -> None:
        for name, node in self._nodes.items():
            link = Link("harness", name, node.control, connect, no_count)
            task = self._runtime.spawn(follow(name, partial(self._ask, node, link), notify, logs), f"events of {name}")
            self._watching.append((link, task))

    async def _ask(self, node: _Node, link: Link, question: Message) -> Message | None:
        if not node.running:
            return None
        try:
            return await link.call(encode_body(question), ANSWER_MS_MAX)
        except CallError:
            return None

    async def observe(self) -> Observation:
        statuses = await asyncio.gather(*(self.status(node) for node in self._nodes))
        answered = {node: status for node, status in zip(self._nodes, statuses, strict=True) if status is not None}
        return Observation(
            time_ns=self._runtime.now(),
            dropped={},
            counters={node: status["counters"] for node, status in answered.items()},
            incarnations={node: status["incarnation"] for node, status in answered.items()},
            unanswered=tuple(node for node in self._nodes if node not in answered),
        )

    def client_env(self, client: int, name: str) -> ClientEnv:
        """A new client at the endpoint; the one that was there before is closed."""
        assert 0 <= client < self._spec.clients, f"client endpoint {client} of {self._spec.clients}"
        if client in self._clients:
            self._clients[client].close()
        addresses = {name: node.data for name, node in self._nodes.items()}
        endpoint = ClientEndpoint(
            self._runtime, name, addresses, self._spec.client_timeout_ms, regions=self._spec.regions
        )
        self._clients[client] = endpoint
        return endpoint

    async def fetch_logs(self, folder: Path) -> Mapping[str, Sequence[Path]]:
        fetched: dict[str, list[Path]] = {}
        for name, node in self._nodes.items():
            target = folder / name
            target.mkdir(parents=True, exist_ok=True)
            files = [node.folder / file for file in ("node.log", "events.jsonl", "output.log")]
            fetched[name] = [Path(shutil.copy(file, target)) for file in files if file.exists()]
        return fetched

    async def down(self) -> None:
        for client in self._clients.values():
            client.close()
        self._clients.clear()
        for link, task in self._watching:
            task.cancel()
            link.close()
        self._watching.clear()
        await self.kill(self.nodes)

    def exit_status(self, node: str) -> int | None:
        """The exit status of a node that ended by itself (70: see its events); None while it runs or was killed."""
        process = self._nodes[node].process
        return None if process is None else process.poll()

    def _running(self, nodes: Sequence[str]) -> list[subprocess.Popen[bytes]]:
        entries = (self._nodes[name] for name in nodes)
        return [node.process for node in entries if node.process is not None and node.running]

    def _spawn(self, node: _Node) -> None:
        node.folder.mkdir(parents=True, exist_ok=True)
        config = node.folder / "config.json"
        config.write_text(json.dumps(self._config(node), indent=1))
        environment = {"PATH": os.environ.get("PATH", os.defpath), "PYTHONPATH": self._python_path}
        with (node.folder / "output.log").open("ab") as output:
            node.process = subprocess.Popen(
                [node_python(), "-S", str(self._zipapp), str(config)],
                stdin=subprocess.DEVNULL, stdout=output, stderr=output, env=environment, start_new_session=True,
            )  # fmt: skip

    def _config(self, node: _Node) -> dict[str, Any]:
        return {
            "name": node.spec.name,
            "role": node.spec.role,
            "program": node.spec.program,
            "nodes": {name: {**_endpoint(n.data), "role": n.spec.role} for name, n in self._nodes.items()},
            "options": dict(self._spec.options),
            "bugs": list(self._spec.bugs),
            "seed": self._spec.seed,
            "data": str(node.folder / "data"),
            "log": str(node.folder / "node.log"),
            "events": str(node.folder / "events.jsonl"),
            "listen": _endpoint(node.data),
            "control": _endpoint(node.control),
            "key": self._key,
            "parent": os.getpid(),
        }

    async def _serving(self, node: _Node) -> None:
        loop = asyncio.get_running_loop()
        deadline = loop.time() + START_S_MAX
        while loop.time() < deadline:
            if not node.running:
                raise ClusterError(f"{node.spec.name} ended while it started: {self._words(node)}")
            status = await self.status(node.spec.name)
            if status is not None and status["serving"]:
                return
            await asyncio.sleep(0.01)
        raise ClusterError(f"{node.spec.name} does not serve after {START_S_MAX:g} s: {self._words(node)}")

    def _words(self, node: _Node) -> str:
        status = None if node.process is None else node.process.poll()
        files = [node.folder / "node.log", node.folder / "output.log"]
        said = "\n".join(file.read_text(errors="replace")[-2000:] for file in files if file.exists())
        return f"exit status {status}; it said:\n{said}"


class LoopbackProvider:
    """See :class:`harness.cluster.Provider`."""

    name = "loopback"
    summary = "node processes on this machine's loopback interface; no rights needed, no partitions"

    def examine(self) -> Sequence[Finding]:
        return (Finding("python3 for nodes", True, "every provider", node_python()),)

    def remove_leftovers(self) -> Sequence[str]:
        """Nothing is ever left: the kernel kills the nodes with the harness."""
        return ()

    async def create(self, spec: ClusterSpec, runtime: Runtime) -> LoopbackCluster:
        return LoopbackCluster(spec, runtime)


@cache
def node_python() -> str:
    """The system's Python where it is new enough, else the one that runs the harness."""
    check = "import sys; sys.exit(sys.version_info < (3, 11))"
    try:
        status = subprocess.run([_SYSTEM_PYTHON, "-S", "-c", check], check=False, timeout=10).returncode
    except OSError:
        return sys.executable
    return sys.executable if status else _SYSTEM_PYTHON


def free_ports(count: int) -> tuple[str, list[int]]:
    """An own loopback address and free ports on it.

    The address is random in 127/8, so that clusters at the same time do not meet; the ports lie below the kernel's
    range for outgoing connections, where one that nobody listens on could be connected to itself.
    """
    draw = random.SystemRandom()
    address = f"127.{draw.randrange(1, 255)}.{draw.randrange(256)}.{draw.randrange(1, 255)}"
    ports: list[int] = []
    for port in draw.sample(range(10_000, 30_000), 200):
        with socket.socket() as sock:
            try:
                sock.bind((address, port))
            except OSError:
                continue
        ports.append(port)
        if len(ports) == count:
            return address, ports
    raise OSError(f"found only {len(ports)} free ports on {address}; expected {count}")


def _endpoint(endpoint: tuple[str, int]) -> dict[str, Any]:
    return {"address": endpoint[0], "port": endpoint[1]}


async def _until_stopped(pid: int) -> None:
    """Wait until the kernel shows the process as stopped, or gone."""
    deadline = asyncio.get_running_loop().time() + STOP_S_MAX
    while asyncio.get_running_loop().time() < deadline:
        try:
            stopped = _process_state(pid) in "TtZX"
        except FileNotFoundError:
            return
        if stopped:
            return
        await asyncio.sleep(0.001)
    raise ClusterError(f"process {pid} is not seen stopped after {STOP_S_MAX:g} s")


def _process_state(pid: int) -> str:
    """The letter of proc(5); FileNotFoundError if the process is gone."""
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
