"""The real :class:`harness.node.machine.Machine`: files and processes of the machine that a keeper is on.

A process is started by ``setpriv``, which gives up rights and asks the kernel for its end when the keeper ends; what
descends from it is found by ``harness.node.family``. The keeper adopts orphans below it, so it also buries them.
"""

from __future__ import annotations

import asyncio
import ctypes
import errno
import os
import pwd
import shutil
import signal
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import IO, Final

from harness.node.family import MARK, Family, started_at
from harness.node.machine import CommandError, Completed
from harness.node.witness import Count, Witness

OUTPUT_CHARACTERS_MAX: Final = 1 << 20
LAST_WORDS_CHARACTERS_MAX: Final = 400
LAST_LINES: Final = 3
BURY_EVERY_S: Final = 1.0
PATH: Final = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
PIPE: Final = asyncio.subprocess.PIPE
DEVNULL: Final = asyncio.subprocess.DEVNULL

_PR_SET_CHILD_SUBREAPER: Final = 36

Exited = Callable[[str, int, str], None]
"""Told when a vital process has ended by itself: its name, its status, the last line that it printed."""


class HostProcess:
    """See :class:`harness.node.machine.Process`."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        self.expected = False
        """Whether it was us who ended it."""

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def status(self) -> int | None:
        return self._process.returncode

    async def ended(self) -> int:
        """Its status, when it is gone."""
        return await self._process.wait()

    async def terminate(self, patience_ms: float = 5000) -> int:
        self.expected = True
        with suppress(ProcessLookupError):
            self._process.send_signal(signal.SIGTERM)
        try:
            async with asyncio.timeout(patience_ms / 1000):
                return await self._process.wait()
        except TimeoutError:
            with suppress(ProcessLookupError):
                self._process.kill()
            return await self._process.wait()


class HostMachine:
    """See :class:`harness.node.machine.Machine`. ``exited`` is told of a vital process that ends by itself."""

    def __init__(self, name: str, addresses: Mapping[str, str], data: str, logs: str, exited: Exited) -> None:
        self._name, self._addresses, self._data, self._logs = name, addresses, data, logs
        self._exited = exited
        self._started: set[int] = set()
        self._witness: Witness | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        for folder in (data, logs):
            os.makedirs(folder, exist_ok=True)
        _adopt_orphans()
        self._watch(self._bury())

    @property
    def address(self) -> str:
        return self._addresses[self._name]

    @property
    def addresses(self) -> Mapping[str, str]:
        return self._addresses

    @property
    def data(self) -> str:
        return self._data

    @property
    def logs(self) -> str:
        return self._logs

    def exists(self, path: str) -> bool:
        return os.path.exists(path)

    def folder(self, path: str, user: str | None = None, mode: int = 0o700) -> None:
        os.makedirs(path, exist_ok=True)
        os.chmod(path, mode)
        _give(path, user)

    def read(self, path: str) -> str:
        return Path(path).read_text("utf-8")

    def write(self, path: str, text: str, user: str | None = None, mode: int = 0o600) -> None:
        new = f"{path}.new"
        fd = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, mode)
        with open(fd, "w", encoding="utf-8") as file:
            os.fchmod(fd, mode)
            _give(new, user)
            file.write(text)
            file.flush()
            os.fsync(fd)
        os.replace(new, path)

    def remove(self, path: str) -> None:
        try:
            if os.path.isdir(path) and not os.path.islink(path):
                shutil.rmtree(path)
            else:
                os.unlink(path)
        except FileNotFoundError:
            return

    async def run(self, *argv: str, user: str | None = None, input_text: str | None = None, check: bool = True,
                  timeout_ms: float = 30_000) -> Completed:  # fmt: skip
        process = await _begin(argv, user, {}, DEVNULL if input_text is None else PIPE, PIPE, PIPE)
        try:
            async with asyncio.timeout(timeout_ms / 1000):
                output, errors = await process.communicate(None if input_text is None else input_text.encode())
        except TimeoutError:
            await _end_session(process)
            raise CommandError(f"{_shown(argv)} is not done after {timeout_ms:g} ms, and was killed") from None
        assert process.returncode is not None, "it was waited for"
        done = Completed(argv, process.returncode, _text(output), _text(errors))
        if check and done.status:
            raise CommandError(f"{_shown(argv)}: status {done.status}: {_end(done.stderr or done.stdout)}")
        return done

    async def spawn(self, name: str, *argv: str, user: str | None = None,
                    environment: Mapping[str, str] | None = None, vital: bool = True) -> HostProcess:  # fmt: skip
        with open(f"{self._logs}/{name}.log", "ab") as log:  # noqa: ASYNC230 - as every call of a keeper to its disk
            started = HostProcess(await _begin(argv, user, environment or {}, DEVNULL, log, log))
        self._started.add(started.pid)
        self._watch(self._attend(name, started, vital))
        return started

    async def end_all(self, patience_ms: float) -> None:
        """SIGTERM to every process that was spawned and runs, SIGKILL ``patience_ms`` later; to their families, too."""
        for task in self._tasks:
            task.cancel()
        deadline = asyncio.get_running_loop().time() + patience_ms / 1000
        for pid in self._started:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGTERM)
        while any(map(_lives, self._started)) and asyncio.get_running_loop().time() < deadline:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
        self.end_family()

    def end_family(self) -> None:
        """Kill all that is below this process. What cannot be killed in a while is left to the kernel."""
        with suppress(OSError):
            _family().kill()

    def attest(self, count: Count) -> None:
        """From now on count what the database meets (``harness.node.witness``)."""
        self._witness = Witness(_family(), self._logs, count)
        self._watch(self._witness.look_on())

    async def _attend(self, name: str, process: HostProcess, vital: bool) -> None:
        status = await process.ended()
        self._started.discard(process.pid)
        if vital and not process.expected:
            if self._witness is not None:
                self._witness.look()  # at its last words, above all
            self._exited(name, status, self._last_words(name))

    def _last_words(self, name: str) -> str:
        with open(f"{self._logs}/{name}.log", "rb") as log:
            log.seek(max(0, os.fstat(log.fileno()).st_size - 4096))
            return _end(log.read().decode("utf-8", "replace"))

    async def _bury(self) -> None:
        """Wait for orphans that were adopted and have ended: those seen dead twice whom nobody here has started, who
        would be waited for in vain."""
        seen = set[int]()
        while True:
            await asyncio.sleep(BURY_EVERY_S)
            dead = {pid for pid in _dead_children() if pid not in self._started}
            for pid in dead & seen:
                with suppress(ChildProcessError):
                    os.waitpid(pid, os.WNOHANG)  # noqa: ASYNC222 - does not wait
            seen = dead

    def _watch(self, work: Awaitable[None]) -> None:
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


def _family() -> Family:
    """All that is below this process."""
    own = os.getpid()
    started = started_at(own)
    assert started is not None, "this process is there"
    return Family((own, started))


def mark_family() -> None:
    """From now on this process and all that it starts carry the mark of a keeper's family, where the kernel lets us."""
    with suppress(OSError), open("/proc/self/oom_score_adj", "w", encoding="ascii") as file:
        file.write(str(MARK))


async def _begin(argv: tuple[str, ...], user: str | None, environment: Mapping[str, str], stdin: int,
                 stdout: int | IO[bytes], stderr: int | IO[bytes]) -> asyncio.subprocess.Process:  # fmt: skip
    account = _account(user)
    rights = () if user is None else (f"--reuid={account.pw_uid}", f"--regid={account.pw_gid}", "--init-groups")
    variables = {"PATH": PATH, "LC_ALL": "C.UTF-8", "HOME": account.pw_dir, **environment}
    command = ("setpriv", "--pdeathsig=KILL", *rights, "--", *argv)
    return await asyncio.create_subprocess_exec(
        *command, stdin=stdin, stdout=stdout, stderr=stderr, cwd="/", env=variables, start_new_session=True
    )


async def _end_session(process: asyncio.subprocess.Process) -> None:
    """Of a command that takes too long, with what it has started."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    await process.wait()


def _adopt_orphans() -> None:
    if ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno() or errno.EPERM, "prctl(PR_SET_CHILD_SUBREAPER)")


def _dead_children() -> Iterator[int]:
    own = os.getpid()
    for name in os.listdir("/proc"):
        if name.isdecimal():
            with (
                suppress(FileNotFoundError, ProcessLookupError),
                open(f"/proc/{name}/stat", encoding="latin-1") as file,
            ):
                state, parent, *_ = file.read().rpartition(")")[2].split()
                if state == "Z" and int(parent) == own:
                    yield int(name)


def _lives(pid: int) -> bool:
    with suppress(FileNotFoundError, ProcessLookupError), open(f"/proc/{pid}/stat", encoding="latin-1") as file:
        return file.read().rpartition(")")[2].split()[0] not in "ZX"
    return False


def _give(path: str, user: str | None) -> None:
    account = _account(user)
    os.chown(path, account.pw_uid, account.pw_gid)


def _account(user: str | None) -> pwd.struct_passwd:
    """Without a user, that of the keeper itself: root on a node."""
    try:
        return pwd.getpwuid(os.geteuid()) if user is None else pwd.getpwnam(user)
    except KeyError:
        raise CommandError(f"read the user {user!r}; expected one of this node's: is its package installed?") from None


def _shown(argv: tuple[str, ...]) -> str:
    return " ".join(argv)[:200]


def _text(data: bytes | None) -> str:
    return (data or b"").decode("utf-8", "replace")[-OUTPUT_CHARACTERS_MAX:]


def _end(text: str) -> str:
    """The last lines."""
    lines = [line.strip() for line in text.splitlines() if line.strip()][-LAST_LINES:]
    return " / ".join(lines)[-LAST_WORDS_CHARACTERS_MAX:] or "it printed nothing"
