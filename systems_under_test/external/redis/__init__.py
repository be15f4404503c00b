"""Redis 7: one master takes the writes, replicas follow asynchronously, and sentinels, one per node, do the failover.

A write is acknowledged as soon as the master has it in memory. ``wait`` has the client ask for so many replicas' word
after each write (WAIT); a write without it is not known to have failed. ``min-replicas=1`` has the master refuse writes
when no replica was heard of for a second. ``appendfsync`` says when a node's own log is synced. ``reads=any`` reads,
and runs transactions that only read, on any node.

The configuration is Redis' own otherwise: a node that was killed comes back as it was left, as a service does, and the
sentinels set it right; clients ask a sentinel for the master when they connect, and again after any error
(redis.io, "Guidelines for Redis clients with support for Redis Sentinel").
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from harness.node import Message
from harness.system import External, Option, Role, System

from systems_under_test.external.redis.claims import CLAIMS
from systems_under_test.external.redis.client import ANSWERS, ERRORS, RedisClient


def master(statuses: Mapping[str, Message]) -> str | None:
    """The node that most sentinels call the master, if it calls itself so."""
    named = Counter(str(status["leader"]) for status in statuses.values() if status.get("leader"))
    masters = (name for name, _ in named.most_common() if statuses.get(name, {}).get("role") == "master")
    return next(masters, None)


def ready(statuses: Mapping[str, Message]) -> bool:
    """All follow one master, and every sentinel knows all the others and all the replicas: it could do a failover."""
    name = master(statuses)
    return name is not None and all(status["complete"] and status["leader"] == name for status in statuses.values())


SYSTEM = System(
    name="redis",
    summary="Redis 7 with Sentinel: asynchronous replication, automatic failover.",
    operations=frozenset({"read", "write", "cas", "add", "inc", "generate", "txn", "dump"}),
    roles={"node": Role(program="systems_under_test.external.redis.keeper:Keeper")},
    client=RedisClient,
    workloads=("set", "register", "counter", "unique-ids", "sessions", "list-append"),
    ready=ready,
    leader=master,
    options={
        "wait": Option("0", ("0", "1", "2"), "after each write, wait until so many replicas have it (WAIT)"),
        "min-replicas": Option("0", ("0", "1"), "1: the master refuses writes while it hears of no replica"),
        "reads": Option("leader", ("leader", "any"), "read from the master, or from any node"),
        "appendfsync": Option("everysec", ("everysec", "always"), "sync the log once a second, or before each answer"),
    },
    errors=ERRORS,
    answers=ANSWERS,
    events=("became-master", "became-replica", "exit"),
    claims=CLAIMS,
    external=External(
        packages=("redis-server=5:7.*", "redis-sentinel=5:7.*"),
        versions={"Redis": ("redis-server", "--version")},
        library="redis.asyncio",
    ),
)
