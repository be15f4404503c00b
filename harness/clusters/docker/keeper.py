"""The process that owns a docker engine of ours: it starts ``dockerd``, and ends it when no harness needs it any more.

A harness that needs the engine leaves a lease. The keeper looks at the leases a few times a second; when the last of
their processes has ended, however it did, it removes the containers that are left and ends the engine. Nobody has to
say good-bye.

The engine lives in network and mount namespaces of its own: this machine sees no bridge, no route, no rule and no mount
of it, and the kernel takes them back with its last process.
"""

from __future__ import annotations

import contextlib
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Final

from harness.clusters.docker.engine import client
from harness.clusters.docker.lease import DATA_ROOT, FOLDER, LOG, PID_FILE, SOCKET, engine_pid, is_leased, locked
from harness.clusters.docker.leftovers import remove_dead
from harness.clusters.local import syscalls

LINGER_S: Final = 2.0  # the next run of a series often comes at once
_POLL_S: Final = 0.2
_STOP_S_MAX: Final = 20.0

_CGROUPS: Final = Path("/sys/fs/cgroup")
_CGROUP: Final = "splitbrain-docker"
# No bridge but our networks' own, and nothing that leads out of them.
_OPTIONS: Final = ("--iptables=false", "--ip6tables=false", "--ip-forward=false", "--bridge=none",
                   f"--cgroup-parent=/{_CGROUP}", "--shutdown-timeout=3", "--log-level=warn")  # fmt: skip


def command() -> list[str]:
    """How ``dockerd`` is started."""
    return ["dockerd", f"--host=unix://{SOCKET}", f"--data-root={DATA_ROOT}", f"--exec-root={FOLDER / 'exec'}",
            f"--pidfile={PID_FILE}", *_OPTIONS]  # fmt: skip


def main() -> int:
    """Start the engine and stay until nobody needs it. 1 if it ended by itself."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _end_former()
    syscalls.unshare(syscalls.CLONE_NEWNET | syscalls.CLONE_NEWNS)
    syscalls.mount("none", "/", None, syscalls.MS_REC | syscalls.MS_PRIVATE)
    SOCKET.unlink(missing_ok=True)
    with LOG.open("wb") as log:
        engine = subprocess.Popen(
            command(), stdin=subprocess.DEVNULL, stdout=log, stderr=log,
            preexec_fn=lambda: syscalls.die_with_parent(signal.SIGTERM),  # noqa: PLW1509 - no threads here
        )  # fmt: skip
    free_since: float | None = None
    while engine.poll() is None:
        time.sleep(_POLL_S)
        if is_leased():
            free_since = None
        elif free_since is None:
            free_since = time.monotonic()
        elif time.monotonic() > free_since + LINGER_S and _end_if_free(engine):
            return 0
    return 1


def _end_former() -> None:
    """The engine of a keeper that was killed has got SIGTERM then (PDEATHSIG), and is waited for."""
    with contextlib.suppress(FileNotFoundError, ValueError):
        pid = engine_pid()
        deadline = time.monotonic() + _STOP_S_MAX
        while _is_engine(pid) and time.monotonic() < deadline:
            time.sleep(_POLL_S)
        if not _is_engine(pid):
            PID_FILE.unlink(missing_ok=True)


def _is_engine(pid: int) -> bool:
    with contextlib.suppress(FileNotFoundError, ProcessLookupError):
        return str(SOCKET).encode() in Path(f"/proc/{pid}/cmdline").read_bytes()
    return False


def _end_if_free(engine: subprocess.Popen[bytes]) -> bool:
    with locked():
        if is_leased():
            return False
        try:
            with client(f"unix://{SOCKET}") as opened:
                remove_dead(opened)
        finally:
            engine.terminate()
            try:
                engine.wait(_STOP_S_MAX)
            except subprocess.TimeoutExpired:
                engine.kill()
                engine.wait()
            SOCKET.unlink(missing_ok=True)
            _remove_cgroups()
    return True


def _remove_cgroups() -> None:
    """The engine removes those of its containers, and leaves the empty one around them."""
    for folder in (*_CGROUPS.glob(f"*/{_CGROUP}"), _CGROUPS / _CGROUP):
        with contextlib.suppress(OSError):  # there is none; or another engine's containers are in it
            folder.rmdir()


if __name__ == "__main__":
    sys.exit(main())
