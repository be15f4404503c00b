"""``postgres`` on real nodes: what each isolation level lets happen, what its client makes of every end, failover."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from harness import catalog
from harness.cli import main
from harness.system import Client
from systems_under_test.external.postgres import SYSTEM
from systems_under_test.external.postgres.client import ERRORS, PostgresClient, _code
from systems_under_test.external.postgres.keeper import Order, quorum
from systems_under_test.external.postgres.session import Session
from tests.harness.clusters.local_clusters import eventually
from tests.systems_under_test.external.external_cluster import (
    ExternalCluster,
    ask,
    external_cluster,
    skip_without_local,
)

psycopg = pytest.importorskip("psycopg", reason="the client of PostgreSQL is not installed")

LEVELS = ("READ COMMITTED", "REPEATABLE READ", "SERIALIZABLE")
RC, RR, SERIALIZABLE = LEVELS
SYNC = {"replication": "sync", "failover": "controller"}
ASYNC = {"replication": "async", "failover": "controller"}


@pytest.fixture(scope="module")
def runner() -> Iterator[asyncio.Runner]:
    with asyncio.Runner() as runner:
        yield runner


@pytest.fixture(scope="module")
def one(runner: asyncio.Runner, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ExternalCluster]:
    """One server, shared by tests that leave it whole and use keys of their own."""
    skip_without_local()
    context = external_cluster("postgres", tmp_path_factory.mktemp("one"), nodes=1)
    yield runner.run(context.__aenter__())
    runner.run(context.__aexit__(None, None, None))


@asynccontextmanager
async def client_at(cluster: ExternalCluster, node: str = "n1", **options: str) -> AsyncIterator[Client]:
    client = await cluster.client(node, think_ms="0", **options)
    try:
        yield client
    finally:
        await client.close()


@asynccontextmanager
async def two_sessions(cluster: ExternalCluster, level: str) -> AsyncIterator[tuple[Session, Session]]:
    """Two that have begun, after x = y = 0 was committed; the keys of each level are its own."""
    async with client_at(cluster) as first, client_at(cluster) as second:
        assert isinstance(first, PostgresClient)
        assert isinstance(second, PostgresClient)
        sessions = await first._connected(reads=False), await second._connected(reads=False)
        for key in ("x", "y"):
            assert (await ask(first, "write", 0, key=key)).type == "ok"
        for session in sessions:
            await session.begin(level)
        yield sessions


async def commit_both(first: Session, second: Session) -> list[object]:
    """True for a commit, or the SQLSTATE; of the second one only if the first one has ended."""
    outcomes: list[object] = []
    for session in (first, second):
        try:
            outcomes.append(await session.commit())
        except psycopg.Error as error:
            outcomes.append(error.sqlstate)
    return outcomes


@pytest.mark.cluster
@pytest.mark.parametrize("level", LEVELS)
def test_nobody_reads_what_is_not_committed(one: ExternalCluster, runner: asyncio.Runner, level: str) -> None:
    async def scenario() -> None:
        async with two_sessions(one, level) as (first, second):
            await first.write("x", 1)
            assert await second.read("x") == 0
            await first.rollback()

    runner.run(scenario())


@pytest.mark.cluster
@pytest.mark.parametrize(("level", "seen"), [(RC, 1), (RR, 0), (SERIALIZABLE, 0)])
def test_read_skew_is_of_read_committed_alone(one: ExternalCluster, runner: asyncio.Runner, level: str,
                                              seen: int) -> None:  # fmt: skip
    async def scenario() -> None:
        async with two_sessions(one, level) as (first, second):
            assert await first.read("x") == 0
            await second.write("x", 1)
            await second.write("y", 1)
            assert await second.commit()
            assert await first.read("y") == seen

    runner.run(scenario())


@pytest.mark.cluster
@pytest.mark.parametrize(("level", "outcome"), [(RC, None), (RR, "40001"), (SERIALIZABLE, "40001")])
def test_an_update_is_lost_at_read_committed_alone(one: ExternalCluster, runner: asyncio.Runner, level: str,
                                                   outcome: str | None) -> None:  # fmt: skip
    async def scenario() -> None:
        async with two_sessions(one, level) as (first, second):
            for session in (first, second):
                assert await session.read("x") == 0
            await first.write("x", 1)
            assert await first.commit()
            try:
                found = await second.write("x", 1)
            except psycopg.Error as error:
                found = error.sqlstate
            assert found == outcome

    runner.run(scenario())


@pytest.mark.cluster
@pytest.mark.parametrize(("level", "outcome"), [(RC, True), (RR, True), (SERIALIZABLE, "40001")])
def test_write_skew_is_refused_by_serializable_alone(one: ExternalCluster, runner: asyncio.Runner, level: str,
                                                     outcome: object) -> None:  # fmt: skip
    async def scenario() -> None:
        async with two_sessions(one, level) as (first, second):
            for session in (first, second):
                assert [await session.read(key) for key in ("x", "y")] == [0, 0]
            await first.write("x", 1)
            await second.write("y", 1)
            assert await commit_both(first, second) == [True, outcome]

    runner.run(scenario())


@pytest.mark.cluster
def test_operations(one: ExternalCluster, runner: asyncio.Runner) -> None:
    async def scenario() -> None:
        async with client_at(one) as client:
            assert (await ask(client, "read", key=1)).value is None
            assert (await ask(client, "write", 3, key=1)).type == "ok"
            assert (await ask(client, "cas", [3, 4], key=1)).type == "ok"
            missed = await ask(client, "cas", [3, 5], key=1)
            assert (missed.type, missed.error) == ("fail", "cas-mismatch")
            assert (await ask(client, "read", key=1)).value == 4
            for element in (7, 8, 7):
                assert (await ask(client, "add", element)).type == "ok"
            assert sorted((await ask(client, "read")).value) == [7, 8]
            for amount in (20, 22):
                assert (await ask(client, "inc", amount, key="count")).type == "ok"
            assert (await ask(client, "read", key="count")).value == 42
            steps = [["append", "list", 1], ["append", "list", 2], ["r", "list", None], ["w", "z", None], ["r", "z", 0]]
            done = [["append", "list", 1], ["append", "list", 2], ["r", "list", [1, 2]], ["w", "z", None],
                    ["r", "z", None]]  # fmt: skip
            assert (await ask(client, "txn", steps)).value == done
            balances = (await ask(client, "read", [0, 1], key="bank")).value
            assert balances == {"0": 20, "1": 20}
            refused = await ask(client, "transfer", {"from": 0, "to": 1, "amount": 21}, key="bank")
            assert (refused.type, refused.error) == ("fail", "insufficient-funds")
            refused = await ask(client, "drop")
            assert (refused.type, refused.error) == ("fail", "unsupported")

    runner.run(scenario())


@pytest.mark.cluster
def test_a_client_that_loses_patience_before_the_commit_has_done_nothing(one: ExternalCluster,
                                                                         runner: asyncio.Runner) -> None:  # fmt: skip
    async def scenario() -> None:
        async with two_sessions(one, RC) as (holder, _), client_at(one) as client:
            await holder.write("x", 1)
            refused = await ask(client, "write", 2, key="x")
            assert (refused.type, refused.error) == ("fail", "no-answer")
            assert await holder.commit()
            assert (await ask(client, "read", key="x")).value == 1

    runner.run(scenario())


@pytest.mark.cluster
def test_a_server_that_is_gone_refuses_and_comes_back_with_everything(one: ExternalCluster,
                                                                      runner: asyncio.Runner) -> None:  # fmt: skip
    async def scenario() -> None:
        async with client_at(one) as client:
            assert (await ask(client, "write", 1, key="kept")).type == "ok"
            await one.cluster.kill(["n1"])
            assert (await ask(client, "read", key="kept")).error == "no-answer"
            assert (await ask(client, "write", 2, key="kept")).error == "refused"
            await one.cluster.start(["n1"])
            await one.ready()
            assert (await ask(client, "read", key="kept")).value == 1

    runner.run(scenario())


@pytest.mark.cluster
def test_synchronous_replication(runner: asyncio.Runner, tmp_path: Path) -> None:
    """A commit that nobody confirms is unknown, however it ends; what was confirmed is there after a failover."""
    skip_without_local()

    async def scenario() -> None:
        async with external_cluster("postgres", tmp_path, 3, SYNC) as cluster, \
                   client_at(cluster, **SYNC) as client, client_at(cluster, **SYNC) as other:  # fmt: skip
            assert (await ask(client, "add", 1)).type == "ok"
            await cluster.cluster.pause(["n2", "n3", "n4"])
            waiting = asyncio.ensure_future(ask(client, "add", 2))
            assert isinstance(other, PostgresClient)
            session = await other._connected(reads=False)

            async def cancelled() -> bool:
                """As an administrator might, who wonders what is waited for."""
                sql = "SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE wait_event = 'SyncRep'"
                return (await session._execute(sql)).rowcount > 0

            await eventually(cancelled)
            given_up = await waiting
            assert (given_up.type, given_up.error) == ("info", "not-replicated")
            late = await ask(client, "add", 3)
            assert (late.type, late.error) == ("info", "timeout")
            await cluster.cluster.resume(["n2", "n3", "n4"])
            await cluster.ready()
            assert (await ask(client, "add", 4)).type == "ok"
            await cluster.cluster.kill(["n1"])
            assert {1, 4} <= set(await once_ok(client, "read"))
            await cluster.cluster.start(["n1"])
            assert await cluster.leader() in ("n2", "n3")
            roles = {node: status["role"] for node, status in (await cluster.statuses()).items()}
            assert roles["n1"] == "standby"

    runner.run(scenario())


@pytest.mark.cluster
def test_a_primary_that_was_replaced_rejoins_without_what_only_it_had(runner: asyncio.Runner, tmp_path: Path) -> None:
    skip_without_local()

    async def scenario() -> None:
        async with external_cluster("postgres", tmp_path, 3, ASYNC) as cluster, \
                   client_at(cluster, **ASYNC) as client, \
                   client_at(cluster, "n1", reads="replica", **ASYNC) as reader:  # fmt: skip
            others = ("n2", "n3", "n4")
            assert (await ask(client, "add", 1)).type == "ok"
            await cluster.cluster.partition({"n1": others, **{node: ["n1"] for node in others}})

            async def replaced() -> bool:
                return SYSTEM.leader(await cluster.statuses()) in ("n2", "n3")

            await eventually(replaced, 20)
            assert (await ask(client, "add", 2)).type == "ok", "the old one has not heard of it"
            await cluster.cluster.heal()

            async def agreed() -> bool:
                leader = SYSTEM.leader(await cluster.statuses())
                return leader != "n1" and SYSTEM.ready(await cluster.statuses())

            await eventually(agreed, 20)
            assert (await once_ok(client, "add", 3)) == 3

            async def caught_up() -> bool:
                found = await ask(reader, "read")
                return found.type == "ok" and sorted(found.value) == [1, 3]

            await eventually(caught_up, 10)

    runner.run(scenario())


async def once_ok(client: Client, f: str, value: Any = None) -> Any:
    """The value of the first of many tries that succeeds."""
    values = []

    async def done() -> bool:
        op = await ask(client, f, value)
        values.append(op.value)
        return op.type == "ok"

    await eventually(done, 20)
    return values[-1]


@pytest.mark.cluster
@pytest.mark.parametrize(
    ("isolation", "workload", "status", "shown"),
    [
        ("read-committed", "bank", 1, {"wrong-total"}),
        ("repeatable-read", "write-skew", 1, {"write-skew"}),
        ("serializable", "list-append", 0, set()),
    ],
)
def test_each_level_in_a_run(tmp_path: Path, capsys: pytest.CaptureFixture[str], isolation: str, workload: str,
                             status: int, shown: set[str]) -> None:  # fmt: skip
    skip_without_local()
    arguments = ["run", "postgres", "-o", f"isolation={isolation}", "--workload", workload, "--nodes", "1",
                 "--time-limit", "4", "--store", str(tmp_path), "--json"]  # fmt: skip
    assert main(arguments) == status
    told = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert shown <= {anomaly["type"] for anomaly in told["anomalies"]}


@pytest.mark.parametrize(
    ("state", "committing", "code", "outcome"),
    [
        ("40001", False, "serialization-failure", "fail"),
        ("40001", True, "serialization-failure", "fail"),
        ("40P01", False, "deadlock", "fail"),
        ("25006", False, "read-only", "fail"),
        ("57P01", False, "unavailable", "fail"),
        ("57P01", True, "unknown", "info"),  # the server ends while the commit waits for its replicas
        ("53100", False, "aborted", "fail"),
        ("53100", True, "unknown", "info"),
        (None, False, "no-answer", "fail"),
        (None, True, "closed", "info"),
    ],
)
def test_every_end_has_a_code(state: str | None, committing: bool, code: str, outcome: str) -> None:
    found = _code(state, committing=committing)
    assert (found, ERRORS[found]) == (code, outcome)


def test_newer_terms_win_and_nobody_becomes_somebody_once() -> None:
    stood_down, decided = Order(2, None), Order(2, "n1")
    assert stood_down.allows(2, "n2")
    assert not stood_down.allows(2, None)
    assert not stood_down.allows(1, "n2")
    assert not decided.allows(2, "n2")
    assert not decided.allows(2, None)
    assert decided.allows(3, None)


@pytest.mark.parametrize("nodes", range(2, 10))
def test_whoever_stands_down_has_every_commit_and_leaves_too_few(nodes: int) -> None:
    """See ``controller``: the copies of a commit and those who stand down meet, and so do they and who confirms."""
    copies, standing_down = quorum(nodes) + 1, nodes - quorum(nodes)
    assert copies + standing_down > nodes
    assert nodes - standing_down < copies


def test_claims_speak_of_what_there_is() -> None:
    for claim in SYSTEM.claims:
        experiments = [claim.experiment, *([claim.experiment.varied(claim.control)] if claim.control else [])]
        for experiment in experiments:
            assert catalog.workload(experiment.workload).operations <= SYSTEM.operations
            assert all(value in (SYSTEM.options[name].values or ()) for name, value in experiment.options.items())
        assert "sim" not in claim.providers


@pytest.mark.parametrize("workload", SYSTEM.workloads)
def test_workloads_ask_for_what_it_does(workload: str) -> None:
    assert catalog.workload(workload).operations <= SYSTEM.operations


def test_only_one_serializable_server_that_is_asked_for_everything_promises_anything() -> None:
    options = SYSTEM.completed({"replication": "none", "isolation": "serializable"})
    assert SYSTEM.promises(options) == frozenset(SYSTEM.workloads)
    for name, value in (("replication", "async"), ("isolation", "repeatable-read"), ("reads", "replica")):
        assert not SYSTEM.promises({**options, name: value})
