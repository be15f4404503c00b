"""Machine, resource and clock faults on containers, by the very tests that real nodes of the local provider pass."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest

from harness.clusters.docker.provider import PROVIDER
from harness.clusters.remote.cluster import RemoteCluster
from tests.harness.clusters.remote import test_machine_faults as on_nodes

pytestmark = [pytest.mark.cluster, pytest.mark.usefixtures("docker_provider")]


@pytest.fixture(scope="module")
def probed(
    docker_provider: None, runner: asyncio.Runner, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[RemoteCluster]:
    yield from on_nodes.probed_nodes(PROVIDER, runner, tmp_path_factory.mktemp("probed"))


test_off = on_nodes.test_a_machine_that_is_off_answers_nobody_and_refuses_nobody
test_power_off = on_nodes.test_power_off_takes_every_process_and_what_was_not_synced
test_stop = on_nodes.test_a_stopped_program_ends_in_good_order
test_crash_loop = on_nodes.test_a_crash_loop_gives_lives_and_takes_them
test_upgrade = on_nodes.test_an_upgrade_runs_another_build_and_comes_back
test_memory = on_nodes.test_a_program_that_takes_more_memory_is_killed
test_cpu = on_nodes.test_a_small_share_of_the_processor_makes_work_slow
test_fds = on_nodes.test_without_descriptors_only_connections_that_are_there_go_on
test_clock = on_nodes.test_a_bent_clock_is_seen_by_the_program_and_its_monotonic_one_is_true
