"""What the clusters at a site could break, before there is one."""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

from harness import catalog
from harness.cluster import ClusterSpec, NodeSpec
from harness.clusters.remote.cluster import RemoteCluster
from harness.clusters.remote.site import Place, Site
from harness.clusters.remote.ssh import SshAddress


def capabilities_at(site: Site) -> frozenset[str]:
    """The capabilities of a cluster of one node there that is asked for everything. It is only described: nothing is
    made, reached or left behind."""
    nothing = cast(Any, None)
    needs = frozenset[str]().union(*(fault.needs for fault in catalog.faults().values()))
    node = NodeSpec("n1", "node", "nowhere:Nothing")
    spec = ClusterSpec((node,), {}, (), 0, 1, 1000.0, Path(), needs=needs)
    place = Place(node, SshAddress("n1", "", 0, "", nothing, nothing, nothing), "", None)
    cluster = RemoteCluster(spec, nothing, [place], site)
    try:
        return cluster.capabilities
    finally:
        cluster._nodes.close()
