"""What a provider says of its clusters before there is one is what they say of themselves."""

from __future__ import annotations

import os

import pytest

from harness.clusters.local.provider import PROVIDER
from harness.clusters.remote.cluster import RemoteCluster
from tests.harness.clusters.local_clusters import run_folders

pytestmark = pytest.mark.cluster


def test_a_described_cluster_can_do_what_a_real_one_can(five: RemoteCluster) -> None:
    before = run_folders(os.getpid())
    described = PROVIDER.capabilities
    assert run_folders(os.getpid()) == before, "nothing is made for it"
    assert described - five.capabilities <= {"clock"}, "only this must be asked for beforehand"
    assert five.capabilities <= described
    assert {"partition", "kill", "pause", "events"} <= described
