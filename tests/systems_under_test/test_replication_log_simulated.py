"""``replication-log`` in the simulated world: each way to write a log, and what it does and does not keep the same."""

from __future__ import annotations

from typing import Any

import pytest

from harness.cluster_faults import MachineFaults
from harness.search.determinism import compare
from harness.search.trial import Trial, run_trial
from systems_under_test.replication_log import SYSTEM
from systems_under_test.replication_log.claims import CLAIMS
from tests.harness.search.plans import base_plan, setup_for
from tests.systems_under_test.simulated import Scene, play

STATEMENT = {"log": "statement", "nondeterminism": "fixed-by-leader"}
FAULTS = "partition=isolate-leader, kill=leader, power-loss=all"


def trial(seed: int, options: dict[str, str], faults: str = "none", **fields: Any) -> Trial:
    plan = base_plan("replication-log", options=options, faults=faults, **{"rate_hz": 30.0, **fields})
    return run_trial(setup_for(plan, seed))


def differing(found: Trial) -> set[str]:
    """The tables in which the replicas do not hold the same at the end."""
    last = {op.node: op.value["state"] for op in found.history if op.f == "dump" and op.type == "ok"}
    keys = {key for state in last.values() for key in state}
    return {key.partition("/")[0] for key in keys if len({repr(state.get(key)) for state in last.values()}) > 1}


@pytest.mark.parametrize(
    ("options", "tables"),
    [
        ({"log": "statement"}, {"visits"}),
        ({**STATEMENT, "apply": "parallel"}, {"orders", "seats", "visits"}),
        ({**STATEMENT, "triggers": "nondeterministic"}, {"audit"}),
    ],
)
def test_replicas_that_execute_statements_come_to_differ(options: dict[str, str], tables: set[str]) -> None:
    """In what calls functions; in what depends on the order, be it keys or conditions; in what triggers write."""
    found = trial(1, options)
    result = found.verdict.result
    assert (result.valid, {anomaly.type for anomaly in result.anomalies}) == (False, {"divergence"})
    assert differing(found) == tables


@pytest.mark.parametrize(
    "options",
    [
        {**STATEMENT, "triggers": "deterministic"},
        {"log": "row", "apply": "parallel", "triggers": "nondeterministic"},
        {"log": "wal", "apply": "parallel", "triggers": "nondeterministic"},
        {"log": "trigger", "triggers": "nondeterministic"},
    ],
)
def test_replicas_agree_whatever_happens(options: dict[str, str]) -> None:
    verdict = trial(2, options, FAULTS).verdict
    assert verdict.checked is not None
    assert verdict.checked.valid is True, str(verdict.result)
    assert any(line["bit"] for line in verdict.faults)


@pytest.mark.parametrize(
    ("options", "valid"),
    [
        ({"log": "wal", "version-check": "off"}, False),
        ({"log": "wal"}, True),
        ({"log": "row", "apply": "parallel"}, True),
    ],
)
def test_a_rolling_upgrade_that_the_leader_begins(options: dict[str, str], valid: bool) -> None:
    result = trial(3, options, "upgrade=leader:5").verdict.result
    assert result.valid is valid, str(result)


def test_runs_repeat() -> None:
    plan = base_plan(
        "replication-log", options={"log": "statement", "apply": "parallel"}, faults="kill", time_limit_s=2.0
    )
    comparison = compare(setup_for(plan, 5).plan)
    assert (comparison.line, comparison.violations) == (None, ())
    assert len(set(comparison.digests)) == 1


async def order(scene: Scene, tag: int) -> int:
    """The key of a new order."""
    scene.asked += 1
    request = {"type": "request", "client": f"c{scene.asked}", "sequence": 1, "f": "insert", "key": "orders",
               "value": {"row": {"tag": tag}}}  # fmt: skip
    reply = await scene.cluster.client_env(0, f"c{scene.asked}").call("n1", request, 1000)
    key: int = reply["value"]["id"]
    return key


async def orders(scene: Scene, node: str) -> list[int]:
    """The tags of the orders that a node holds."""
    state = (await scene.call(node, "dump"))["value"]["state"]
    return [row["tag"] for name, row in state.items() if name.startswith("orders/") and "tag" in row]


async def rebuilt(scene: Scene, node: str, build: str) -> None:
    machines: MachineFaults = scene.cluster
    await machines.stop([node])
    await machines.install([node], build)
    await scene.cluster.start([node])


def test_a_follower_of_another_version_refuses_and_is_whole_again() -> None:
    async def scenario(scene: Scene) -> None:
        assert [await order(scene, tag) for tag in (1, 2)] == [1, 2]
        await scene.runtime.sleep(500)
        await rebuilt(scene, "n2", "new")
        assert await order(scene, 3) == 3
        await scene.runtime.sleep(1000)
        assert (await orders(scene, "n2"), await orders(scene, "n3")) == ([1, 2], [1, 2, 3])
        assert [node for node, _ in scene.events("version-refused")] == ["n2"]
        assert (await scene.statuses())["n2"]["refused"] == 1
        await rebuilt(scene, "n2", "old")
        await scene.runtime.sleep(1000)
        assert await orders(scene, "n2") == [1, 2, 3]
        assert "refused" not in (await scene.statuses())["n2"]

    play(SYSTEM, scenario, nodes=3, log="wal")


def test_rows_go_from_one_version_to_the_other() -> None:
    async def scenario(scene: Scene) -> None:
        await order(scene, 1)
        await scene.runtime.sleep(500)
        await rebuilt(scene, "n2", "new")
        assert not scene.events("mixed-versions"), "there was nothing to take"
        await order(scene, 2)
        await order(scene, 3)
        await scene.runtime.sleep(500)
        assert await orders(scene, "n2") == [1, 2, 3]
        assert scene.events("mixed-versions") == [("n1", {"follower": "n2", "ours": 1, "theirs": 2})]

    play(SYSTEM, scenario, nodes=3, log="row")


def test_a_follower_goes_on_from_an_image_when_the_leader_was_another_version() -> None:
    async def scenario(scene: Scene) -> None:
        await order(scene, 1)
        await scene.cluster.kill(["n3"])
        await rebuilt(scene, "n1", "new")
        await scene.until(SYSTEM.ready)
        await order(scene, 2)
        await scene.runtime.sleep(600)
        assert await orders(scene, "n2") == [1], "it waits"
        await rebuilt(scene, "n1", "old")
        await scene.until(SYSTEM.ready)
        await order(scene, 3)
        await scene.cluster.start(["n3"])
        await scene.runtime.sleep(1500)
        assert [await orders(scene, node) for node in ("n1", "n2", "n3")] == [[1, 2, 3]] * 3

    play(SYSTEM, scenario, nodes=3, log="wal")


def test_a_statement_that_is_asked_again_is_executed_once_even_after_a_restart() -> None:
    async def scenario(scene: Scene) -> None:
        request = {"type": "request", "client": "c", "sequence": 1, "f": "insert", "key": "orders",
                   "value": {"row": {"tag": 1}}}  # fmt: skip
        env = scene.cluster.client_env(0, "c")
        first = await env.call("n1", request, 1000)
        await scene.cluster.kill(["n1"])
        await scene.cluster.start(["n1"])
        await scene.until(SYSTEM.ready)
        assert await env.call("n1", request, 1000) == first == {"value": {"row": {"tag": 1}, "id": 1}}
        assert await orders(scene, "n1") == [1]
        assert await env.call("n2", {**request, "sequence": 2}, 1000) == {"error": "not-leader", "leader": "n1"}
        bad = {**request, "sequence": 3, "value": {"row": {"tag": {"call": "PI"}}}}
        assert await env.call("n1", bad, 1000) == {"error": "unsupported"}

    play(SYSTEM, scenario, nodes=3)


def test_a_corrupt_database_serves_nobody() -> None:
    async def scenario(scene: Scene) -> None:
        for tag in range(5):
            await order(scene, tag)
        await scene.cluster.kill(["n1"])
        assert (await scene.cluster.disk_flip(["n1"], 1, "wal/"))["n1"]["flips"]
        await scene.cluster.start(["n1"])
        await scene.runtime.sleep(500)
        assert [node for node, _ in scene.events("disk-corrupt")] == ["n1"]
        assert await scene.call("n1", "dump") == {"error": "unavailable"}

    play(SYSTEM, scenario, nodes=3)


def test_a_logical_log_costs_less_than_triggers() -> None:
    """In bytes that the leader logs, for the same orders: the change table holds every row a second time."""
    written: list[int] = []

    async def scenario(scene: Scene) -> None:
        for tag in range(20):
            await order(scene, tag)
        env = scene.cluster._nodes["n1"].env
        assert env is not None
        written.append(env.disk.size("wal/00000001"))

    for log in ("row", "trigger"):
        play(SYSTEM, scenario, nodes=3, log=log)
    assert written[1] > 1.2 * written[0], str(written)


def test_every_claim_stands_in_the_book_and_has_its_own_id() -> None:
    assert len({claim.id for claim in CLAIMS}) == len(CLAIMS) == 13
    assert {claim.id[:5] for claim in CLAIMS} == {"SL-16", "SL-17", "SL-18", "SL-19"}
    assert all(158 <= (claim.source.page or 0) <= 161 for claim in CLAIMS)
