"""Orders for the engine of this node's links: ``set ORDER`` (JSON, see ``network.engine.Order``) starts it, changes
what it does or ends it; ``stop INTERFACE`` ends it whatever it does. Each prints {"engine", "counts"}: which engine it
was, and what it counted."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import signal
import socket
import sys
import time
from pathlib import Path
from typing import Any, Final

from harness.agent.network import ORDER_BYTES_MAX, SOCKET

LOCK: Final = "/run/splitbrain/links.lock"
PID_FILE: Final = "/run/splitbrain/links.pid"
LOG: Final = "/var/log/node/links.log"
ANSWER_S_MAX: Final = 3.0
_GONE: Final[dict[str, Any]] = {"engine": None, "counts": {}}


def main(arguments: list[str]) -> None:
    verb, *rest = arguments
    os.makedirs(os.path.dirname(LOCK), exist_ok=True)
    with open(LOCK, "w", encoding="ascii") as lock:  # one order at a time: two of them must not start two engines
        fcntl.flock(lock, fcntl.LOCK_EX)
        answer = _set(rest[0]) if verb == "set" else _stop(rest[0])
    if "error" in answer:
        sys.exit(str(answer["error"]))
    print(json.dumps(answer))


def _set(order: str) -> dict[str, Any]:
    data, answer = json.loads(order), _ask(order)
    if answer is None and data["kinds"]:
        _start()
        answer = _ask(order) or {"error": "the engine of the links ended as it started; see links.log"}
        if "error" in answer:
            _kill()
            _tidy(data["interface"])
    elif not data["kinds"]:
        _tidy(data["interface"], has_rules=answer is None)  # an engine that ends has removed its own
    return answer or _GONE


def _stop(interface: str) -> dict[str, Any]:
    """For when it is not known what is there, or it does not obey."""
    answer = _ask(json.dumps({"interface": None, "ssh_port": 22, "kinds": {}}))
    _kill()
    _tidy(interface or None)
    return answer or _GONE


def _tidy(interface: str | None, *, has_rules: bool = True) -> None:
    """What an engine leaves: its files, and, if it was killed, its rules."""
    if has_rules:
        from harness.agent.network import rules  # an order to an engine that runs, the usual one, need not wait for it

        rules.remove(interface)
    for path in (SOCKET, PID_FILE):
        with contextlib.suppress(FileNotFoundError):
            os.unlink(path)


def _ask(order: str) -> dict[str, Any] | None:
    """What the engine answers; None if there is none, also because it hung and was killed."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as plug:
        plug.settimeout(ANSWER_S_MAX)
        try:
            plug.connect(SOCKET)
            plug.send(order.encode())
            answer = plug.recv(ORDER_BYTES_MAX)
        except TimeoutError:
            _kill()
            return None
        except (FileNotFoundError, ConnectionError):
            return None
    found: dict[str, Any] | None = json.loads(answer) if answer else None
    return found


def _start() -> None:
    """An engine of its own session, which listens when this returns; it has nothing of ours open."""
    with contextlib.suppress(FileNotFoundError):  # of one that was killed
        os.unlink(SOCKET)
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    mask = os.umask(0o177)
    listener.bind(SOCKET)
    os.umask(mask)
    listener.listen(16)
    pid = os.fork()
    if pid == 0:
        _become_engine(listener)
    listener.close()
    Path(PID_FILE).write_text(f"{pid} {_started(pid)}\n", "ascii")


def _become_engine(listener: socket.socket) -> None:
    """Never returns. Whatever goes wrong is in the log, and packets pass."""
    status = 1
    try:
        os.setsid()
        os.chdir("/")
        nothing, log = os.open(os.devnull, os.O_RDWR), os.open(LOG, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
        for own, target in ((nothing, 0), (nothing, 1), (log, 2)):
            os.dup2(own, target)
        _close_others(listener.fileno())
        from harness.agent.network.engine import Engine

        Engine(listener).run()
        status = 0
    except Exception:  # noqa: BLE001 - the end of this process, and nobody else would report it
        sys.excepthook(*sys.exc_info())
    finally:
        os._exit(status)


def _close_others(kept: int) -> None:
    for name in os.listdir("/proc/self/fd"):
        if int(name) > 2 and int(name) != kept:
            with contextlib.suppress(OSError):  # the listing's own
                os.close(int(name))


def _kill() -> None:
    """SIGKILL to the engine of the pid file, if it is still that process."""
    try:
        pid, started = Path(PID_FILE).read_text("ascii").split()
        if _started(int(pid)) == started:
            os.kill(int(pid), signal.SIGKILL)
        deadline = time.monotonic() + ANSWER_S_MAX
        while _started(int(pid)) == started and time.monotonic() < deadline:
            time.sleep(0.002)
    except (FileNotFoundError, ProcessLookupError, ValueError):
        return


def _started(pid: int) -> str | None:
    """When a process started, as the kernel has it; None if there is none, or only a dead one."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text("ascii", "replace").rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return None
    return None if fields[0] in "ZX" else fields[19]
