"""The docker engine: one that answers on this machine, or, where there is none, one of our own while we need it."""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from harness.cluster import ClusterError
from harness.clusters.docker import lease
from harness.clusters.local.isolation import PATH
from harness.clusters.local.syscalls import CLONE_NEWNET
from harness.clusters.namespace import inside

if TYPE_CHECKING:
    from docker import DockerClient

SYSTEM_SOCKET: Final = Path("/var/run/docker.sock")
OWN: Final = f"unix://{lease.SOCKET}"
HOST_VARIABLE: Final = "DOCKER_HOST"
REQUEST_TIMEOUT_S: Final = 60
START_S_MAX: Final = 30.0
_KEEPER: Final = "harness.clusters.docker.keeper"
_PING: Final = b"GET /_ping HTTP/1.0\r\nHost: localhost\r\n\r\n"
_PING_TIMEOUT_S: Final = 2.0
_ROOT: Final = Path(__file__).resolve().parents[3]


@dataclass(frozen=True, slots=True)
class Engine:
    """``host`` is where it listens; ``network`` a descriptor of the network namespace in which its bridges are, None if
    that is this process's own. Who has got one closes it."""

    host: str
    network: int | None = None

    def socket(self) -> socket.socket:
        """A new TCP socket from which containers are reached."""
        if self.network is None:
            return socket.socket()
        return inside(self.network, CLONE_NEWNET, socket.socket)

    def close(self) -> None:
        if self.network is not None:
            os.close(self.network)


def answering() -> str | None:
    """The address of an engine that answers now: the one DOCKER_HOST names, this machine's, or one of our own."""
    named = os.environ.get(HOST_VARIABLE)
    hosts = [named] if named else [f"unix://{SYSTEM_SOCKET}", OWN]
    return next((host for host in hosts if _answers(host)), None)


def can_start() -> bool:
    """Whether an engine of our own can be started where none answers."""
    return os.geteuid() == 0 and not os.environ.get(HOST_VARIABLE) and program() is not None


def program() -> str | None:
    return shutil.which("dockerd", path=PATH)


def hold() -> Engine:
    """An engine that answers as long as this process lives. Starts our own where there is no other; that one ends by
    itself soon after the last process that holds it. Raises ClusterError."""
    host = answering()
    if host is not None and host != OWN:
        return Engine(host)
    if not can_start():
        raise ClusterError("no docker engine answers, and none can be started: that takes root and dockerd "
                           "(apt-get install -y --no-install-recommends docker.io)")  # fmt: skip
    lease.make_folders()
    with lease.locked():
        lease.take_lease()
        if not _answers(OWN):
            _start()
        return _own()


def present() -> Engine | None:
    """As :func:`hold`, but None where no engine answers: none is started."""
    host = answering()
    if host is None or host != OWN:
        return None if host is None else Engine(host)
    with lease.locked():  # it may be about to end; not while it is held
        if not _answers(OWN):
            return None
        lease.take_lease()
        return _own()


def _own() -> Engine:
    return Engine(OWN, os.open(f"/proc/{lease.engine_pid()}/ns/net", os.O_RDONLY | os.O_CLOEXEC))


@contextlib.contextmanager
def client(host: str) -> Iterator[DockerClient]:
    """A client of the engine, for the length of a block."""
    from docker import DockerClient

    with contextlib.closing(DockerClient(base_url=host, timeout=REQUEST_TIMEOUT_S, max_pool_size=64)) as opened:
        yield opened


def _answers(host: str) -> bool:
    """Without the client library, which takes a quarter of a second to load. Only engines on this machine will do."""
    if not host.startswith("unix://"):
        return False
    try:
        with socket.socket(socket.AF_UNIX) as sock:
            sock.settimeout(_PING_TIMEOUT_S)
            sock.connect(host.removeprefix("unix://"))
            sock.sendall(_PING)
            return b" 200 " in sock.recv(64)
    except OSError:
        return False


def _start() -> None:
    environment = {**os.environ, "PYTHONPATH": str(_ROOT), "PATH": f"{PATH}:{os.environ.get('PATH', '')}"}
    started = subprocess.Popen(
        [sys.executable, "-m", _KEEPER], env=environment, cwd="/", start_new_session=True,
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    deadline = time.monotonic() + START_S_MAX
    while not _answers(OWN):
        if started.poll() is not None or time.monotonic() > deadline:
            raise ClusterError(f"our own docker engine does not start; it said: {_last_words()}")
        time.sleep(0.05)


def _last_words() -> str:
    with contextlib.suppress(FileNotFoundError):
        return lease.LOG.read_text("utf-8", "replace").strip()[-500:] or "nothing"
    return "nothing"
