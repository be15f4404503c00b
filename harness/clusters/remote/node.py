"""Everything the harness does *on* a node, over SSH only, so that it is the same for namespaces, containers, machines.

The scripts are constants and get their data as positional arguments; nothing is ever pasted into shell text. A
process is known by its id *and* start time (the pid file has both), so a signal cannot hit a stranger that got the
same id later.

Commands are repeated by kind when the connection breaks under them (see ``ssh``): all of these are idempotent, since
they set or look at a state, but :meth:`RemoteNode.start`, which is never repeated: it may have happened.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import re
import stat
import time
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, Final

import paramiko

from harness.cluster import ClusterError, ShellError
from harness.clusters.remote.agent import SshAgent
from harness.clusters.remote.ssh import Connection, SshShell
from harness.node import Message
from harness.node.family import MARK
from harness.node.wire import Decoder, WireError, encode_body, frame, quote

PROGRAM: Final = "/opt/splitbrain/node.pyz"
FILES_FOLDER: Final = "/opt/splitbrain/files"
CONFIG: Final = "/etc/splitbrain/node.json"
PID_FILE: Final = "/run/splitbrain/node.pid"
DATA_FOLDER: Final = "/var/lib/node"
LOG_FOLDER: Final = "/var/log/node"
PROGRAM_SCORE: Final = 500
"""``oom_score_adj``: where memory runs out it is the program that is killed, never the sshd that leads to the node."""
OUTPUT: Final = f"{LOG_FOLDER}/output.log"
NODE_LOG: Final = f"{LOG_FOLDER}/node.log"
EVENTS: Final = f"{LOG_FOLDER}/events.jsonl"
PYTHON: Final = "/usr/bin/python3"

DATA_PORT: Final = 7000
CONTROL_PORT: Final = 7001  # on the node's own loopback, reached by a tunnel

LOG_BYTES_MAX: Final = 64 << 20  # of one file; of a longer one the end is fetched
START_TIMEOUT_S: Final = 15.0
KEEPER_START_TIMEOUT_S: Final = 60.0  # a database may have to be made first
STOP_S: Final = 2.0  # the patience with a program that was asked to stop
KEEPER_STOP_S: Final = 10.0
LAST_WORDS_CHARACTERS_MAX: Final = 300
_FETCH_TIMEOUT_S: Final = 15.0

_RUNNING: Final = """\
set -eu
pid_file=$1
running() {  # whether the process we started is there; sets pid and state
    [ -r "$pid_file" ] || return 1
    read -r pid started < "$pid_file" || return 1
    { read -r stat < "/proc/$pid/stat"; } 2>/dev/null || return 1
    set -- ${stat##*) }
    state=$1
    [ "${20}" = "$started" ] && [ "$state" != Z ] && [ "$state" != X ]
}
until_not() {  # poll, for at most 5 s, until the given test fails
    tries=0
    while "$@"; do
        tries=$((tries + 1))
        [ "$tries" -lt 500 ] || { echo "process $pid is still in state $state after 5 s" >&2; exit 1; }
        sleep 0.01
    done
}
"""
_MAKE_FOLDERS: Final = 'exec mkdir -p "$@"'
# cd: a process with its working directory on the data file system would keep it from being unmounted.
_START: Final = f"""# start the program
{_RUNNING}
output=$2
score=$3
shift 3
if running; then exit 0; fi
cd /
setsid "$@" < /dev/null >> "$output" 2>&1 &
pid=$!
read -r stat < "/proc/$pid/stat"
set -- ${{stat##*) }}
echo "$score" > "/proc/$pid/oom_score_adj" || true
echo "$pid ${{20}}" > "$pid_file.new"
mv "$pid_file.new" "$pid_file"
"""
_KILL: Final = f"""# kill the program
{_RUNNING}
if running; then
    kill -s KILL "$pid" || ! running
    until_not running
fi
"""
_STOP: Final = f"""# stop the program
{_RUNNING}
patience=$2
tries=0
if running; then
    kill -s TERM "$pid" || ! running
    while running && [ "$tries" -lt "$patience" ]; do
        tries=$((tries + 1))
        sleep 0.01
    done
    if running; then
        kill -s KILL "$pid" || ! running
        until_not running
    fi
fi
"""
_PAUSE: Final = f"""# pause the program
{_RUNNING}
unstopped() {{ running && [ "$state" != T ]; }}
if unstopped; then
    kill -s STOP "$pid"
    until_not unstopped
fi
"""
_RESUME: Final = f"""# resume the program
{_RUNNING}
stopped() {{ running && [ "$state" = T ]; }}
if stopped; then
    kill -s CONT "$pid"
    until_not stopped
fi
"""
_STATE: Final = f"""# look at the program
{_RUNNING}
if running; then echo "$state"; else echo gone; fi
"""
_TAIL: Final = 'exec tail -q -n 20 "$@" 2>&1'

# One named counter, so that it survives every change of the set: the harness reads differences.
# Raw priority: before connection tracking, so established connections are cut as well.
_FIREWALL: Final = """\
add table inet splitbrain
delete table inet splitbrain
table inet splitbrain {{
    set blocked {{ type ipv4_addr; flags interval; }}
    set untold {{ type ipv4_addr; flags interval; }}
    counter dropped {{ }}
    chain arriving {{
        type filter hook prerouting priority -300; policy accept;
        {interface} ip saddr @blocked counter name dropped drop
    }}
    chain leaving {{
        type filter hook postrouting priority -300; policy accept;
        tcp sport {ssh_port} accept
        ip daddr @untold counter name dropped drop
    }}
}}
"""
_PACKETS: Final = re.compile(r"packets (\d+)")


class RemoteNode:
    """One node: its shell and its program's life. ``interface`` is the one that carries data (None: any; then only
    peers' addresses may ever be blocked, since the harness comes in by it too). What is done to the program of a
    ``keeper`` is done to all processes below it, too."""

    def __init__(self, name: str, shell: SshShell, interface: str | None, *, keeper: bool = False) -> None:
        self.name = name
        self.shell = shell
        self._interface = interface
        self._family = SshAgent(shell, PYTHON, PROGRAM) if keeper else None
        self.environment: dict[str, str] = {}
        """What the program is started with, besides what the machine gives it."""

    async def deploy(self, program: Path, config: Mapping[str, Any]) -> None:
        """Put program and configuration on the node, where they outlive a reboot."""
        await self._script(_MAKE_FOLDERS, str(Path(PROGRAM).parent), str(Path(CONFIG).parent), LOG_FOLDER, DATA_FOLDER)
        await asyncio.gather(
            self.shell.upload(program, PROGRAM),
            self.shell.write(CONFIG, json.dumps(config, indent=1).encode()),
        )

    async def put(self, files: Sequence[Path]) -> None:
        """Put files of a system beside its program, with their modes."""
        if files:
            await self._script(_MAKE_FOLDERS, FILES_FOLDER)
            await asyncio.gather(
                *(self.shell.upload(file, f"{FILES_FOLDER}/{file.name}", file.stat().st_mode & 0o777) for file in files)
            )

    async def boot(self) -> None:
        """What a machine that has come up needs besides: a folder for the pid file, the (empty) partition table."""
        port = self.shell.connection.address.port
        match = "" if self._interface is None else f'iifname "{self._interface}"'
        await asyncio.gather(
            self._script(_MAKE_FOLDERS, str(Path(PID_FILE).parent)),
            self.shell.run(
                "nft", "-f", "-", input_text=_FIREWALL.format(interface=match, ssh_port=port), idempotent=True
            ),
        )

    async def start(self) -> None:
        """Start the program unless it runs; returns when it serves. ClusterError with its last words if it ends before
        that, or takes too long."""
        words = [f"{name}={value}" for name, value in self.environment.items()]
        if self._family is not None:
            await self._family.run("family", "clear", PID_FILE, idempotent=True)
        score = PROGRAM_SCORE if self._family is None else MARK
        await self.start_aside(PID_FILE, "/usr/bin/env", *words, PYTHON, "-S", PROGRAM, CONFIG, score=score)
        limit_s = START_TIMEOUT_S if self._family is None else KEEPER_START_TIMEOUT_S
        begin = time.monotonic()
        tries = 0
        while not ((status := await self.status(timeout_ms=1000)) and status["serving"]):
            tries += 1
            # Looking at the process costs a command, and five nodes that start at once need the processor themselves.
            if tries % 5 == 0 and await self.state() == "gone":
                raise ClusterError(f"node {self.name}: its program ended as it started: {await self._last_words()}")
            if time.monotonic() > begin + limit_s:
                said = await self._last_words()
                raise ClusterError(f"node {self.name}: its program does not serve after {limit_s:g} s: {said}")
            await asyncio.sleep(0.03)

    async def start_aside(self, pid_file: str, *command: str, score: int = PROGRAM_SCORE) -> None:
        """Start something that stays, unless it runs; it is known by its pid file, in the folder of the program's.
        Where memory runs out it goes by its ``score``. Not repeated."""
        await self.shell.run("sh", "-c", _START, "splitbrain", pid_file, OUTPUT, str(score), *command)

    async def kill_aside(self, pid_file: str) -> None:
        await self._script(_KILL, pid_file)

    async def stop(self) -> None:
        """SIGTERM, and SIGKILL to a process that is there STOP_S later (KEEPER_STOP_S); returns when it is gone."""
        if self._family is None:
            await self._script(_STOP, PID_FILE, str(round(STOP_S * 100)))
        else:
            limit_s = KEEPER_STOP_S + 10
            await self._family.run("family", "stop", PID_FILE, f"{KEEPER_STOP_S:g}", timeout_s=limit_s, idempotent=True)

    async def kill(self) -> None:
        """SIGKILL; returns when the process is gone. Nothing to do if none runs, or a stopped one: that dies too."""
        await self._act("kill", _KILL)

    async def pause(self) -> None:
        """SIGSTOP; returns when the process is seen stopped. Nothing to do if none runs."""
        await self._act("pause", _PAUSE)

    async def resume(self) -> int:
        """SIGCONT; returns when the process is seen running: of a keeper's family, on how many connections something
        had waited to be read."""
        return int((await self._act("resume", _RESUME)).get("waiting", 0))

    async def _act(self, verb: str, script: str) -> Mapping[str, Any]:
        """On the program, or on a keeper's whole family, which tells more."""
        if self._family is not None:
            return await self._family.run("family", verb, PID_FILE, idempotent=True)
        await self._script(script, PID_FILE)
        return {}

    async def state(self) -> str:
        """The program's (or keeper's) own process: "gone", or its state letter of proc(5): R, S, D, T (stopped)."""
        return (await self._script(_STATE, PID_FILE)).strip()

    async def block(self, addresses: Sequence[str], untold: Sequence[str] = ()) -> None:
        """From now on drop what arrives from exactly these addresses (or ranges ``a-b``), and what goes to those that
        are ``untold``, replacing the former."""
        lines = [_refill("blocked", addresses), _refill("untold", untold)]
        await self.shell.run("nft", "-f", "-", input_text="".join(lines), idempotent=True)

    async def dropped(self, timeout_s: float = 10.0) -> int:
        """Packets dropped by :meth:`block` since the node was deployed."""
        counter = ("nft", "list", "counter", "inet", "splitbrain", "dropped")
        result = await self.shell.run(*counter, timeout_s=timeout_s, idempotent=True)
        found = _PACKETS.search(result.stdout)
        if found is None:
            raise ShellError(f"node {self.name}: read {result.stdout!r}; expected nft's counter with its packets")
        return int(found[1])

    async def status(self, timeout_ms: float) -> Message | None:
        """The program's status, or None if it does not answer in time (it may be dead, stopped, or starting)."""
        return await self.ask({"type": "status"}, timeout_ms)

    async def ask(self, question: Message, timeout_ms: float) -> Message | None:
        """What the control port answers, or None if it does not in time."""
        call, timeout_s = frame("call", 1, quote("harness"), encode_body(question)), timeout_ms / 1000
        with contextlib.suppress(ShellError, WireError):
            return await self.shell.repeated(partial(_ask, self.shell.connection, call), timeout_s)
        return None

    async def fetch_logs(self, folder: Path) -> list[Path]:
        """Copy the files of the log folder; raises ShellError if the node does not let us."""
        return await self.shell.blocking(partial(_fetch, self.shell.connection, folder), _FETCH_TIMEOUT_S)

    async def _script(self, script: str, *arguments: str) -> str:
        """Run one that is idempotent; what it printed."""
        return (await self.shell.run("sh", "-c", script, "splitbrain", *arguments, idempotent=True)).stdout

    async def _last_words(self) -> str:
        try:
            lines = (await self._script(_TAIL, OUTPUT, NODE_LOG)).strip().splitlines()
            return lines[-1][:LAST_WORDS_CHARACTERS_MAX] if lines else "it printed nothing"
        except ShellError as error:
            return f"(its output cannot be read: {error})"


def _refill(name: str, addresses: Sequence[str]) -> str:
    """Lines for nft: the set holds exactly these."""
    add = f"add element inet splitbrain {name} {{ {', '.join(addresses)} }}\n" if addresses else ""
    return f"flush set inet splitbrain {name}\n{add}"


def _ask(connection: Connection, call: bytes, timeout_s: float) -> Message | None:
    with connection.tunnel(CONTROL_PORT, timeout_s) as channel:
        channel.sendall(call)
        decoder = Decoder()
        while data := channel.recv(1 << 16):
            for envelope in decoder.feed(data):
                return envelope.body if envelope.kind == "reply" else None
        if not channel.get_transport().is_active():
            raise EOFError("the connection ended before there was an answer")
    return None


def _fetch(connection: Connection, folder: Path) -> list[Path]:
    folder.mkdir(parents=True, exist_ok=True)
    fetched = []
    with connection.files(f"fetch of {LOG_FOLDER}", _FETCH_TIMEOUT_S) as client:
        for entry in sorted(client.listdir_attr(LOG_FOLDER), key=lambda entry: entry.filename):
            if stat.S_ISREG(entry.st_mode or 0):
                target = folder / Path(entry.filename).name
                _copy_end(client, f"{LOG_FOLDER}/{entry.filename}", target, entry.st_size or 0)
                fetched.append(target)
    return fetched


def _copy_end(client: paramiko.SFTPClient, remote: str, local: Path, size: int) -> None:
    """Copy a file that may grow meanwhile: what was there at first, and of that at most the last LOG_BYTES_MAX."""
    start = max(0, size - LOG_BYTES_MAX)
    with client.open(remote, "rb") as source, local.open("wb") as target:
        source.prefetch(size)
        source.seek(start)
        left = size - start
        while left > 0 and (part := source.read(min(left, 1 << 18))):
            target.write(part)
            left -= len(part)
