"""The harness's hold on the namespaces of one run: it starts their supervisor, reaches in, and lets go.

All functions block; none needs the main thread (nothing here relies on PDEATHSIG, which follows threads).
"""

from __future__ import annotations

import contextlib
import os
import select
import signal
import socket
import subprocess
import threading
from pathlib import Path
from typing import Final, Literal

from harness.cluster import ClusterError
from harness.clusters.local import isolation, leftovers, syscalls
from harness.clusters.local.protocol import MESSAGE_BYTES_MAX, RUN_VARIABLE, FabricRequest, SwitchRequest
from harness.clusters.namespace import inside

_ROOT: Final = Path(__file__).resolve().parents[3]
_BOOT: Final = (
    "import sys; sys.path.insert(0, {!r}); from harness.clusters.local import supervisor as s; s.main({}, {})"
)
_UNSHARE: Final = ("unshare", "--net", "--mount", "--pid", "--uts", "--ipc", "--fork", "--kill-child=SIGKILL")
_FDS_MAX: Final = 250
END_SECONDS_MAX: Final = 4.0


class Fabric:
    """The namespaces of one run. ``start`` once, ``stop`` any number of times, from any thread and in any state."""

    def __init__(self) -> None:
        self.folder = leftovers.new_run_folder()
        self._process: subprocess.Popen[bytes] | None = None
        self._channel: socket.socket | None = None
        self._fds: list[int] = []
        self._stopped = False
        self._disks: tuple[bool, ...] = ()
        self._asking = threading.Lock()

    def start(self, request: FabricRequest, timeout_s: float = 30.0) -> None:
        """Build everything; returns when each node's sshd was started. Raises ClusterError with the reason."""
        own, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._channel = own
        self._disks = tuple(node.disk for node in request.nodes)
        with theirs:
            self._process = _start_supervisor(theirs.fileno(), self.folder.name)
        if self._stopped:  # meanwhile, by another thread that could not see the process
            _end_supervisor(self._process, [])
            raise ClusterError("the cluster was removed while it was made")
        leftovers.record_supervisor(self.folder, self._process.pid)
        own.settimeout(timeout_s)
        try:
            self._receive(own)  # the hello
            own.send(request.encode())
            self._receive(own)
        except OSError as error:
            raise ClusterError(f"the local cluster's supervisor: {error or 'no answer'}") from error

    def _receive(self, channel: socket.socket, wish: str = "be built") -> list[int]:
        """The file descriptors of an answer, which are kept, too. Raises ClusterError with what it complains of."""
        answer, fds, _, _ = socket.recv_fds(channel, MESSAGE_BYTES_MAX, _FDS_MAX)
        self._fds += fds
        if answer != b"{}":
            raise ClusterError(f"the local cluster could not {wish}: {_reason(answer)}")
        return fds

    def switch(self, index: int, on: bool) -> None:
        """Turn the ``index``-th node (from 1) off, with all its processes, or on. Raises ClusterError."""
        wish = f"turn its node {index} {'on' if on else 'off'}"
        with self._asking:
            if self._channel is None or self._stopped:
                raise ClusterError("the cluster has been removed")
            try:
                self._channel.send(SwitchRequest(index, on).encode())
                fds = self._receive(self._channel, wish)
            except OSError as error:
                raise ClusterError(f"the local cluster could not {wish}: {error}") from error
            if fds:
                os.dup2(fds[0], self._fds[2 + index], inheritable=False)
                os.close(self._fds.pop())

    def socket(self, network: Literal["fabric", "clients"], kind: int = socket.SOCK_STREAM) -> socket.socket:
        """A new IPv4 socket that lives in the fabric's or the clients' network namespace."""
        fd = self._fds[1 if network == "fabric" else 2]
        return inside(fd, syscalls.CLONE_NEWNET, lambda: socket.socket(socket.AF_INET, kind))

    def has_disk(self, index: int) -> bool:
        """Whether the ``index``-th node (from 1) has a file system of its own for its data."""
        return self._disks[index - 1]

    def node_pid(self, index: int) -> int:
        """The process id, as this process sees it, of the first process of the ``index``-th node (from 1)."""
        info = Path(f"/proc/self/fdinfo/{self._fds[2 + index]}").read_text("utf-8")
        return int(next(line for line in info.splitlines() if line.startswith("Pid:")).split()[1])

    def stop(self) -> None:
        """Kill everything and return when it is gone. Takes no lock: it may run in a signal handler."""
        if self._stopped:
            return
        self._stopped = True
        if self._channel is not None:
            with contextlib.suppress(OSError):  # the other end is gone already
                self._channel.shutdown(socket.SHUT_RDWR)
        _end_supervisor(self._process, self._fds)
        while self._fds:
            os.close(self._fds.pop())
        leftovers.remove_run_folder(self.folder)


def _start_supervisor(channel: int, run: str) -> subprocess.Popen[bytes]:
    pidfd = os.pidfd_open(os.getpid())
    try:
        # A session of its own: Ctrl-C in the terminal is for the harness, which then decides what happens to nodes.
        return subprocess.Popen(
            isolation.command("supervisor", channel, pidfd),
            pass_fds=(channel, pidfd), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL, start_new_session=True, env={"PATH": isolation.PATH, RUN_VARIABLE: run},
        )  # fmt: skip
    finally:
        os.close(pidfd)


def _end_supervisor(process: subprocess.Popen[bytes] | None, fds: list[int]) -> None:
    """Kill PID 1 of the run and wait: by then the kernel has killed and reaped all below it."""
    if process is None:
        return
    own = None if fds or process.poll() is not None else _pidfd_of_child(process.pid)  # before there was a hello
    first = fds[0] if fds else own
    if first is not None:
        if len(fds) > 1:  # it was built, and ends by itself, in good order: no disk stays frozen
            select.select([first], [], [], END_SECONDS_MAX)
        with contextlib.suppress(ProcessLookupError):  # it may have ended
            signal.pidfd_send_signal(first, signal.SIGKILL)
        select.select([first], [], [], 5.0)
    if own is not None:
        os.close(own)
    process.kill()  # unshare(1) itself; a child that it makes only now dies with it (--kill-child)
    process.wait(5.0)


def _pidfd_of_child(pid: int) -> int | None:
    """A pidfd of the process's only child; None if it has none (yet), or the kernel does not tell."""
    try:
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text("utf-8").split()
        return os.pidfd_open(int(children[0])) if children else None
    except (FileNotFoundError, ProcessLookupError):
        return None


def _reason(answer: bytes) -> str:
    return answer.decode("utf-8", "replace") if answer else "its supervisor ended without a word"
