"""``single-leader``: how the leader's silence is judged, and what reads cost, in the simulated world."""

from __future__ import annotations

from typing import Any

import pytest

from systems_under_test.single_leader import SYSTEM
from tests.systems_under_test.simulated import Scene, play

LOSSY: dict[str, float] = {"probability": 0.6}


def all_links(scene: Scene) -> list[tuple[str, str]]:
    nodes = scene.cluster.nodes
    return [(sender, receiver) for sender in nodes for receiver in nodes if sender != receiver]


def failovers(kind: str, seed: int) -> int:
    """How often a leader is deposed that is alive all the time, in 40 s in which most messages are lost."""
    count: list[int] = []

    async def scenario(scene: Scene) -> None:
        await scene.runtime.sleep(1000)
        before = len(scene.events("became-leader"))
        await scene.cluster.degrade("loss", all_links(scene), LOSSY)
        await scene.runtime.sleep(40_000)
        count.append(len(scene.events("became-leader")) - before)
        await scene.cluster.restore("loss")
        await scene.runtime.sleep(3000)
        leader = await scene.leader()
        await scene.cluster.kill([leader])
        await scene.leader(leader)

    options: dict[str, Any] = {"detector": kind, "failover-ms": "200"}
    play(SYSTEM, scenario, seed=seed, **options)
    return count[0]


def test_learnt_timeouts_bear_what_a_fixed_one_takes_for_death() -> None:
    seeds = range(2)
    assert sum(failovers("fixed", seed) for seed in seeds) >= 2
    assert sum(failovers(kind, seed) for seed in seeds for kind in ("adaptive", "phi")) == 0


@pytest.mark.parametrize(("failover_ms", "deposed"), [("200", True), ("1600", False)])
def test_a_pause_of_half_a_second_is_death_or_is_not(failover_ms: str, deposed: bool) -> None:
    async def scenario(scene: Scene) -> None:
        await scene.runtime.sleep(1000)
        leader = await scene.leader()
        await scene.cluster.pause([leader])
        await scene.runtime.sleep(500)
        await scene.cluster.resume([leader])
        await scene.runtime.sleep(1000)
        assert (await scene.leader() != leader) == deposed

    play(SYSTEM, scenario, **{"failover-ms": failover_ms})  # type: ignore[arg-type]


def test_a_node_serves_one_read_at_a_time() -> None:
    async def scenario(scene: Scene) -> None:
        leader = await scene.leader()
        began_ms = scene.runtime.now() / 1e6
        asked = [scene.runtime.spawn(scene.call(leader, "read"), f"read-{number}") for number in range(10)]
        ended_ms = []
        for read in asked:
            assert "value" in await read
            ended_ms.append(scene.runtime.now() / 1e6 - began_ms)
        assert 500 <= ended_ms[-1] <= 560
        assert (await scene.ask("write", 1)).type == "ok"

    play(SYSTEM, scenario, **{"service-ms": "50"})  # type: ignore[arg-type]
