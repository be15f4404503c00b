"""The process that owns a local cluster: PID 1 of the run, parent of every node, gone when the harness is.

The harness starts it under ``unshare`` in net, pid, mount, uts and ipc namespaces of its own. It builds the network and
the nodes, hands back file descriptors, and from then on turns nodes off and on, as the harness asks, and waits for one
of two things: the harness's pidfd becoming readable (the harness died, however) or its socket closing. Then it ends,
and because it is PID 1 of its namespace the kernel kills every process below it, whose mounts, interfaces and firewall
rules go with them. No signal handler, thread or orderly exit of the harness is relied upon.

Standard library only: it is started with ``python -I -S`` to be there in 30 ms.
"""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import socket
import subprocess
import time
import traceback
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, NoReturn

from harness.clusters.local import filesystem, network, sshd, syscalls
from harness.clusters.local.isolation import PATH
from harness.clusters.local.protocol import MESSAGE_BYTES_MAX, RUN_VARIABLE, FabricRequest, NodeRequest, SwitchRequest
from harness.clusters.local.syscalls import CLONE_NEWIPC, CLONE_NEWNET, CLONE_NEWNS, CLONE_NEWPID, CLONE_NEWUTS

BUILD_SECONDS_MAX: Final = 60
SWITCH_SECONDS_MAX: Final = 30
END_SECONDS_MAX: Final = 3
THAW_EVERY_MS: Final = 50


@dataclass(slots=True)
class Machine:
    """One node: what it is made of, which stays, and its first process, which does not. ``net`` is its network
    namespace, ``home`` the supervisor's own."""

    node: NodeRequest
    disk: filesystem.Disk | None
    net: int
    home: int
    pid: int = -1
    pidfd: int = -1


def main(channel_fd: int, harness_pidfd: int) -> NoReturn:
    """Say hello with a pidfd, build what is asked for, answer, and stay until the harness lets go or dies."""
    # A build that hangs must not outlive the harness. PID 1 ignores signals it has no handler for.
    signal.signal(signal.SIGALRM, lambda *_: os._exit(70))
    signal.alarm(BUILD_SECONDS_MAX)
    os.umask(0o022)
    channel = socket.socket(fileno=channel_fd)
    socket.send_fds(channel, [b"{}"], [os.pidfd_open(os.getpid())])
    packet = channel.recv(MESSAGE_BYTES_MAX)
    if not packet:  # the harness is gone, or has changed its mind
        os._exit(0)
    request = FabricRequest.decode(packet)
    try:
        fds, machines = _build(request)
    except OSError as error:
        channel.send(_complaint(error))
        os._exit(1)
    signal.alarm(0)
    socket.send_fds(channel, [b"{}"], fds)
    _serve(channel, harness_pidfd, request, machines)
    _end(request.folder, [machine.disk for machine in machines if machine.disk is not None])


def _end(folder: str, disks: list[filesystem.Disk]) -> NoReturn:
    """Kill everything first, and then thaw the disks, until all are gone: whoever freezes one must not do so again."""
    signal.alarm(END_SECONDS_MAX)
    with contextlib.suppress(ProcessLookupError):  # from PID 1: everybody else
        os.kill(-1, signal.SIGKILL)
        while True:
            for disk in disks:
                with contextlib.suppress(OSError):  # of one that cannot be mounted nobody has frozen anything
                    filesystem.thaw(folder, disk)
            for _ in range(THAW_EVERY_MS):
                os.kill(-1, 0)
                time.sleep(0.001)
    os._exit(0)


def _complaint(error: OSError) -> bytes:
    return json.dumps({"error": str(error)}).encode()[:MESSAGE_BYTES_MAX]


def _build(request: FabricRequest) -> tuple[list[int], list[Machine]]:
    """Everything of the run; returns what the harness needs: the network namespaces of the fabric and the clients,
    then the pidfd of each node's first process."""
    filesystem.mount_run_folder(request.folder)
    if request.layer:
        filesystem.mount_layer(request.folder, request.layer)
    networks = network.build(request.nodes, request.clients)
    disks = [filesystem.make_disk(request.folder, node.name) if node.disk else None for node in request.nodes]
    machines = [Machine(*parts, networks.fabric) for parts in zip(request.nodes, disks, networks.nodes, strict=True)]
    reports = [_start_node(request, machine) for machine in machines]
    for machine, report in zip(machines, reports, strict=True):
        _await_born(machine, report)
    return [networks.fabric, networks.clients, *(machine.pidfd for machine in machines)], machines


def _start_node(request: FabricRequest, machine: Machine) -> int:
    """Fork the node's first process into new namespaces; returns a pipe that closes on its exec, or brings the reason
    why there was none."""
    errors, report = os.pipe()
    home = os.open("/proc/self/ns/pid", os.O_RDONLY | os.O_CLOEXEC)
    try:
        syscalls.unshare(CLONE_NEWPID)  # of this process's next child, not of itself
        pid = os.fork()
        if pid == 0:
            _become_node(request, machine.node, machine.disk, machine.net, report)
        syscalls.setns(home, CLONE_NEWPID)
    finally:
        os.close(home)
        os.close(report)
    machine.pid, machine.pidfd = pid, os.pidfd_open(pid)
    return errors


def _await_born(machine: Machine, report: int) -> None:
    if text := _read_all(report):
        raise OSError(f"node {machine.node.name}: {text}")


def _become_node(
    request: FabricRequest, node: NodeRequest, disk: filesystem.Disk | None, net: int, report: int
) -> NoReturn:
    """PID 1 of a node: its root, its network, then sshd, which stays PID 1 and reaps orphans."""
    try:
        syscalls.die_with_parent(signal.SIGKILL)
        os.setsid()
        signal.signal(signal.SIGPIPE, signal.SIG_DFL)  # Python ignores it, and that would outlive the exec
        syscalls.setns(net, CLONE_NEWNET)
        syscalls.unshare(CLONE_NEWNS | CLONE_NEWUTS | CLONE_NEWIPC)
        socket.sethostname(node.name)
        filesystem.enter_node_root(request, node, disk)
        _exec_sshd()
    except BaseException:  # noqa: BLE001 - the process ends here, and must not run on as a second supervisor
        os.write(report, traceback.format_exc(limit=-2).encode())
    finally:
        os._exit(1)


def _exec_sshd() -> NoReturn:
    for fd, flags in ((0, os.O_RDONLY), (1, os.O_WRONLY), (2, os.O_WRONLY)):
        os.dup2(os.open("/dev/null", flags), fd)
    program = "/usr/sbin/sshd"
    environment = {"PATH": PATH, RUN_VARIABLE: os.environ[RUN_VARIABLE]}
    os.execve(program, [program, "-D", "-f", sshd.CONFIG, "-E", sshd.LOG], environment)  # noqa: S606


def _read_all(fd: int) -> str:
    with open(fd, encoding="utf-8", errors="replace") as pipe:
        return pipe.read()


def _serve(channel: socket.socket, harness_pidfd: int, request: FabricRequest, machines: list[Machine]) -> None:
    """Until the harness is dead or has closed its end; meanwhile reap what the kernel hands to PID 1."""
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nodes that end leave no zombies
    poller = select.poll()
    for fd in (channel.fileno(), harness_pidfd):
        poller.register(fd, select.POLLIN | select.POLLHUP)
    while True:
        ready = dict(poller.poll())
        if harness_pidfd in ready or not (packet := channel.recv(MESSAGE_BYTES_MAX)):
            return
        signal.alarm(SWITCH_SECONDS_MAX)
        with _waiting_for_children():
            _answer(channel, request, machines, SwitchRequest.decode(packet))
        signal.alarm(0)


def _answer(channel: socket.socket, request: FabricRequest, machines: list[Machine], asked: SwitchRequest) -> None:
    machine = machines[asked.index - 1]
    try:
        if asked.on:
            _turn_on(request, machine)
        else:
            _turn_off(request.folder, machine)
    except OSError as error:
        channel.send(_complaint(error))
    else:
        socket.send_fds(channel, [b"{}"], [machine.pidfd] if asked.on else [])


def _turn_off(folder: str, machine: Machine) -> None:
    """First it falls silent, so that no connection is ended; then what was not synced is lost; then all is gone."""
    _run_nft(machine, network.SILENCE)
    filesystem.lose_unsynced(machine.pid)
    signal.pidfd_send_signal(machine.pidfd, signal.SIGKILL)
    if machine.disk is not None:
        filesystem.thaw(folder, machine.disk)
    os.waitpid(machine.pid, 0)
    os.close(machine.pidfd)
    machine.pidfd = -1


def _turn_on(request: FabricRequest, machine: Machine) -> None:
    if machine.disk is not None:
        filesystem.await_unmounted(request.folder, machine.disk)
    _await_born(machine, _start_node(request, machine))
    _run_nft(machine, network.SPEECH)


def _run_nft(machine: Machine, rules: str) -> None:
    with syscalls.inside(machine.net, machine.home, CLONE_NEWNET):
        done = subprocess.run(["nft", "-f", "-"], input=rules, capture_output=True, text=True, check=False)
    if done.returncode:
        raise OSError(f"node {machine.node.name}: nft: {done.stderr.strip()}")


@contextlib.contextmanager
def _waiting_for_children() -> Iterator[None]:
    """For the length of a block children are waited for one by one; those that nobody asked for are reaped after it."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    try:
        yield
    finally:
        signal.signal(signal.SIGCHLD, signal.SIG_IGN)
        with contextlib.suppress(ChildProcessError):
            while os.waitpid(-1, os.WNOHANG) != (0, 0):
                pass
