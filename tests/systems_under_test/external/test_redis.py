"""Redis with Sentinel on real nodes: it fails over, its clients say what they know, and what is lost is found."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from harness import catalog
from harness.claims.experiment import plan_of
from harness.history import Op
from harness.system import Client
from systems_under_test.external.redis import SYSTEM, master, ready
from systems_under_test.external.redis.client import ERRORS, REFUSALS, code_of
from systems_under_test.external.redis.keeper import SERVER_PORT
from systems_under_test.external.redis.resp import RespError, ask
from tests.harness.clusters.local_clusters import eventually
from tests.systems_under_test.external.external_cluster import ExternalCluster, external_cluster, skip_without_local
from tests.systems_under_test.external.external_cluster import ask as do

TIMEOUT_MS = 1500.0
SCRIPT = "return redis.call('SET', KEYS[1], '5')"


async def reply(cluster: ExternalCluster, node: str, *words: str) -> Any:
    """A server's own reply to one command, or the error with which redis-py tells of it."""
    from redis.asyncio import Connection
    from redis.exceptions import RedisError

    host, port = await cluster.cluster.client_env(1, "direct").dial(node, SERVER_PORT)
    connection = Connection(host=host, port=port, protocol=2, driver_info=None)
    try:
        await connection.connect()  # type: ignore[no-untyped-call]
        await connection.send_command(*words)
        return await connection.read_response()
    except RedisError as error:
        return error
    finally:
        await connection.disconnect(nowait=True)


async def once_ok(client: Client, f: str, value: Any = None, key: Any = None) -> list[Op]:
    """Asks until it is ok; all that came before that, and it."""
    ended: list[Op] = []
    async with asyncio.timeout(15):
        while not ended or ended[-1].type != "ok":
            ended.append(await do(client, f, value, key))
            await asyncio.sleep(0.02)
    return ended


@pytest.mark.cluster
def test_every_operation_and_a_failover(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with external_cluster("redis", tmp_path, timeout_ms=TIMEOUT_MS) as redis:
            assert await redis.leader() == "n1"
            client = await redis.client("n2")
            await every_operation(client)
            await replicas_hold_the_same(client, redis)
            refused = [await reply(redis, "n2", "SET", "7", "1"), await reply(redis, "n2", "EVAL", SCRIPT, "1", "5")]
            assert [code_of(error) for error in refused] == ["read-only", "read-only"]
            await redis.cluster.kill(["n1"])
            tries = await once_ok(client, "write", 1, key=7)
            assert {op.error for op in tries[:-1]} <= {"closed", "no-master", "timeout"}
            assert tries[-1].node in ("n2", "n3")
            await redis.cluster.start(["n1"])
            assert await redis.leader() == tries[-1].node
            assert (await do(client, "read", key=8)).value == 5, "what was replicated is there"
            await client.close()

    skip_without_local()
    asyncio.run(scenario())


async def every_operation(client: Client) -> None:
    assert (await do(client, "read")).value == []
    for element in (2, 1, 2):
        assert (await do(client, "add", element)).type == "ok"
    assert sorted((await do(client, "read")).value) == [1, 2]
    assert (await do(client, "read", key=7)).value is None
    assert (await do(client, "write", 3, key=7)).type == "ok"
    assert (await do(client, "cas", [3, 4], key=7)).type == "ok"
    missed = await do(client, "cas", [3, 5], key=7)
    assert (missed.type, missed.error) == ("fail", "cas-mismatch")
    assert (await do(client, "read", key=7)).value == 4
    assert (await do(client, "inc", 5, key=8)).type == "ok"
    assert (await do(client, "read", key=8)).value == 5
    assert [(await do(client, "generate", key=9)).value for _ in range(2)] == [1, 2]
    done = await do(client, "txn", [["r", 10, None], ["append", 10, 1], ["append", 11, 2], ["r", 10, None]])
    assert done.value == [["r", 10, []], ["append", 10, 1], ["append", 11, 2], ["r", 10, [1]]]
    wrong = await do(client, "txn", [["append", 7, 1]])
    assert (wrong.type, wrong.error) == ("info", "unexpected"), "EXEC was executed, with an error inside"


async def replicas_hold_the_same(client: Client, redis: ExternalCluster) -> None:
    assert (await do(client, "write", 4, key=7)).type == "ok"
    expected = {"7": 4, "8": 5, "9": 2, "10": [1], "11": [2], "set": [1, 2]}

    async def held() -> bool:
        return all([(await do(client, "dump", node=n)).value == {"state": expected} for n in redis.cluster.nodes])

    await eventually(held)


@pytest.mark.cluster
def test_what_a_client_says_of_writes_without_replicas(tmp_path: Path) -> None:
    async def scenario() -> None:
        options = {"min-replicas": "1"}
        async with external_cluster("redis", tmp_path, options=options, timeout_ms=TIMEOUT_MS) as redis:
            assert await redis.leader() == "n1"
            plain, both = await redis.client("n1"), await redis.client("n1", wait="2")
            assert (await do(both, "write", 1, key=1)).type == "ok"
            await redis.cluster.kill(["n2"])
            short = await do(both, "write", 2, key=1)
            assert (short.type, short.error) == ("info", "not-replicated"), "the master has it, and one of two replicas"
            assert (await do(both, "read", key=1)).value == 2
            await redis.cluster.kill(["n3"])

            async def is_refused() -> bool:
                last = await do(plain, "add", 1)
                return (last.type, last.error) == ("fail", "no-replicas")

            await eventually(is_refused)
            discarded = await do(plain, "txn", [["append", 10, 1]])
            assert (discarded.type, discarded.error) == ("fail", "discarded")
            assert (await do(plain, "cas", [2, 3], key=1)).error == "no-replicas"
            assert (await do(plain, "read", key=1)).value == 2
            await redis.cluster.pause(["n1"])
            silent = [await do(plain, "add", 2), await do(plain, "add", 3)]
            assert [(op.type, op.error) for op in silent] == [("info", "timeout"), ("fail", "no-master")]
            await redis.cluster.resume(["n1"])
            await plain.close()
            await both.close()

    skip_without_local()
    asyncio.run(scenario())


@pytest.mark.cluster
def test_a_run_finds_the_lost_writes_and_names_the_version(tmp_path: Path) -> None:
    skip_without_local()
    command = [sys.executable, "-m", "harness.cli", "run", "redis", "--workload", "set", "--nodes", "3", "--time-limit",
               "10", "--faults", "partition=isolate-leader", "--seed", "5", "--store", str(tmp_path)]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, timeout=150, check=False)
    assert done.returncode == 1, done.stdout + done.stderr
    assert "lost:" in done.stdout
    assert "redis-server 5:7." in done.stdout


def test_refusals_are_definite_and_all_else_is_in_doubt() -> None:
    from redis import exceptions

    assert all(ERRORS[code] == "fail" for code in REFUSALS.values())
    told = {code_of(error) for error in (exceptions.ConnectionError("x"), exceptions.TimeoutError("x"), OSError("x"),
                                         exceptions.ResponseError("UNBLOCKED force unblock from blocking operation"),
                                         exceptions.ResponseError("ERR EXEC without MULTI"),
                                         exceptions.OutOfMemoryError("x"))}  # fmt: skip
    assert told == {"closed", "timeout", "unexpected"}
    assert all(ERRORS[code] == "info" for code in told)
    assert code_of(exceptions.ResponseError("NOREPLICAS Not enough good replicas to write.")) == "no-replicas"
    assert code_of(exceptions.BusyLoadingError("x")) == "loading"


def test_the_master_is_whom_most_sentinels_name_and_who_agrees() -> None:
    old = {"leader": "n1", "role": "master", "complete": False}
    new = {"leader": "n2", "role": "master", "complete": True}
    follower = {"leader": "n2", "role": "replica", "complete": True}
    assert master({"n1": old, "n2": new, "n3": follower}) == "n2"
    assert master({"n1": old, "n2": follower, "n3": follower}) == "n1", "nobody else calls itself so"
    assert master({"n2": follower, "n3": follower}) is None
    assert not ready({"n1": old, "n2": new, "n3": follower})
    assert not ready({"n1": {**follower, "complete": False}, "n2": new, "n3": follower})
    assert ready({"n1": follower, "n2": new, "n3": follower})


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        (b"+PONG\r\n", "PONG"),
        (b":7\r\n", 7),
        (b"$5\r\nab\r\nc\r\n", "ab\r\nc"),
        (b"$-1\r\n", None),
        (b"*2\r\n$1\r\na\r\n*1\r\n:2\r\n", ["a", [2]]),
    ],
)
def test_a_reply_is_read(said: bytes, expected: object) -> None:
    assert asyncio.run(asked_of(said)) == expected


@pytest.mark.parametrize("said", [b"-LOADING data\r\n", b"", b"$9\r\nab", b"?\r\n", b":x\r\n"])
def test_an_error_or_no_reply_is_said(said: bytes) -> None:
    with pytest.raises(RespError):
        asyncio.run(asked_of(said))


async def asked_of(said: bytes) -> object:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        assert await reader.readexactly(14) == b"*1\r\n$4\r\nPING\r\n"
        writer.write(said)
        writer.close()

    async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
        return await ask("127.0.0.1", server.sockets[0].getsockname()[1], "PING", timeout_ms=2000)


@pytest.mark.parametrize("claim", SYSTEM.claims, ids=[claim.id for claim in SYSTEM.claims])
def test_a_claim_fits(claim: Any) -> None:
    variants = [claim.experiment, *([claim.experiment.varied(claim.control)] if claim.control else [])]
    for experiment in variants:
        plan = plan_of(experiment, SYSTEM, catalog.faults(), 1, "local")
        assert plan.schedule
        assert catalog.workload(experiment.workload).operations <= SYSTEM.operations
        assert all(value in (SYSTEM.options[name].values or ()) for name, value in experiment.options.items())
