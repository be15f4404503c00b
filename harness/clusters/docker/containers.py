"""The containers of one cluster, and its network: made, switched off and on, and removed through the docker engine."""

from __future__ import annotations

import contextlib
import io
import os
import socket
import subprocess
import tarfile
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from harness.cluster import ClusterError, ClusterSpec, NodeSpec
from harness.clusters.docker import engine, image
from harness.clusters.docker.addresses import Subnet, free_subnets
from harness.clusters.docker.disk import Disk
from harness.clusters.docker.leftovers import labels, remove_dead, remove_run, thaw
from harness.clusters.local import leftovers, sshd
from harness.clusters.local.filesystem import DATA_FOLDER, lose_unsynced
from harness.clusters.local.isolation import PATH
from harness.clusters.local.syscalls import CLONE_NEWNET
from harness.clusters.namespace import inside

if TYPE_CHECKING:
    from docker import DockerClient

# What sshd and a node's tools use: privilege separation, files of others, signals to others, low ports; and the network
# faults, which change the node's own network (NET_ADMIN) and send copies of packets (NET_RAW). No devices, no mounts.
CAPABILITIES: Final = ("NET_ADMIN", "NET_RAW", "NET_BIND_SERVICE", "SYS_CHROOT", "SETUID", "SETGID", "CHOWN",
                       "DAC_OVERRIDE", "FOWNER", "KILL")  # fmt: skip
CLIENTS: Final = "clients"

_REMOVED: Final = "the cluster was removed while it was made, or used"
_NO_WAY_OUT: Final = "route flush exact 0/0"  # engines leave a default route there, even in internal networks
_BOOT: Final = f"mkdir -p /run/sshd && exec /usr/sbin/sshd -D -f {sshd.CONFIG} -E {sshd.LOG}"
_RTO_MAX: Final = "net.ipv4.tcp_rto_max_ms"  # a partition's aftermath ends within a second of its heal


@dataclass(frozen=True, slots=True)
class Keys:
    """What the nodes get: their private host key, and the public key that they let in."""

    host: str
    authorized: str


class Containers:
    """``start`` once, ``stop`` any number of times, from any thread and in any state; ``switch`` in between. Nodes are
    counted from 1."""

    def __init__(self, spec: ClusterSpec, keys: Keys) -> None:
        self._spec, self._keys = spec, keys
        self.folder = leftovers.new_run_folder()
        self.subnet: Subnet | None = None
        self.engine: engine.Engine | None = None
        self._clients: int | None = None  # a descriptor of the network namespace in which client endpoints are
        self._disks: dict[int, Disk] = {}
        self._pids: dict[int, int] = {}
        self._stopped = False

    @property
    def run(self) -> str:
        return self.folder.name

    @property
    def _network(self) -> str:
        return f"splitbrain-{self.run}"

    def name(self, node: str) -> str:
        """A container's name."""
        return f"splitbrain-{self.run}-{node}"

    def start(self) -> None:
        """Make everything; returns when each node's sshd was started. Raises ClusterError with the reason."""
        from docker.errors import DockerException

        held: engine.Engine | None = None
        try:
            held = self.engine = engine.hold()
            with engine.client(held.host) as client:
                self._start(client)
        except (DockerException, OSError) as error:
            raise ClusterError(f"the cluster of containers could not be made: {error}") from error
        finally:
            if self._stopped and held is not None:  # meanwhile, by another thread, which did not see what came after
                self._remove(held)
        if self._stopped:
            raise ClusterError(_REMOVED)

    def _start(self, client: DockerClient) -> None:
        remove_dead(client)
        leftovers.remove_leftovers()
        node_image = image.ensure(client, self._spec.packages, self._spec.say, labels(self.run))
        if self._stopped:
            raise ClusterError(_REMOVED)
        self.subnet = _new_network(client, self._network, labels(self.run))
        with ThreadPoolExecutor(8, thread_name_prefix="containers") as threads:
            clients = threads.submit(self._start_clients, client, node_image)
            nodes = [threads.submit(self._start_node, client, node_image, i) for i in range(1, self.count + 1)]
            for started in (clients, *nodes):
                started.result()

    @property
    def count(self) -> int:
        return len(self._spec.nodes)

    def harness_socket(self) -> socket.socket:
        """A new TCP socket from which the nodes' sshd is reached."""
        if self.engine is None:
            raise ConnectionAbortedError("the cluster is removed, or was never made")
        return self.engine.socket()

    def client_socket(self) -> socket.socket:
        """A new TCP socket in the network where the clients' addresses are."""
        if self._clients is None:
            raise ConnectionAbortedError("the cluster is removed, or was never made")
        return inside(self._clients, CLONE_NEWNET, socket.socket)

    def node_pid(self, index: int) -> int:
        """The process id of the node's first process, as this machine sees it. Raises KeyError while it is off."""
        return self._pids[index]

    def is_on(self, index: int) -> bool:
        return index in self._pids

    def has_disk(self, index: int) -> bool:
        return index in self._disks

    def switch(self, index: int, on: bool) -> None:
        """Turn a node off (it is gone when this returns) or on. Its address and its disk stay. Raises ClusterError."""
        from docker.errors import DockerException

        if self.engine is None:
            raise ClusterError(_REMOVED)
        try:
            with engine.client(self.engine.host) as client:
                if on and index not in self._pids:
                    self._turn_on(client, index)
                elif not on and (pid := self._pids.pop(index, None)) is not None:
                    # First it falls silent, so that no connection is ended; then what was not synced is lost.
                    with _network_of(pid) as network:
                        inside(network, CLONE_NEWNET, lambda: _ip(["link set eth0 down"]))
                    lose_unsynced(pid)
                    thaw(pid)
                    self._turn_off(client, self.name(self._node(index).name))
        except (DockerException, OSError) as error:
            raise ClusterError(f"node {self._node(index).name}: switched {'on' if on else 'off'}: {error}") from error

    def _turn_off(self, client: DockerClient, name: str) -> None:
        client.api.kill(name)
        client.api.wait(name)

    def _turn_on(self, client: DockerClient, index: int) -> None:
        name = self.name(self._node(index).name)
        client.api.start(name)
        self._pids[index] = _pid(client, name)
        with _network_of(self._pids[index]) as network:
            inside(network, CLONE_NEWNET, lambda: _ip([_NO_WAY_OUT]))
        if index in self._disks:
            self._disks[index].mount(self._pids[index])

    def stop(self) -> None:
        """Remove everything. Takes no lock that others hold: it may run in a signal handler."""
        if self._stopped:
            return
        self._stopped = True
        if self.engine is not None:
            self._remove(self.engine)
        leftovers.remove_run_folder(self.folder)

    def _remove(self, held: engine.Engine) -> None:
        with engine.client(held.host) as client:  # one of its own: another's pool of connections has locks
            remove_run(client, self.run)
        while self._disks:
            self._disks.popitem()[1].close()
        clients, self._clients = self._clients, None
        if clients is not None:
            os.close(clients)
        if self.engine is not None:
            self.engine = None
            held.close()

    def _start_clients(self, client: DockerClient, node_image: str) -> None:
        """The container whose network the harness's own clients use: it does nothing, and has all their addresses."""
        assert self.subnet is not None, "made before"
        subnet, count = self.subnet, self._spec.clients
        host = client.api.create_host_config(
            init=True, cap_drop=["ALL"], sysctls=_sysctls(), network_mode=self._network
        )
        self._create(client, CLIENTS, subnet.client_host, host, node_image, ["sleep", "infinity"])
        client.api.start(self.name(CLIENTS))
        with _network_of(_pid(client, self.name(CLIENTS))) as network:
            self._clients = os.dup(network)
        lines = [_NO_WAY_OUT] + [
            f"address add {subnet.client(i)}/{subnet.network.prefixlen} dev eth0" for i in range(count)
        ]
        inside(self._clients, CLONE_NEWNET, lambda: _ip(lines))

    def _start_node(self, client: DockerClient, node_image: str, index: int) -> None:
        assert self.subnet is not None, "made before"
        node, address = self._node(index), self.subnet.node(index)
        if node.disk:
            self._disks[index] = Disk.new(f"{self.run}-{node.name}")
        host = client.api.create_host_config(
            init=True, cap_drop=["ALL"], cap_add=list(CAPABILITIES), sysctls=_sysctls(),
            tmpfs={"/run": "mode=755", "/tmp": "mode=1777", **({} if node.disk else {DATA_FOLDER: "mode=755"})},  # noqa: S108
            extra_hosts={other.name: self.subnet.node(i) for i, other in enumerate(self._spec.nodes, 1)},
            network_mode=self._network,
        )  # fmt: skip
        self._create(client, node.name, address, host, node_image, ["sh", "-c", _BOOT])
        client.api.put_archive(self.name(node.name), "/", _files(address, self._keys))
        self._turn_on(client, index)

    def _create(
        self, client: DockerClient, node: str, address: str, host: Any, node_image: str, command: Sequence[str]
    ) -> None:
        endpoint = client.api.create_endpoint_config(ipv4_address=address)
        network: Any = {self._network: endpoint}
        client.api.create_container(
            node_image, list(command), hostname=node, name=self.name(node), labels=labels(self.run),
            host_config=host, environment={"PATH": PATH},
            networking_config=client.api.create_networking_config(network),
        )  # fmt: skip

    def _node(self, index: int) -> NodeSpec:
        return self._spec.nodes[index - 1]


def _new_network(client: DockerClient, name: str, marks: Mapping[str, str]) -> Subnet:
    """A bridge that leads nowhere else, on a subnet that nobody has. Raises ClusterError if all are taken."""
    from docker.errors import APIError
    from docker.types import IPAMConfig, IPAMPool

    for subnet in free_subnets():
        pool = IPAMPool(subnet=str(subnet.network), gateway=subnet.gateway)
        try:
            client.api.create_network(
                name, driver="bridge", internal=True, labels=dict(marks), ipam=IPAMConfig(pool_configs=[pool])
            )
        except APIError as error:
            if "overlap" not in str(error.explanation):
                raise
        else:
            return subnet
    raise ClusterError("every subnet of 198.19.128.0/17 is in use; `docker network ls` shows by what")


def _pid(client: DockerClient, name: str) -> int:
    state = client.api.inspect_container(name)["State"]
    if not state["Running"] or not Path(f"/proc/{state['Pid']}/ns").exists():
        raise ClusterError(f"container {name} does not run on this machine: {state['Status']}, status "
                           f"{state['ExitCode']} {state['Error']}; expected an engine whose containers do")  # fmt: skip
    return int(state["Pid"])


@contextlib.contextmanager
def _network_of(pid: int) -> Iterator[int]:
    fd = os.open(f"/proc/{pid}/ns/net", os.O_RDONLY | os.O_CLOEXEC)
    try:
        yield fd
    finally:
        os.close(fd)


def _ip(lines: Sequence[str]) -> None:
    done = subprocess.run(["ip", "-batch", "-"], input="\n".join(lines) + "\n", capture_output=True, text=True,
                          check=False, env={"PATH": PATH})  # fmt: skip
    if done.returncode:
        raise OSError(f"ip in a container's network: {done.stderr.strip()}")


def _sysctls() -> dict[str, str]:
    """Only what this kernel has: the engine would refuse the others."""
    return {_RTO_MAX: "1000"} if Path("/proc/sys", _RTO_MAX.replace(".", "/")).exists() else {}


def _files(address: str, keys: Keys) -> bytes:
    """The files of one node, as a tar: keys are made for the run, and never in an image."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as archive:
        for folder in (sshd.FOLDER, "/var/log/node", DATA_FOLDER, "/opt/splitbrain"):
            entry = tarfile.TarInfo(folder.lstrip("/"))
            entry.type, entry.mode = tarfile.DIRTYPE, 0o755
            archive.addfile(entry)
        for name, text in (("sshd_config", sshd.config(address)), ("host_key", keys.host),
                           ("authorized_keys", f"{keys.authorized}\n")):  # fmt: skip
            entry = tarfile.TarInfo(f"{sshd.FOLDER.lstrip('/')}/{name}")
            entry.mode, entry.size = 0o600, len(text.encode())
            archive.addfile(entry, io.BytesIO(text.encode()))
    return packed.getvalue()
