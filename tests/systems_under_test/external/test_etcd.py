"""``etcd`` on real nodes: what its client makes of every answer, what transactions compare, what the keeper tells."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from harness.history import Op
from harness.system import Client
from systems_under_test.blocks.transaction import GivenUp
from systems_under_test.external.etcd import SYSTEM
from systems_under_test.external.etcd.client import ERRORS
from systems_under_test.external.etcd.connection import Connection
from systems_under_test.external.etcd.gateway import GatewayError, _answer
from systems_under_test.external.etcd.gateway import ask as ask_gateway
from systems_under_test.external.etcd.transaction import SERIALIZABLE, SNAPSHOT, Span, Transaction, key_of
from tests.harness.clusters.local_clusters import eventually
from tests.systems_under_test.external.external_cluster import (
    ExternalCluster,
    ask,
    external_cluster,
    skip_without_local,
)

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture(scope="module")
def runner() -> Iterator[asyncio.Runner]:
    with asyncio.Runner() as runner:
        yield runner


@pytest.fixture(scope="module")
def etcd(runner: asyncio.Runner, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ExternalCluster]:
    """Three members, shared by the tests of this module, each of which leaves it whole and uses keys of its own."""
    skip_without_local()
    context = external_cluster("etcd", tmp_path_factory.mktemp("etcd"))
    yield runner.run(context.__aenter__())
    runner.run(context.__aexit__(None, None, None))


@asynccontextmanager
async def client_at(etcd: ExternalCluster, node: str, **options: str) -> AsyncIterator[Client]:
    client = await etcd.client(node, **options)
    try:
        yield client
    finally:
        await client.close()


@asynccontextmanager
async def connection_at(etcd: ExternalCluster, node: str, *, is_local: bool = False) -> AsyncIterator[Connection]:
    connection = await Connection.open(etcd.env(), node, is_local=is_local)
    try:
        yield connection
    finally:
        await connection.close()


def outcome(op: Op) -> tuple[str, str | None]:
    return op.type, op.error


async def no_pause() -> None:
    """Nobody thinks."""


@pytest.mark.cluster
def test_every_operation_does_what_it_says(etcd: ExternalCluster, runner: asyncio.Runner) -> None:
    async def scenario() -> None:
        async with client_at(etcd, "n1") as one, client_at(etcd, "n2") as two:
            assert (await ask(one, "read", key="r")).value is None
            assert outcome(await ask(one, "cas", [0, 1], key="r")) == ("fail", "cas-mismatch")
            assert (await ask(one, "write", 3, key="r")).type == "ok"
            assert (await ask(two, "cas", [3, 4], key="r")).value == [3, 4]
            assert outcome(await ask(two, "cas", [3, 5], key="r")) == ("fail", "cas-mismatch")
            assert (await ask(one, "read", key="r")).value == 4
            for element in (5, -1):
                assert (await ask(one, "add", element)).type == "ok"
            assert sorted((await ask(two, "read")).value) == [-1, 5]
            for amount in (7, 8):
                assert (await ask(one, "inc", amount, key="n")).value == amount
            assert (await ask(two, "read", key="n")).value == 15
            assert [(await ask(client, "generate", key="t")).value for client in (one, two, one)] == [1, 2, 3]
            steps = [["append", "l", 1], ["r", "l", None], ["append", "l", 2], ["r", "none", None]]
            done = await ask(one, "txn", steps)
            assert done.value == [["append", "l", 1], ["r", "l", [1]], ["append", "l", 2], ["r", "none", None]]
            assert (await ask(two, "txn", [["r", "l", None]])).value == [["r", "l", [1, 2]]]
            assert outcome(await ask(one, "pop", key="l")) == ("fail", "unsupported")

    runner.run(scenario())


@pytest.mark.cluster
def test_procedures_see_ranges(etcd: ExternalCluster, runner: asyncio.Runner) -> None:
    async def scenario() -> None:
        async with client_at(etcd, "n3") as client:
            booked = {"id": 1, "first": 3, "last": 4}
            assert (await ask(client, "book", booked, key=2)).type == "ok"
            assert outcome(await ask(client, "book", {"id": 2, "first": 4, "last": 4}, key=2)) == ("fail", "occupied")
            assert (await ask(client, "bookings", key=2)).value == [booked]
            assert (await ask(client, "transfer", {"from": 0, "to": 1, "amount": 5})).type == "ok"
            assert (await ask(client, "read", [0, 1, 2])).value == {"0": 15, "1": 25, "2": 20}

    runner.run(scenario())


@pytest.mark.cluster
def test_a_transaction_reads_at_one_revision_and_compares_what_it_read(
    etcd: ExternalCluster, runner: asyncio.Runner
) -> None:
    async def skewed(connection: Connection, isolation: str, x: str, y: str) -> list[bool]:
        """Two that read both keys, and each write one of them."""
        both = [Transaction(connection, isolation, no_pause) for _ in "12"]
        for transaction in both:
            assert [await transaction.read(key) for key in (x, y)] == [None, None]
        for transaction, key in zip(both, (x, y), strict=True):
            await transaction.write(key, 1)
        commits = [transaction.commit for transaction in both]
        return [commit is not None and await connection.commit(commit) for commit in commits]

    async def scenario() -> None:
        async with connection_at(etcd, "n1") as connection:
            assert await skewed(connection, SERIALIZABLE, "a", "b") == [True, False]
            assert await skewed(connection, SNAPSHOT, "c", "d") == [True, True]
            for isolation in (SERIALIZABLE, SNAPSHOT):  # neither loses an update
                both = [Transaction(connection, isolation, no_pause) for _ in "12"]
                for transaction in both:
                    await transaction.update(isolation, "inc", 1)
                commits = [transaction.commit for transaction in both]
                assert [await connection.commit(commit) for commit in commits if commit] == [True, False]
            early = Transaction(connection, SERIALIZABLE, no_pause)
            assert await early.read("old") is None
            await connection.put(key_of("new"), b"1")
            assert await early.read("new") is None, "what came after its first read it does not see"
            assert early.commit is None, "who only reads has nothing to commit"
            await early.write("x", 1)
            assert early.commit is not None
            assert not await connection.commit(early.commit)

    runner.run(scenario())


@pytest.mark.cluster
def test_a_range_that_was_read_must_stay_as_it_was(etcd: ExternalCluster, runner: asyncio.Runner) -> None:
    async def scenario() -> None:
        async with connection_at(etcd, "n2") as connection:
            transaction = Transaction(connection, SERIALIZABLE, no_pause)
            assert await transaction.select("row/1", "row/3") == {}
            await transaction.write("row/2", "own")
            assert await transaction.select("row/1", "row/3") == {"row/2": "own"}
            await connection.put(key_of("row/4"), b'"outside"')
            commit = transaction.commit
            assert commit is not None
            await connection.put(key_of("row/3"), b'"a phantom"')
            assert not await connection.commit(commit)
            again = Transaction(connection, SERIALIZABLE, no_pause)
            assert await again.select("row/1", "row/3") == {"row/3": "a phantom"}
            with pytest.raises(GivenUp):
                await again.update("row/3", "multiply", 2)

    runner.run(scenario())


@pytest.mark.cluster
def test_a_member_that_is_gone_or_silent_leaves_no_wrong_certainty(
    etcd: ExternalCluster, runner: asyncio.Runner
) -> None:
    """Nothing was sent to a dead one; what a stopped one was asked it may still do, or find that it was withdrawn."""

    async def scenario() -> None:
        leader = await etcd.leader()
        silent = next(node for node in etcd.cluster.nodes if node != leader)  # nobody else need wait for an election
        async with client_at(etcd, silent) as client:
            assert (await ask(client, "write", 1, key="doubt")).type == "ok"
            await etcd.cluster.pause([silent])
            assert outcome(await ask(client, "read", key="doubt")) == ("fail", "no-answer")
            await etcd.cluster.resume([silent])
            assert (await ask(client, "read", key="doubt")).value == 1, "with a new connection it goes on"
            await etcd.cluster.pause([silent])
            unknown = await ask(client, "write", 2, key="doubt")
            assert outcome(unknown) == ("info", "timeout")
            await etcd.cluster.resume([silent])
            await etcd.ready()
            found = (await ask(client, "read", key="doubt")).value
            assert found in (1, 2)
            await etcd.cluster.kill([silent])
            met = await ask(client, "write", 3, key="doubt")
            assert outcome(met) in (("info", "unavailable"), ("fail", "refused"))
            assert outcome(await ask(client, "write", 4, key="doubt")) == ("fail", "refused")
            async with client_at(etcd, leader) as other:
                possible = {1, 2, 3} if met.type == "info" else {1, 2}
                assert (await ask(other, "read", key="doubt")).value in possible
            await etcd.cluster.start([silent])
            await etcd.ready()

    runner.run(scenario())


@pytest.mark.cluster
def test_keepers_tell_who_leads_and_that_nobody_does(etcd: ExternalCluster, runner: asyncio.Runner) -> None:
    async def scenario() -> None:
        leader = await etcd.leader()
        before = await etcd.statuses()
        assert {status["leader"] for status in before.values()} == {leader}
        assert {name: status["role"] for name, status in before.items()} == {
            name: "leader" if name == leader else "follower" for name in etcd.cluster.nodes
        }
        others = [node for node in etcd.cluster.nodes if node != leader]
        await etcd.cluster.kill(others)
        await eventually(lambda: _nobody_leads(etcd), 10)
        await etcd.cluster.start(others)
        await etcd.ready()
        after = await etcd.statuses()
        assert min(status["term"] for status in after.values()) > before[leader]["term"]

    runner.run(scenario())


async def _nobody_leads(etcd: ExternalCluster) -> bool:
    return [status["role"] for status in (await etcd.statuses()).values()] == ["silent"]


@pytest.mark.cluster
def test_an_isolated_member_serves_only_reads_that_ask_nobody(etcd: ExternalCluster, runner: asyncio.Runner) -> None:
    async def scenario() -> None:
        old = await etcd.leader()
        first, second = (node for node in etcd.cluster.nodes if node != old)
        async with (
            client_at(etcd, old) as careful,
            client_at(etcd, old, reads="serializable") as careless,
            client_at(etcd, first) as writer,
        ):
            assert (await ask(writer, "write", 1, key="cut")).type == "ok"
            await etcd.cluster.partition({old: [first, second], first: [old], second: [old]})
            await eventually(lambda: _writes(writer, "cut", 2), 10)
            assert (await ask(careless, "read", key="cut")).value == 1, "stale"
            assert outcome(await ask(careful, "read", key="cut")) == ("fail", "no-answer")
            await etcd.cluster.heal()
        await etcd.ready()
        assert (await etcd.leader()) != old
        async with client_at(etcd, first) as client:
            await eventually(lambda: _holds_everywhere(client, etcd.cluster.nodes, "cut", 2), 10)

    runner.run(scenario())


async def _holds_everywhere(client: Client, nodes: Sequence[str], key: str, value: object) -> bool:
    dumps = [await ask(client, "dump", node=node) for node in nodes]
    return [dump.value["state"][key_of(key).decode()] for dump in dumps] == [value] * len(nodes)


async def _writes(client: Client, key: str, value: object) -> bool:
    return (await ask(client, "write", value, key=key)).type == "ok"


@pytest.mark.cluster
def test_what_was_acknowledged_survives_the_loss_of_power_everywhere(
    etcd: ExternalCluster, runner: asyncio.Runner
) -> None:
    async def scenario() -> None:
        async with client_at(etcd, "n1") as client:
            for value in range(50):
                assert (await ask(client, "append", value, key="kept")).type == "ok"
        lost = await etcd.cluster.power_loss(etcd.cluster.nodes, torn=False, reordered=False, keep="none")
        assert set(lost) == set(etcd.cluster.nodes)
        await etcd.cluster.start(etcd.cluster.nodes)
        await etcd.ready()
        async with client_at(etcd, "n2") as client:
            assert (await ask(client, "read", key="kept")).value == list(range(50))
            found = (await ask(client, "dump", node="n3")).value
            assert found["state"]["object/kept"] == list(range(50))
            assert found["applied"] > 50

    runner.run(scenario())


def test_the_table_of_errors_calls_nothing_certain_that_etcd_was_asked_to_do() -> None:
    certain = {code for code, kind in ERRORS.items() if kind == "fail"}
    assert certain == {"refused", "unreachable", "no-answer", "cas-mismatch", "unsupported"}
    assert SYSTEM.answers <= certain


@pytest.mark.parametrize("response", [b"", b'HTTP/1.0 200 OK\r\n\r\n{"kvs": [', b"HTTP/1.0 200 OK\r\n\r\n[]"])
def test_an_answer_cut_short_is_none(response: bytes) -> None:
    with pytest.raises(ValueError, match=r"expected|Expecting"):
        _answer(response)


def test_the_gateway_tells_etcds_errors_from_its_answers() -> None:
    assert _answer(b'HTTP/1.0 200 OK\r\nX: y\r\n\r\n{"count": "1"}') == {"count": "1"}
    with pytest.raises(GatewayError, match="not found"):
        _answer(b'HTTP/1.0 404 Not Found\r\n\r\n{"error": "lease not found", "code": 5}')
    with pytest.raises(GatewayError, match="kv/range"):
        asyncio.run(ask_gateway("127.0.0.1", "kv/range", {}, 500))  # nobody listens


def test_nodes_can_import_it_with_the_standard_library_alone() -> None:
    code = f"import sys; sys.path.insert(0, {str(ROOT)!r}); import systems_under_test.external.etcd.keeper"
    subprocess.run([sys.executable, "-S", "-I", "-c", code], check=True)


@pytest.mark.cluster
def test_a_short_run_under_faults_is_linearizable(tmp_path: Path) -> None:
    skip_without_local()
    command = [sys.executable, "-m", "harness.cli", "run", "etcd", "--nodes", "3", "--time-limit", "10", "--faults",
               "partition=isolate-leader, kill=leader", "--seed", "3", "--store", str(tmp_path), "--json"]  # fmt: skip
    done = subprocess.run(command, check=False, cwd=ROOT, capture_output=True, text=True, timeout=120)
    told = json.loads(done.stdout.splitlines()[-1])
    assert (done.returncode, told["valid"]) == (0, True), done.stderr[-3000:]
    assert "3.4" in (Path(told["store"]) / "results.json").read_text(), "its version is kept with the verdict"


def test_a_span_without_an_end_is_one_key() -> None:
    assert Span(b"k") == (b"k", b"")
