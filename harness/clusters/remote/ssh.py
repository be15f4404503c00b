"""SSH to one node: commands, files and tunnels over a single paramiko transport, the same for every provider.

``Connection`` blocks and is what threads use; ``SshShell`` is the asynchronous ``Shell`` on top of it. Every wait is
bounded twice: inside paramiko where it can be, and by a watchdog that cuts the socket where paramiko waits for ever
(it does after "exec" and "subsystem" requests, should the node freeze just then). A broken transport is made anew at
the next use. What was under way when it broke may have happened or not. So it is repeated by kind: what is idempotent
(looking, writing a whole file, setting a state whatever it was before) once more, within the same time, and only if the
caller says that it is (``idempotent=True``); anything else, above all a start, never. A process started on the node
outlives the session, so callers that start something track its process id.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import posixpath
import shlex
import socket
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Executor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Final, TypeVar

import paramiko

from harness.cluster import ShellError, ShellResult

T = TypeVar("T")

OUTPUT_BYTES_MAX: Final = 16 << 20
CONNECT_TIMEOUT_S: Final = 10.0
_KEEPALIVE_S: Final = 1
_USER_TIMEOUT_MS: Final = 3000  # with the keepalive, a dead link is noticed within 4 s
_WATCHDOG_GRACE_S: Final = 1.0
_NO_STATUS: Final = -1  # paramiko's, of a command whose end was not reported
_TRANSFER_TIMEOUT_S: Final = 30.0

# What goes wrong is in our errors; without a handler the library's own tracebacks would land on standard error.
logging.getLogger("paramiko").addHandler(logging.NullHandler())


@dataclass(frozen=True, slots=True)
class SshAddress:
    """How to reach a node: ``open_socket`` makes an unconnected TCP socket in the right place (a network namespace, or
    just here); only ``host_key`` is believed, and only ``key`` is offered."""

    node: str
    host: str
    port: int
    user: str
    key: paramiko.PKey
    host_key: paramiko.PKey
    open_socket: Callable[[], socket.socket]


class BrokenConnectionError(ShellError):
    """The connection ended, or none could be made, before the answer was there: what was asked may have happened."""


class Connection:
    """One transport to one node, made when first needed and again after it broke. Usable from many threads."""

    def __init__(self, address: SshAddress) -> None:
        self.address = address
        self._lock = threading.Lock()
        self._transport: paramiko.Transport | None = None
        self._socket: socket.socket | None = None
        self._closed = False
        self._suspended = ""

    def execute(self, command: tuple[str, ...], stdin: str | None, timeout_s: float) -> ShellResult:
        """Run a command to its end. Raises ShellError when it cannot be run, or has not ended in time."""
        deadline = time.monotonic() + timeout_s
        with (
            self._explained(f"command {shown(command)}", timeout_s),
            contextlib.closing(self._session(deadline)) as channel,
        ):
            content = None if stdin is None else stdin.encode()
            channel.exec_command(_with_input(command, content))
            if content is not None:
                channel.settimeout(_left(deadline))
                channel.sendall(content)
            stdout = _read_to_end(channel, channel.recv, deadline)
            stderr = _read_to_end(channel, channel.recv_stderr, deadline)
            if not channel.status_event.wait(_left(deadline)):
                raise TimeoutError
            status = channel.recv_exit_status()
            if status == _NO_STATUS and not channel.get_transport().is_active():
                raise EOFError("the connection ended before the command did")
            return ShellResult(command, status, stdout, stderr)

    @contextlib.contextmanager
    def files(self, what: str, timeout_s: float = _TRANSFER_TIMEOUT_S) -> Iterator[paramiko.SFTPClient]:
        """SFTP for the length of a block; ``what`` is for the error text. FileNotFoundError passes through."""
        deadline = time.monotonic() + timeout_s
        with self._explained(what, timeout_s):
            channel = self._session(deadline)
            channel.settimeout(_left(deadline))
            channel.invoke_subsystem("sftp")
            with contextlib.closing(paramiko.SFTPClient(channel)) as client:
                yield client

    @contextlib.contextmanager
    def tunnel(self, port: int, timeout_s: float) -> Iterator[paramiko.Channel]:
        """A TCP connection to 127.0.0.1:``port`` on the node. Raises ShellError, also when nobody listens there."""
        deadline = time.monotonic() + timeout_s
        with self._explained(f"tunnel to port {port}", timeout_s):
            target, origin = ("127.0.0.1", port), ("127.0.0.1", 0)
            with contextlib.closing(self._channel(deadline, "direct-tcpip", target, origin)) as channel:
                yield channel

    def break_off(self) -> None:
        """Cut the TCP connection: every thread that waits on it raises. Takes no lock; the next use connects anew."""
        if self._socket is not None:
            with contextlib.suppress(OSError):  # not connected yet, or already cut
                self._socket.shutdown(socket.SHUT_RDWR)

    def suspend(self, reason: str) -> None:
        """From now on whatever is asked fails at once, for that reason, until :meth:`resume`: the node is known to be
        out of reach."""
        self._suspended = reason
        self.break_off()

    def resume(self) -> None:
        self._suspended = ""

    def close(self) -> None:
        """Cut it for good. Takes no lock and waits for nothing, so a signal handler may call it."""
        self._closed = True
        self.break_off()

    def _session(self, deadline: float) -> paramiko.Channel:
        return self._channel(deadline, "session", None, None)

    def _channel(
        self, deadline: float, kind: str, target: tuple[str, int] | None, origin: tuple[str, int] | None
    ) -> paramiko.Channel:
        """A new channel. A transport that turns out to be dead is replaced, once: nothing was asked of the node yet."""
        transport, left = self._ready_transport(deadline), _left(deadline)
        try:
            channel = transport.open_channel(kind, target, origin, timeout=left)
        except (EOFError, OSError, paramiko.SSHException) as error:
            if isinstance(error, paramiko.SSHException) and transport.is_active():
                raise  # refused by a living node, or not answered in time
            self._forget(transport)
            channel = self._ready_transport(deadline).open_channel(kind, target, origin, timeout=_left(deadline))
        channel.settimeout(_left(deadline))
        return channel

    def _forget(self, transport: paramiko.Transport) -> None:
        with self._lock:
            if self._transport is transport:
                self._transport = None
        transport.close()

    def _ready_transport(self, deadline: float) -> paramiko.Transport:
        if not self._lock.acquire(timeout=_left(deadline)):
            raise TimeoutError
        try:
            self._check_wanted()
            if self._transport is None or not self._transport.is_active():
                self._transport = self._connect(deadline)
            return self._transport
        finally:
            self._lock.release()

    def _check_wanted(self) -> None:
        if self._closed:
            raise ConnectionAbortedError("the cluster is being removed")
        if self._suspended:
            raise ConnectionAbortedError(self._suspended)

    def _connect(self, deadline: float) -> paramiko.Transport:
        """A new authenticated transport; the port may not be open yet on a node that just came up."""
        self._socket = _connected(self.address, min(deadline, time.monotonic() + CONNECT_TIMEOUT_S), self._check_wanted)
        transport = paramiko.Transport(self._socket)
        transport.banner_timeout = transport.handshake_timeout = transport.auth_timeout = _left(deadline)
        try:
            transport.start_client(timeout=_left(deadline))
            _left(deadline)  # paramiko returns without a word when that took too long
            if transport.get_remote_server_key() != self.address.host_key:
                raise paramiko.SSHException("it shows another host key than the one made for it")
            transport.auth_publickey(self.address.user, self.address.key)
        except BaseException:
            transport.close()
            raise
        transport.set_keepalive(_KEEPALIVE_S)
        return transport

    @contextlib.contextmanager
    def _explained(self, what: str, timeout_s: float) -> Iterator[None]:
        """Turn whatever paramiko raises into a ShellError that names node, action and cause."""
        where = f"node {self.address.node} ({self.address.host}): {what}"
        try:
            yield
        except FileNotFoundError:
            raise
        except TimeoutError as error:
            raise ShellError(f"{where}: not done after {timeout_s:g} s; is the node frozen or cut off?") from error
        except (paramiko.SSHException, OSError, EOFError) as error:
            cause = str(error) or type(error).__name__
            broken = self._transport is None or not self._transport.is_active()
            kind = BrokenConnectionError if broken else ShellError
            raise kind(f"{where}: {cause} (limit {timeout_s:g} s)") from error


class SshShell:
    """The ``Shell`` of one node. Blocking work goes to ``pool``; a cancelled call leaves its thread to its timeout."""

    def __init__(self, connection: Connection, pool: Executor) -> None:
        self.connection = connection
        self._pool = pool

    async def run(
        self,
        *command: str,
        input_text: str | None = None,
        check: bool = True,
        timeout_s: float = 10.0,
        idempotent: bool = False,
    ) -> ShellResult:
        """See :class:`harness.cluster.Shell`. ``idempotent``: it may be done twice, so it is tried once more if the
        connection breaks."""

        def execute(left_s: float) -> ShellResult:
            return self.connection.execute(command, input_text, left_s)

        result = await (self.repeated(execute, timeout_s) if idempotent else
                        self.blocking(partial(execute, timeout_s), timeout_s))  # fmt: skip
        if check and result.status != 0:
            raise ShellError(_complaint(self.connection.address.node, result))
        return result

    async def upload(self, local: Path, remote: str, mode: int = 0o644) -> None:
        await self.repeated(lambda _: _put(self.connection, local, remote, mode), _TRANSFER_TIMEOUT_S)

    async def write(self, remote: str, content: bytes, mode: int = 0o644) -> None:
        await self.repeated(lambda _: _write(self.connection, remote, content, mode), _TRANSFER_TIMEOUT_S)

    async def download(self, remote: str, local: Path) -> bool:
        return await self.repeated(lambda _: _get(self.connection, remote, local), _TRANSFER_TIMEOUT_S)

    async def repeated(self, work: Callable[[float], T], timeout_s: float) -> T:
        """:meth:`blocking`, for what is idempotent: once more if the connection broke, in the time that is left, which
        ``work`` is told, in seconds."""
        deadline = time.monotonic() + timeout_s
        try:
            return await self.blocking(partial(work, timeout_s), timeout_s)
        except BrokenConnectionError:
            if (left_s := deadline - time.monotonic()) <= 0:
                raise
            return await self.blocking(partial(work, left_s), left_s)

    async def blocking(self, work: Callable[[], T], timeout_s: float) -> T:
        """Do blocking work on the connection in the pool, under the watchdog."""
        try:
            future = asyncio.get_running_loop().run_in_executor(self._pool, work)
        except RuntimeError as error:  # the pool has been shut down
            raise ShellError(f"node {self.connection.address.node}: the cluster has been removed") from error
        future.add_done_callback(_look_at)
        done, _ = await asyncio.wait([future], timeout=timeout_s + _WATCHDOG_GRACE_S)
        if not done:
            self.connection.break_off()
            done, _ = await asyncio.wait([future], timeout=_WATCHDOG_GRACE_S)
        if not done:
            raise ShellError(f"node {self.connection.address.node}: no answer within {timeout_s:g} s")
        return future.result()


def _with_input(command: tuple[str, ...], content: bytes | None) -> str:
    """The command line, with an end to its input that needs no end-of-file message.

    Paramiko sends that message after having let go of the channel's lock; if the command ends in just that moment, the
    message follows the channel's close, and sshd cuts the whole transport ("ieof packet referred to nonexistent
    channel"). So the node itself ends the input: it is empty, or has a known length.
    """
    line = shlex.join(command)
    return f"{line} </dev/null" if content is None else f"head -c {len(content)} | {line}"


def _connected(address: SshAddress, deadline: float, check_wanted: Callable[[], None]) -> socket.socket:
    """A TCP connection to the node's sshd; refusals are tried again until the deadline, or ``check_wanted`` raises."""
    while True:
        check_wanted()
        plug = address.open_socket()
        try:
            plug.settimeout(_left(deadline))
            # Without TCP_NODELAY a command takes 50 ms instead of 3: paramiko writes small packets.
            plug.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            plug.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, _USER_TIMEOUT_MS)
            plug.connect((address.host, address.port))
        except ConnectionRefusedError:
            plug.close()
            if time.monotonic() + 0.01 >= deadline:
                raise
            time.sleep(0.01)
        except BaseException:
            plug.close()
            raise
        else:
            return plug


def shown(command: tuple[str, ...]) -> str:
    """A command for an error text: of an argument with several lines (a script) the first, which says what it does."""
    lines = (argument.split("\n", 1) for argument in command)
    return " ".join(shlex.quote(line[0]) + ("..." if len(line) > 1 else "") for line in lines)[:500]


def _look_at(future: asyncio.Future[Any]) -> None:
    """What failed after its caller was cancelled is nobody's any more: not worth asyncio's complaint."""
    if not future.cancelled():
        future.exception()


def _left(deadline: float) -> float:
    """Seconds until the deadline. Raises TimeoutError when it has passed."""
    left = deadline - time.monotonic()
    if left <= 0:
        raise TimeoutError
    return left


def _read_to_end(channel: paramiko.Channel, receive: Callable[[int], bytes], deadline: float) -> str:
    """One output stream to its end. The other one meanwhile fits paramiko's 2 MiB window: our commands say little."""
    parts: list[bytes] = []
    size = 0
    while True:
        channel.settimeout(_left(deadline))
        part = receive(1 << 16)
        if not part:
            return b"".join(parts).decode("utf-8", "replace")
        parts.append(part)
        size += len(part)
        if size > OUTPUT_BYTES_MAX:
            raise paramiko.SSHException(f"it printed more than {OUTPUT_BYTES_MAX} bytes")


def _complaint(node: str, result: ShellResult) -> str:
    printed = (result.stderr.strip() or result.stdout.strip() or "nothing")[-1000:]
    return f"node {node}: command {shown(result.command)}: status {result.status}; it printed: {printed}"


def _put(connection: Connection, local: Path, remote: str, mode: int) -> None:
    with connection.files(f"upload of {local} to {remote}") as client:
        _replace(client, remote, mode, lambda name: client.put(str(local), name))


def _write(connection: Connection, remote: str, content: bytes, mode: int) -> None:
    def put(name: str) -> None:
        with client.open(name, "wb") as file:
            file.write(content)

    with connection.files(f"write of {remote}") as client:
        _replace(client, remote, mode, put)


def _replace(client: paramiko.SFTPClient, remote: str, mode: int, put: Callable[[str], Any]) -> None:
    """Write beside the file, then rename over it: a reader sees the old one or the new one, whole."""
    folder, name = posixpath.split(remote)
    beside = posixpath.join(folder, f".{name}.new")
    try:
        put(beside)
        client.chmod(beside, mode)
        client.posix_rename(beside, remote)
    except FileNotFoundError as error:
        raise ShellError(f"cannot write {remote}: there is no folder {folder} on the node") from error


def _get(connection: Connection, remote: str, local: Path) -> bool:
    try:
        with connection.files(f"download of {remote}") as client:
            client.get(remote, str(local))
    except FileNotFoundError:
        local.unlink(missing_ok=True)
        return False
    return True
