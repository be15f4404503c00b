"""Shell over SSH on real nodes: quoting, files, limits, and nodes that do not answer."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from harness.cluster import ShellError
from harness.clusters.remote.cluster import RemoteCluster
from harness.clusters.remote.ssh import BrokenConnectionError, SshShell
from tests.harness.clusters.local_clusters import eventually, make

pytestmark = pytest.mark.cluster


@pytest.fixture(scope="module")
def two(runner: asyncio.Runner, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RemoteCluster]:
    cluster = runner.run(make(tmp_path_factory.mktemp("two"), nodes=2))
    yield cluster
    runner.run(cluster.down())


@pytest.fixture
def shell(two: RemoteCluster) -> SshShell:
    return two.shell("n1")


def processes_in(two: RemoteCluster, node: str) -> list[int]:
    """The ids, on the host, of all processes in the node's process namespace."""
    first = int(two.entry(node).split()[2])
    wanted = os.readlink(f"/proc/{first}/ns/pid")
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            if os.readlink(folder / "ns/pid") == wanted:
                found.append(int(folder.name))
        except OSError:
            continue  # it has ended meanwhile
    assert first in found
    return found


@contextlib.contextmanager
def frozen(two: RemoteCluster, node: str) -> Iterator[None]:
    """Every process on the node stopped, its sshd too: the kernel answers, nobody else does."""
    pids = processes_in(two, node)
    try:
        send(pids, signal.SIGSTOP)
        yield
    finally:
        send(pids, signal.SIGCONT)


def send(pids: list[int], number: signal.Signals) -> None:
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):  # one session may just be ending
            os.kill(pid, number)


HOSTILE = ["", "a b", "$(touch /tmp/pwned)", "`id`", "'", '"', "a\nb", "*", ";exit 3", "-n", "\\", "ü", "~"]


def test_arguments_arrive_as_they_are(runner: asyncio.Runner, shell: SshShell) -> None:
    result = runner.run(shell.run("printf", "%s|", *HOSTILE))
    assert result.stdout == "".join(f"{argument}|" for argument in HOSTILE)
    assert result.status == 0


def test_input_output_and_status(runner: asyncio.Runner, shell: SshShell) -> None:
    result = runner.run(shell.run("sh", "-c", "cat; echo err >&2; exit 7", input_text="in\nput", check=False))
    assert (result.stdout, result.stderr, result.status) == ("in\nput", "err\n", 7)


def test_a_failed_command_names_node_command_status_and_words(runner: asyncio.Runner, shell: SshShell) -> None:
    with pytest.raises(ShellError, match=r"node n1: command ls /nothing: status 2; it printed: .*No such file"):
        runner.run(shell.run("ls", "/nothing"))


def test_large_output_comes_whole(runner: asyncio.Runner, shell: SshShell) -> None:
    result = runner.run(shell.run("head", "-c", "5000000", "/dev/zero"))
    assert len(result.stdout) == 5_000_000


def test_endless_output_is_cut_off(runner: asyncio.Runner, shell: SshShell) -> None:
    with pytest.raises(ShellError, match="printed more than"):
        runner.run(shell.run("yes", timeout_s=20))


def test_a_command_that_takes_too_long_is_an_error_in_time(runner: asyncio.Runner, shell: SshShell) -> None:
    begin = time.monotonic()
    with pytest.raises(ShellError, match=r"node n1 .*command sleep 30: not done after 0.3 s"):
        runner.run(shell.run("sleep", "30", timeout_s=0.3))
    assert time.monotonic() - begin < 1.0
    assert runner.run(shell.run("echo", "still there")).stdout == "still there\n"


def test_many_commands_at_once(runner: asyncio.Runner, shell: SshShell) -> None:
    async def run_all() -> list[str]:
        results = await asyncio.gather(*(shell.run("echo", str(i)) for i in range(40)))
        return [result.stdout.strip() for result in results]

    assert runner.run(run_all()) == [str(i) for i in range(40)]


def test_files_go_up_and_down(runner: asyncio.Runner, shell: SshShell, tmp_path: Path) -> None:
    content = os.urandom(3_000_000)
    (tmp_path / "up").write_bytes(content)

    async def transfer() -> str:
        await shell.upload(tmp_path / "up", "/opt/splitbrain/blob", mode=0o750)
        assert await shell.download("/opt/splitbrain/blob", tmp_path / "down")
        await shell.write("/opt/splitbrain/blob", b"replaced")
        return (await shell.run("stat", "-c", "%a %s", "/opt/splitbrain/blob")).stdout

    assert runner.run(transfer()) == "644 8\n"
    assert (tmp_path / "down").read_bytes() == content


def test_a_file_that_is_not_there(runner: asyncio.Runner, shell: SshShell, tmp_path: Path) -> None:
    assert runner.run(shell.download("/nothing", tmp_path / "down")) is False
    assert not (tmp_path / "down").exists()
    with pytest.raises(ShellError, match="there is no folder /nowhere"):
        runner.run(shell.write("/nowhere/file", b""))


def test_a_broken_connection_is_made_anew(runner: asyncio.Runner, shell: SshShell) -> None:
    runner.run(shell.run("true"))
    shell.connection.break_off()
    assert runner.run(shell.run("echo", "back")).stdout == "back\n"


async def cut_in_between(shell: SshShell, file: str, *, idempotent: bool) -> tuple[str, int]:
    """What comes of a command under which the connection is cut, and how often it was begun on the node."""
    command = ("sh", "-c", 'echo begun >> "$1"; sleep 0.4; echo done', "sh", file)
    running = asyncio.ensure_future(shell.run(*command, idempotent=idempotent))
    assert (
        await shell.run("sh", "-c", 'until [ -s "$1" ]; do sleep 0.01; done; cat "$1"', "sh", file)
    ).stdout == "begun\n"
    shell.connection.break_off()
    try:
        outcome = (await running).stdout
    except BrokenConnectionError as error:
        outcome = str(error)
    return outcome, (await shell.run("cat", file)).stdout.count("begun")


def test_what_is_idempotent_is_tried_once_more_on_a_broken_connection(runner: asyncio.Runner, shell: SshShell) -> None:
    assert runner.run(cut_in_between(shell, "/tmp/twice", idempotent=True)) == ("done\n", 2)


def test_what_is_not_is_never_repeated(runner: asyncio.Runner, shell: SshShell) -> None:
    outcome, begun = runner.run(cut_in_between(shell, "/tmp/once", idempotent=False))
    assert begun == 1
    assert "node n1" in outcome
    assert "the connection ended" in outcome or "limit" in outcome


def test_no_time_is_left_for_a_second_try_that_was_not_there_for_the_first(
    runner: asyncio.Runner, shell: SshShell
) -> None:
    tries: list[float] = []

    def broken(left_s: float) -> None:
        tries.append(left_s)
        time.sleep(0.05)
        raise BrokenConnectionError("cut")

    for timeout_s in (10.0, 0.04):
        with pytest.raises(BrokenConnectionError, match="cut"):
            runner.run(shell.repeated(broken, timeout_s))
    assert tries[0] == 10.0
    assert tries[1] < 9.96
    assert tries[2:] == [0.04]


def test_a_suspended_connection_fails_at_once_and_says_why(runner: asyncio.Runner, shell: SshShell) -> None:
    async def suspend() -> float:
        shell.connection.suspend("the machine is off")
        begin = time.monotonic()
        try:
            with pytest.raises(ShellError, match=r"node n1 .*the machine is off"):
                await shell.run("true", idempotent=True)
        finally:
            shell.connection.resume()
        seconds = time.monotonic() - begin
        assert (await shell.run("echo", "back")).stdout == "back\n"
        return seconds

    assert runner.run(suspend()) < 1


def test_a_frozen_node_is_an_error_in_time_and_answers_after_the_thaw(
    runner: asyncio.Runner, two: RemoteCluster
) -> None:
    shell = two.shell("n2")
    runner.run(shell.run("true"))
    with frozen(two, "n2"):
        begin = time.monotonic()
        with pytest.raises(ShellError, match=r"node n2 .*(Timeout opening channel|not done after).*0\.5 s"):
            runner.run(shell.run("true", timeout_s=0.5))
        assert time.monotonic() - begin < 1.5
    assert runner.run(shell.run("echo", "thawed")).stdout == "thawed\n"


def test_a_node_that_freezes_before_it_was_ever_reached(runner: asyncio.Runner, two: RemoteCluster) -> None:
    """The kernel accepts the connection, nobody speaks: the handshake itself must be bounded."""
    shell = two.shell("n2")
    shell.connection.break_off()
    with frozen(two, "n2"):
        begin = time.monotonic()
        with pytest.raises(ShellError, match="node n2"):
            runner.run(shell.run("true", timeout_s=0.5))
        assert time.monotonic() - begin < 3.0
    assert runner.run(shell.run("echo", "thawed")).stdout == "thawed\n"


def test_an_unreachable_node_is_noticed_though_the_limit_is_long(runner: asyncio.Runner, two: RemoteCluster) -> None:
    shell = two.shell("n2")
    enter = two.entry("n2").split()
    runner.run(shell.run("true"))
    subprocess.run([*enter, "ip", "link", "set", "ctl0", "down"], check=True)
    try:
        begin = time.monotonic()
        with pytest.raises(ShellError, match="node n2"):
            runner.run(shell.run("true", timeout_s=20))
        seconds = time.monotonic() - begin
    finally:
        subprocess.run([*enter, "ip", "link", "set", "ctl0", "up"], check=True)
        route = "route add 198.19.255.254/32 dev ctl0 src 198.19.0.2"
        subprocess.run([*enter, "ip", *route.split()], check=True)
    assert seconds < 12
    runner.run(eventually(lambda: _answers(shell)))  # the fabric's neighbour table has to notice, too


async def _answers(shell: SshShell) -> bool:
    try:
        return (await shell.run("echo", "back")).stdout == "back\n"
    except ShellError:
        return False


def test_a_cancelled_command_leaves_the_connection_usable(runner: asyncio.Runner, shell: SshShell) -> None:
    async def cancel() -> str:
        task = asyncio.create_task(shell.run("sleep", "1"))
        await asyncio.sleep(0.05)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        return (await shell.run("echo", "ok")).stdout

    assert runner.run(cancel()) == "ok\n"


def test_keys_are_ephemeral_and_nobody_else_s(runner: asyncio.Runner, five: RemoteCluster, two: RemoteCluster) -> None:
    script = "cd /etc/splitbrain; stat -c '%a %n' *; grep -l PRIVATE *; cat authorized_keys; env"

    def look(cluster: RemoteCluster) -> list[str]:
        return runner.run(cluster.shell("n1").run("sh", "-c", script)).stdout.splitlines()

    one, other = look(five), look(two)
    assert {"600 host_key", "600 authorized_keys"} <= set(one)
    assert one.count("host_key") == 1, "the node's own is the only private key there"
    assert "authorized_keys" not in one
    assert not any("SSH_AUTH_SOCK" in line for line in one), "no agent is forwarded"
    keys = [{line for line in lines if line.startswith("ssh-")} for lines in (one, other)]
    assert all(keys)
    assert not keys[0] & keys[1], "each run has its own"


def test_another_host_key_is_refused(runner: asyncio.Runner, two: RemoteCluster) -> None:
    from dataclasses import replace

    from harness.clusters.local.keys import new_key_pair
    from harness.clusters.remote.ssh import Connection

    stranger = replace(two.shell("n1").connection.address, host_key=new_key_pair().for_paramiko())
    connection = Connection(stranger)
    with pytest.raises(ShellError, match="another host key"):
        connection.execute(("true",), None, 5.0)
