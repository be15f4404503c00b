"""``--provider docker``: makes clusters of containers on this machine; root only."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, cast

from harness.cluster import ClusterSpec, Finding
from harness.clusters.docker import addresses, examination, leftovers
from harness.clusters.local import leftovers as local_leftovers
from harness.clusters.request import check_request

if TYPE_CHECKING:
    from harness.clusters.docker.containers import Containers
    from harness.clusters.local.keys import KeyPair
    from harness.clusters.remote.cluster import RemoteCluster
    from harness.clusters.remote.site import Place


class DockerProvider:
    """See :class:`harness.cluster.Provider`. What needs paramiko or docker is imported when a cluster is made."""

    name = "docker"
    summary = "containers on this machine, a real sshd in each; starts an engine of its own where none runs; needs root"

    def examine(self) -> Sequence[Finding]:
        return examination.examine()

    @property
    def capabilities(self) -> frozenset[str]:
        from harness.clusters.docker.site import DockerSite
        from harness.clusters.remote.capability import capabilities_at

        usable = all(finding.present for finding in self.examine() if finding.required)
        described = DockerSite(cast("Containers", _Described()), ["n1"])
        return capabilities_at(described) | {"clock"} if usable else frozenset()  # the image has libfaketime

    def living(self) -> Sequence[str]:
        return leftovers.living()

    def remove_leftovers(self) -> Sequence[str]:
        """Containers first: folders and control groups of the same runs can go when they are empty."""
        return (*leftovers.remove_leftovers(), *local_leftovers.remove_leftovers())

    async def create(self, spec: ClusterSpec, runtime: Any) -> RemoteCluster:
        """See ``Provider.create``; raises ClusterError."""
        from harness.clusters.docker.containers import Containers, Keys
        from harness.clusters.docker.site import DockerSite
        from harness.clusters.local.keys import new_key_pair
        from harness.clusters.remote.cluster import RemoteCluster

        check_request(self.name, spec, self.examine(), addresses.NODES_MAX, addresses.CLIENTS_MAX)
        host_key, user_key = new_key_pair(), new_key_pair()
        containers = Containers(spec, Keys(host_key.private, user_key.public))
        with ThreadPoolExecutor(2, thread_name_prefix="create") as threads:
            packed, cluster = threads.submit(_pack, spec), None
            try:
                await asyncio.wrap_future(threads.submit(containers.start))
                site = DockerSite(containers, [node.name for node in spec.nodes])
                cluster = RemoteCluster(spec, runtime, _places(spec, containers, host_key, user_key), site)
                await cluster.deploy(await asyncio.wrap_future(packed))
            except BaseException:
                # Then the threads end soon, and leaving the block waits for them.
                containers.stop() if cluster is None else cluster.down_now()
                raise
        return cluster


class _Described:
    """In the place of containers that are not made."""

    def has_disk(self, index: int) -> bool:
        return True

    def is_on(self, index: int) -> bool:
        return False


PROVIDER: Final = DockerProvider()


def _places(spec: ClusterSpec, containers: Containers, host_key: KeyPair, user_key: KeyPair) -> list[Place]:
    """One interface each, by which the harness comes in too: so only the addresses of peers and clients may be cut."""
    from harness.clusters.remote.site import Place
    from harness.clusters.remote.ssh import SshAddress

    assert containers.subnet is not None, "started"
    subnet, key, trusted = containers.subnet, user_key.for_paramiko(), host_key.for_paramiko()
    address = partial(
        SshAddress, port=22, user="root", key=key, host_key=trusted, open_socket=containers.harness_socket
    )
    return [
        Place(node, address(node.name, subnet.node(i)), subnet.node(i), None) for i, node in enumerate(spec.nodes, 1)
    ]


def _pack(spec: ClusterSpec) -> Path:
    from harness.deploy import build_zipapp

    return build_zipapp(spec.folder / "node.pyz", spec.modules)
