"""``raft`` in the simulated world: leaders that hand over, that hold leases, and that nobody deposes without need."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from harness.node import Message
from systems_under_test.blocks.raft.bug import LEASE_WITHOUT_BOUND, NO_PRE_VOTE
from systems_under_test.raft import SYSTEM
from tests.systems_under_test.simulated import Scene, play


async def transfer(scene: Scene, node: str, to: str | None) -> Message:
    return await scene.cluster.client_env(0, "operator").call(node, {"type": "transfer", "to": to}, 3000)


def test_a_leader_hands_over_without_a_gap() -> None:
    async def scenario(scene: Scene) -> None:
        leader = await scene.leader()
        target = next(node for node in scene.cluster.nodes if node != leader)
        assert (await scene.ask("write", 1)).type == "ok"
        began_ns = scene.runtime.now()
        assert (await transfer(scene, leader, target))["value"] == "handed over"
        assert await scene.leader(leader) == target
        assert (await scene.ask("read")).value == 1
        assert scene.runtime.now() - began_ns < 300e6, "no election timeout has passed"

    play(SYSTEM, scenario)


def test_a_transfer_that_is_refused_and_one_that_comes_to_nothing() -> None:
    async def scenario(scene: Scene) -> None:
        leader = await scene.leader()
        follower, target = [node for node in scene.cluster.nodes if node != leader][:2]
        assert await transfer(scene, follower, target) == {"error": "not-leader", "leader": leader}
        assert await transfer(scene, leader, "n9") == await transfer(scene, leader, leader) == {"error": "unavailable"}
        await scene.cluster.partition(scene.apart(target))
        assert await transfer(scene, leader, target) == {"error": "aborted"}
        assert (await scene.ask("write", 1)).type == "ok"
        assert await scene.leader() == leader

    play(SYSTEM, scenario)


@pytest.mark.parametrize(
    ("reads", "bug", "is_stale"),
    [
        ("lease-wall", "", True),
        ("lease-monotonic", "", False),
        ("lease-monotonic", LEASE_WITHOUT_BOUND, True),
        ("index", "", False),
    ],
)
def test_a_leader_that_is_cut_off_and_whose_clock_is_set_back(reads: str, bug: str, is_stale: bool) -> None:
    async def scenario(scene: Scene) -> None:
        old = await scene.leader()
        assert (await scene.ask("write", 1)).type == "ok"
        await scene.runtime.sleep(250)  # a heartbeat was answered: it holds a lease
        await scene.cluster.partition(scene.apart(old))
        await scene.cluster.clock_bend([old], "jump", {"offset_ms": -60_000})
        new = await scene.leader(old)
        assert await scene.call(new, "write", 2) == {"value": None}
        assert (await scene.statuses())[old]["role"] == "leader", "it has not noticed yet"
        answer = await scene.call(old, "read")
        assert (answer == {"value": 1}) is is_stale, answer
        assert is_stale or "error" in answer

    play(SYSTEM, scenario, *[bug] if bug else [], reads=reads, seed=LATE_RESIGNATION)


LATE_RESIGNATION = 1
"""A seed with which the old leader notices only after another was elected that it has lost its majority."""


@pytest.mark.parametrize(
    ("reads", "factor", "is_stale"),
    [
        ("lease-monotonic", 0.3, True),
        ("lease-monotonic", 0.92, False),
        ("lease-wall", 0.3, True),
        ("index", 0.3, False),
    ],
)
def test_a_leader_that_is_cut_off_and_whose_clocks_run_slow(reads: str, factor: float, is_stale: bool) -> None:
    """Slower than its lease has a bound for (``CLOCK_DRIFT_BOUND``), or less than that."""

    async def scenario(scene: Scene) -> None:
        old = await scene.leader()
        assert (await scene.ask("write", 1)).type == "ok"
        await scene.runtime.sleep(250)  # a heartbeat was answered: it holds a lease
        await scene.cluster.partition(scene.apart(old))
        await scene.cluster.drift([old], factor)
        new = await scene.leader(old)
        assert await scene.call(new, "write", 2) == {"value": None}
        answer = await scene.call(old, "read")
        assert (answer == {"value": 1}) is is_stale, answer
        assert is_stale or "error" in answer

    play(SYSTEM, scenario, reads=reads, seed=LATE_RESIGNATION)


def test_reads_within_a_lease_send_nothing() -> None:
    async def scenario(scene: Scene) -> None:
        leader = await scene.leader()
        assert (await scene.ask("write", 1)).type == "ok"
        await scene.runtime.sleep(250)  # a heartbeat was answered
        begun_ns = scene.runtime.now()
        await scene.cluster.partition(scene.apart(leader))
        assert await scene.call(leader, "read") == {"value": 1}
        assert scene.runtime.now() - begun_ns < 50e6

    play(SYSTEM, scenario, reads="lease-monotonic")


def terms(statuses: Mapping[str, Any]) -> set[int]:
    return {status["term"] for status in statuses.values()}


@pytest.mark.parametrize(("options", "bug", "deposed"), [
    ({}, "", False), ({"pre-vote": "off"}, "", True), ({}, NO_PRE_VOTE, True),
])  # fmt: skip
def test_a_follower_that_was_cut_off_comes_back(options: dict[str, str], bug: str, deposed: bool) -> None:
    async def scenario(scene: Scene) -> None:
        leader = await scene.leader()
        await scene.runtime.sleep(500)  # until everybody has heard of it
        before = terms(await scene.statuses())
        follower = next(node for node in scene.cluster.nodes if node != leader)
        await scene.cluster.partition(scene.apart(follower))
        await scene.runtime.sleep(3000)
        await scene.cluster.heal()
        await scene.runtime.sleep(3000)
        assert SYSTEM.ready(await scene.statuses())
        assert (terms(await scene.statuses()) != before) is deposed

    play(SYSTEM, scenario, *[bug] if bug else [], **options)
