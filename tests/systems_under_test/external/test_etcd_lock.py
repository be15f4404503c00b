"""``etcd-lock`` on real nodes: the lock excludes, its tokens rise, and only a storage that checks them is protected."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from harness.history import Op
from harness.node import Message
from harness.system import Client
from systems_under_test.external.etcd_lock.claims import CLAIMS
from systems_under_test.external.etcd_lock.client import ERRORS
from systems_under_test.external.etcd_lock.layout import LISTS, servers, storage, workers
from systems_under_test.external.etcd_lock.lock import TTL_S
from tests.harness.clusters.local_clusters import eventually
from tests.systems_under_test.external.external_cluster import (
    ExternalCluster,
    ask,
    external_cluster,
    skip_without_local,
)

pytestmark = pytest.mark.cluster
LIST = "list-0"


async def newest(lock: ExternalCluster) -> int:
    """The newest token of the first list that the storage has seen; 0 if there is none."""
    status = (await lock.statuses()).get(storage(lock.cluster.nodes), {})
    token: int = status.get("newest", {}).get(LIST, 0)
    return token


async def _has_seen(lock: ExternalCluster, token: int) -> bool:
    return await newest(lock) > token


async def _adds(client: Client, element: int) -> bool:
    done = await ask(client, "add", element)
    assert (done.type, done.error) in (("ok", None), ("fail", "no-lock")), done
    return done.type == "ok"


async def overtaken(lock: ExternalCluster) -> tuple[Op, list[int]]:
    """A worker is stopped between its read and its write until the other has added LISTS to the same list: what became
    of the first one's, and what is in the set then."""
    first, second = workers(lock.cluster.nodes)
    slow, fast = await lock.client(first), await lock.client(second)
    before = await newest(lock)
    asked = asyncio.ensure_future(ask(slow, "add", 0))
    await eventually(lambda: _has_seen(lock, before))
    await lock.cluster.pause([first])
    await eventually(lambda: _adds(fast, LISTS), 20)
    await lock.cluster.resume([first])
    return await asked, (await ask(fast, "read")).value


@pytest.mark.parametrize("fencing", ["off", "on"])
def test_a_holder_that_was_stopped_overwrites_unless_its_token_is_checked(tmp_path: Path, fencing: str) -> None:
    skip_without_local()

    async def scenario() -> None:
        options = {"fencing": fencing, "work-ms": "1000"}
        async with external_cluster("etcd-lock", tmp_path, options=options, timeout_ms=20_000) as lock:
            late, found = await overtaken(lock)
            if fencing == "off":
                assert late.type == "ok", "it does not know"
                assert found == [0], "what the other was told is there is lost"
            else:
                assert (late.type, late.error) == ("fail", "fenced")
                assert found == [LISTS]
                await refuses_after_a_restart(lock)

    asyncio.run(scenario())


async def refuses_after_a_restart(lock: ExternalCluster) -> None:
    """The storage remembers tokens that it was shown for a read only, too."""
    node, token = storage(lock.cluster.nodes), await newest(lock)
    env = lock.env()

    async def show(f: str, token: int) -> Message:
        return await env.call(node, {"f": f, "list": LIST, "token": token, "value": ["old"]}, 2000)

    assert (await show("get", token + 1)).get("value") == [LISTS]
    await lock.cluster.kill([node])
    await lock.cluster.start([node])
    await lock.ready()
    assert [await show(f, token) for f in ("get", "put")] == [{"error": "fenced"}, {"error": "fenced"}]
    assert (await show("get", token + 1)).get("value") == [LISTS]


def test_workers_that_nobody_stops_lose_nothing(tmp_path: Path) -> None:
    """Not without tokens either. And whoever gets the lock later has a greater token."""
    skip_without_local()

    async def scenario() -> None:
        async with external_cluster("etcd-lock", tmp_path, options={"work-ms": "20"}, timeout_ms=10_000) as lock:
            nodes = lock.cluster.nodes
            assert (len(servers(nodes)), len(workers(nodes)), storage(nodes)) == (3, 2, nodes[-1])
            clients = [await lock.client(worker) for worker in workers(nodes) for _ in range(4)]
            tokens = [await newest(lock)]
            for turn in range(5):
                elements = [LISTS * (turn * len(clients) + place) for place in range(len(clients))]
                done = await asyncio.gather(
                    *(ask(client, "add", element) for client, element in zip(clients, elements, strict=True))
                )
                assert [op.type for op in done] == ["ok"] * len(clients)
                tokens.append(await newest(lock))
            assert tokens == sorted(set(tokens))
            found = (await ask(clients[0], "read")).value
            assert sorted(found) == [LISTS * number for number in range(5 * len(clients))]
            await lock.cluster.kill(servers(nodes))
            refused = await ask(clients[0], "add", -LISTS)
            assert (refused.type, refused.error) == ("fail", "no-lock")

    asyncio.run(scenario())


def test_the_claims_stop_a_worker_for_longer_than_its_lease() -> None:
    for claim in CLAIMS:
        assert all(end - begin > TTL_S + 1 for begin, end in claim.experiment.windows)


def test_what_the_storage_may_have_done_is_not_called_certain() -> None:
    assert {code for code, kind in ERRORS.items() if kind == "info"} == {"timeout", "closed", "unknown"}
