"""The process that owns a local cluster: PID 1 of the run, parent of every node, gone when the harness is.

The harness starts it under ``unshare`` in net, pid, mount, uts and ipc namespaces of its own. It builds the network and
the nodes, hands back file descriptors, and from then on only waits for one of two things: the harness's pidfd becoming
readable (the harness died, however) or its socket closing (the harness asked). Then it ends, and because it is PID 1
of its namespace the kernel kills every process below it, whose mounts, interfaces and firewall rules go with them. No
signal handler, thread or orderly exit of the harness is relied upon.

Standard library only: it is started with ``python -I -S`` to be there in 30 ms.
"""

from __future__ import annotations

import json
import os
import select
import signal
import socket
import traceback
from typing import Final, NoReturn

from harness.clusters.local import filesystem, network, sshd, syscalls
from harness.clusters.local.isolation import PATH
from harness.clusters.local.protocol import MESSAGE_BYTES_MAX, RUN_VARIABLE, FabricRequest, NodeRequest
from harness.clusters.local.syscalls import CLONE_NEWIPC, CLONE_NEWNET, CLONE_NEWNS, CLONE_NEWPID, CLONE_NEWUTS

BUILD_SECONDS_MAX: Final = 60


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
        fds = _build(request)
    except OSError as error:
        channel.send(json.dumps({"error": str(error)}).encode()[:MESSAGE_BYTES_MAX])
        os._exit(1)
    signal.alarm(0)
    socket.send_fds(channel, [b"{}"], fds)
    _wait(channel, harness_pidfd)
    os._exit(0)


def _build(request: FabricRequest) -> list[int]:
    """Everything of the run; returns what the harness needs: the network namespaces of the fabric and the clients,
    then the pidfd of each node's first process."""
    filesystem.mount_run_folder(request.folder)
    networks = network.build(request.nodes, request.clients)
    disks = [filesystem.make_disk(request.folder, node.name) if node.disk else None for node in request.nodes]
    born = [
        _start_node(request, node, disk, fd)
        for node, disk, fd in zip(request.nodes, disks, networks.nodes, strict=True)
    ]
    for node, (_, errors) in zip(request.nodes, born, strict=True):
        if text := _read_all(errors):
            raise OSError(f"node {node.name}: {text}")
    return [networks.fabric, networks.clients, *(pidfd for pidfd, _ in born)]


def _start_node(request: FabricRequest, node: NodeRequest, disk: filesystem.Disk | None, net: int) -> tuple[int, int]:
    """Fork the node's first process into new namespaces; returns its pidfd and a pipe that closes on its exec, or
    brings the reason why there was none."""
    errors, report = os.pipe()
    home = os.open("/proc/self/ns/pid", os.O_RDONLY | os.O_CLOEXEC)
    try:
        syscalls.unshare(CLONE_NEWPID)  # of this process's next child, not of itself
        pid = os.fork()
        if pid == 0:
            _become_node(request, node, disk, net, report)
        syscalls.setns(home, CLONE_NEWPID)
    finally:
        os.close(home)
        os.close(report)
    return os.pidfd_open(pid), errors


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


def _wait(channel: socket.socket, harness_pidfd: int) -> None:
    """Until the harness is dead or has closed its end; meanwhile reap what the kernel hands to PID 1."""
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nodes that end leave no zombies
    poller = select.poll()
    for fd in (channel.fileno(), harness_pidfd):
        poller.register(fd, select.POLLIN | select.POLLHUP)
    poller.poll()
