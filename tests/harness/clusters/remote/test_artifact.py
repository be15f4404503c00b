"""What is kept of real nodes: the packets that carried their messages, and what was on their disks."""

from __future__ import annotations

import asyncio
import tarfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from harness.clusters.local.provider import PROVIDER
from harness.clusters.remote.artifact import DATA, PACKETS
from harness.clusters.remote.cluster import RemoteCluster
from harness.node import Message
from harness.real_runtime import RealRuntime
from tests.harness.agent.pcap import frames
from tests.harness.clusters.local_clusters import spec

pytestmark = pytest.mark.cluster


async def make(folder: Path) -> RemoteCluster:
    return await PROVIDER.create(replace(spec(folder, nodes=2), capture=True), RealRuntime(1))


@pytest.fixture(scope="module")
def captured(runner: asyncio.Runner, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RemoteCluster]:
    cluster = runner.run(make(tmp_path_factory.mktemp("captured")))
    runner.run(cluster.start(cluster.nodes))
    yield cluster
    runner.run(cluster.down())


async def say(cluster: RemoteCluster, client: int, name: str, node: str, **message: str) -> Message:
    return await cluster.client_env(client, name).call(node, message, 2000)


def fetched(runner: asyncio.Runner, cluster: RemoteCluster, folder: Path, node: str, word: bytes) -> bytes:
    """All frames of a node, once the word is in them: packets are written a moment after they came."""
    for _ in range(50):
        runner.run(cluster.fetch_logs(folder))
        seen = b"".join(frames(folder / node / PACKETS))
        if word in seen:
            return seen
        runner.run(asyncio.sleep(0.1))
    raise AssertionError(f"{word!r} is not among the packets of {node}")


def test_messages_are_in_the_packets_of_both_ends_and_ssh_is_not(
    runner: asyncio.Runner, captured: RemoteCluster, folder: Path
) -> None:
    for word in ("first-word", "second-word"):
        answer = runner.run(say(captured, 0, "c-known-name", "n1", to="n2", word=word))
        assert answer["node"] == "n2"
    runner.run(captured.shell("n1").run("true"))
    seen = fetched(runner, captured, folder, "n1", b"second-word")
    assert b"first-word" in seen
    assert b"c-known-name" in seen
    assert b"n1" in fetched(runner, captured, folder, "n2", b'"n1"'), "its peer's side of the call"
    assert b"SSH-2.0" not in seen


def test_the_file_goes_on_after_a_power_off(runner: asyncio.Runner, captured: RemoteCluster, folder: Path) -> None:
    runner.run(say(captured, 1, "c-before", "n2"))
    fetched(runner, captured, folder, "n2", b"c-before")
    runner.run(captured.power_off(["n2"]))
    runner.run(captured.start(["n2"]))
    runner.run(say(captured, 2, "c-after", "n2"))
    assert b"c-before" in fetched(runner, captured, folder, "n2", b"c-after")


def test_what_was_on_the_disks_is_fetched(runner: asyncio.Runner, captured: RemoteCluster, folder: Path) -> None:
    shell = captured.shell("n1")
    runner.run(shell.write("/var/lib/node/kept", b"some data"))
    assert runner.run(captured.fetch_data(folder)) == {"n1": "", "n2": ""}
    with tarfile.open(folder / "n1" / DATA) as archive:
        member = archive.extractfile("kept")
        assert member is not None
        assert member.read() == b"some data"
    assert (folder / "n2" / DATA).is_file()
    left = runner.run(shell.run("ls", "/run/splitbrain")).stdout
    assert DATA not in left


def test_a_node_that_does_not_answer_is_said_to_be_missing(
    runner: asyncio.Runner, captured: RemoteCluster, folder: Path
) -> None:
    runner.run(captured.power_off(["n2"]))
    told = runner.run(captured.fetch_data(folder))
    assert told["n1"] == ""
    assert "n2: its data was not fetched" in told["n2"]
    runner.run(captured.start(["n2"]))
