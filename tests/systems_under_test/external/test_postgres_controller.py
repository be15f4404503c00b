"""Who is the primary of ``postgres``, scene by scene in the simulated world (``scripted_postgres``)."""

from __future__ import annotations

from random import Random

import pytest

from systems_under_test.external.postgres.controller import PATIENCE_MS
from tests.systems_under_test.external.scripted_postgres import SYSTEM
from tests.systems_under_test.simulated import Scene, play

SYNC = {"replication": "sync", "failover": "controller"}
ASYNC = {"replication": "async", "failover": "controller"}


def leaders(scene: Scene) -> dict[int, set[str]]:
    """Term -> who led it."""
    found: dict[int, set[str]] = {}
    for node, fields in scene.events("became-leader"):
        found.setdefault(fields["term"], set()).add(node)
    return found


@pytest.mark.parametrize("options", [SYNC, ASYNC], ids=["sync", "async"])
def test_a_primary_that_dies_is_replaced_and_follows_when_it_comes_back(options: dict[str, str]) -> None:
    async def scenario(scene: Scene) -> None:
        await scene.cluster.kill(["n1"])
        assert await scene.leader("n1") in ("n2", "n3")
        await scene.cluster.start(["n1"])
        statuses = await scene.until(lambda seen: SYSTEM.ready(seen) and seen["n1"]["role"] == "standby")
        assert {status["term"] for status in statuses.values()} == {2}

    assert leaders(play(SYSTEM, scenario, nodes=3, **options)).keys() == {1, 2}


def test_without_failover_nobody_is_replaced() -> None:
    async def scenario(scene: Scene) -> None:
        await scene.cluster.kill(["n1"])
        await scene.runtime.sleep(4 * PATIENCE_MS)
        await scene.cluster.start(["n1"])
        assert await scene.leader() == "n1"

    assert leaders(play(SYSTEM, scenario, nodes=3, replication="sync")).keys() == {1}


def test_with_synchronous_replication_a_minority_elects_nobody() -> None:
    async def scenario(scene: Scene) -> None:
        await scene.cluster.kill(["n1", "n2"])
        await scene.runtime.sleep(4 * PATIENCE_MS)
        assert SYSTEM.leader(await scene.statuses()) is None
        await scene.cluster.start(["n2"])
        await scene.leader()

    play(SYSTEM, scenario, nodes=3, **SYNC)


def test_with_asynchronous_replication_one_is_enough() -> None:
    async def scenario(scene: Scene) -> None:
        await scene.cluster.kill(["n1", "n2"])
        assert await scene.leader("n1", "n2") == "n3"

    play(SYSTEM, scenario, nodes=3, **ASYNC)


def test_whoever_is_elected_and_dies_is_not_followed_by_another_in_the_same_term() -> None:
    async def scenario(scene: Scene) -> None:
        await scene.cluster.kill(["n1"])
        await scene.until(lambda seen: bool(scene.events("elected")))
        ((_, elected),) = scene.events("elected")
        await scene.cluster.kill([elected["node"]])
        await scene.cluster.start(["n1"])
        await scene.until(lambda seen: any(each["role"] == "primary" and each["term"] > 2 for each in seen.values()))
        await scene.cluster.start([elected["node"]])
        await scene.ready()

    scene = play(SYSTEM, scenario, nodes=3, **SYNC)
    assert [fields["term"] for _, fields in scene.events("elected")] == [2, 3]
    assert all(len(nodes) == 1 for nodes in leaders(scene).values())


def test_a_controller_that_comes_back_begins_a_term_that_was_never_begun() -> None:
    async def scenario(scene: Scene) -> None:
        await scene.cluster.kill(["n1"])
        await scene.until(lambda seen: any(status["term"] == 2 for status in seen.values()))
        await scene.cluster.kill(["n4"])
        await scene.cluster.start(["n4"])
        await scene.leader("n1")

    scene = play(SYSTEM, scenario, nodes=3, **SYNC)
    assert [fields["term"] for _, fields in scene.events("failover")] == [2, 3]


@pytest.mark.parametrize("options", [SYNC, ASYNC], ids=["sync", "async"])
@pytest.mark.parametrize("seed", range(1, 9))
def test_no_term_has_two_leaders_and_all_ends_well(seed: int, options: dict[str, str]) -> None:
    async def scenario(scene: Scene) -> None:
        random = Random(seed)
        for _ in range(8):
            victims = random.sample(scene.cluster.nodes, random.randint(1, 3))
            if random.random() < 0.5:
                await scene.cluster.partition(scene.apart(*victims))
            else:
                await scene.cluster.kill(victims)
            await scene.runtime.sleep(random.uniform(50, 4000))
            await scene.cluster.heal()
            await scene.cluster.start([node for node in victims if await scene.cluster.status(node, 10) is None])
            await scene.runtime.sleep(random.uniform(0, 1500))
        await scene.ready()

    scene = play(SYSTEM, scenario, nodes=4, seed=seed, **options)
    assert all(len(nodes) == 1 for nodes in leaders(scene).values()), leaders(scene)
