"""``--provider local``: makes clusters of namespaces on this machine; root only."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, cast

from harness.cluster import ClusterSpec, Finding
from harness.clusters.local import addresses, examination, layer, leftovers
from harness.clusters.request import check_request

if TYPE_CHECKING:
    from harness.clusters.local.fabric import Fabric
    from harness.clusters.local.keys import KeyPair
    from harness.clusters.remote.cluster import RemoteCluster
    from harness.clusters.remote.site import Place


class LocalProvider:
    """See :class:`harness.cluster.Provider`. What needs paramiko is imported when a cluster is made: listing and
    examining must not wait for it."""

    name = "local"
    summary = "Linux namespaces on this machine, a real sshd in each; partitions, kills, pauses; needs root"

    def examine(self) -> Sequence[Finding]:
        return examination.examine()

    @property
    def capabilities(self) -> frozenset[str]:
        from harness.clusters.local.site import LocalSite
        from harness.clusters.remote.capability import capabilities_at

        found = self.examine()
        if not all(finding.present for finding in found if finding.required):
            return frozenset()
        clock = (
            {"clock"} if any(finding.name == examination.FAKETIME and finding.present for finding in found) else set()
        )
        return capabilities_at(LocalSite(cast("Fabric", _Described()))) | clock

    def living(self) -> Sequence[str]:
        return leftovers.living()

    def remove_leftovers(self) -> Sequence[str]:
        return (*leftovers.remove_leftovers(), *layer.remove_unfinished(layer.CACHE))

    async def create(self, spec: ClusterSpec, runtime: Any) -> RemoteCluster:
        """See ``Provider.create``; raises ClusterError."""
        from harness.clusters.local.fabric import Fabric
        from harness.clusters.local.keys import new_key_pair
        from harness.clusters.local.site import LocalSite
        from harness.clusters.remote.cluster import RemoteCluster

        check_request(self.name, spec, self.examine(), addresses.NODES_MAX, addresses.CLIENTS_MAX)
        self.remove_leftovers()
        packages = str(await layer.ensure(spec.packages, spec.say, layer.CACHE)) if spec.packages else ""
        fabric, host_key, user_key = Fabric(), new_key_pair(), new_key_pair()
        cluster = RemoteCluster(spec, runtime, _places(spec, fabric, host_key, user_key), LocalSite(fabric))
        with ThreadPoolExecutor(2, thread_name_prefix="create") as threads:
            built = threads.submit(fabric.start, _request(spec, fabric, host_key, user_key, packages))
            packed = threads.submit(_pack, spec)
            try:
                await asyncio.wrap_future(built)
                await cluster.deploy(await asyncio.wrap_future(packed))
            except BaseException:
                cluster.down_now()  # then the threads end at once, and leaving the block waits for them
                raise
        return cluster


class _Described:
    """In the place of a fabric that is not made."""

    def has_disk(self, index: int) -> bool:
        return True


PROVIDER: Final = LocalProvider()


def _request(spec: ClusterSpec, fabric: Fabric, host_key: KeyPair, user_key: KeyPair, packages: str) -> Any:
    from harness.clusters.local.protocol import FabricRequest, NodeRequest

    return FabricRequest(
        folder=str(fabric.folder),
        nodes=tuple(
            NodeRequest(node.name, addresses.node_data(i), addresses.node_control(i), node.disk)
            for i, node in enumerate(spec.nodes, 1)
        ),
        clients=tuple(addresses.client_data(i) for i in range(spec.clients)),
        host_key=host_key.private,
        authorized_key=user_key.public,
        layer=packages,
    )


def _places(spec: ClusterSpec, fabric: Fabric, host_key: KeyPair, user_key: KeyPair) -> list[Place]:
    from harness.clusters.local.network import DATA_INTERFACE
    from harness.clusters.remote.site import Place
    from harness.clusters.remote.ssh import SshAddress

    key, trusted = user_key.for_paramiko(), host_key.for_paramiko()
    return [
        Place(
            node,
            SshAddress(node.name, addresses.node_control(i), 22, "root", key, trusted, lambda: fabric.socket("fabric")),
            addresses.node_data(i),
            DATA_INTERFACE,
        )
        for i, node in enumerate(spec.nodes, 1)
    ]


def _pack(spec: ClusterSpec) -> Path:
    from harness.deploy import build_zipapp

    return build_zipapp(spec.folder / "node.pyz", spec.modules)
