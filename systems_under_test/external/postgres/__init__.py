"""PostgreSQL 15: one server at each isolation level; or replicas that stream its log, one of which may replace it.

With ``replication=none`` the first node alone is a server. With ``async`` it answers when it has a commit on its own
disk, with ``sync`` when so many others have it that they are a majority with it. With ``failover=controller`` one more
node watches, and has another one promoted when the primary does not answer (``controller``); without it replicas
follow the first node for ever. With ``reads=replica`` what only reads is asked of the node the client is attached to,
whatever it is. What "repeatable read" means here is snapshot isolation; "serializable" is that, too, but for what
would be no serial order (Ports and Grittner, "Serializable Snapshot Isolation in PostgreSQL", VLDB 2012).

Read ``client``, ``keeper``, ``controller`` first.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from harness.node import Message
from harness.system import External, Option, Role, System

from systems_under_test.external.postgres.claims import CLAIMS
from systems_under_test.external.postgres.client import ANSWERS, ERRORS, OPERATIONS, THINK_MS, PostgresClient
from systems_under_test.external.postgres.keeper import PRIMARY
from systems_under_test.external.postgres.server import BIN

WORKLOADS: Final = ("list-append", "rw-register", "write-skew", "bank", "booking", "long-fork", "register", "set",
                    "set-full", "counter", "sessions")  # fmt: skip


def primary(statuses: Mapping[str, Message]) -> str | None:
    """That of the newest term; an old one may not know yet that it was replaced."""
    found = [(status["term"], node) for node, status in statuses.items() if status["role"] == PRIMARY]
    return max(found)[1] if found else None


def ready(statuses: Mapping[str, Message]) -> bool:
    """There is a primary, and who has to stream from it does."""
    return primary(statuses) is not None and all(status["ready"] for status in statuses.values())


def promises(options: Mapping[str, str]) -> frozenset[str]:
    """One server that is serializable keeps the order of real time, too; a snapshot is of the moment it was taken. Who
    reads at replicas has no serializable transactions there, and so, where there are none, none at the primary."""
    chosen = options["replication"], options["isolation"], options["reads"]
    return frozenset(WORKLOADS if chosen == ("none", "serializable", "leader") else ())


SYSTEM: Final = System(
    name="postgres",
    summary="PostgreSQL 15 at each isolation level; streaming replication, failover by a small controller",
    operations=frozenset(OPERATIONS),
    roles={
        "database": Role("systems_under_test.external.postgres.keeper:Keeper"),
        "controller": Role("systems_under_test.external.postgres.controller:Controller", count=1),
    },
    client=PostgresClient,
    workloads=WORKLOADS,
    ready=ready,
    leader=primary,
    options={
        "isolation": Option(
            "serializable",
            ("read-committed", "repeatable-read", "serializable"),
            "how transactions that run side by side are kept apart",
        ),
        "replication": Option(
            "none", ("none", "async", "sync"), "one server; or a commit is on its disk; or on those of a majority"
        ),
        "failover": Option("none", ("none", "controller"), "the first node stays the primary, or a controller decides"),
        "reads": Option("leader", ("leader", "replica"), "what only reads is asked of the primary, or of any node"),
        THINK_MS: Option("20", None, "mean pause of a client between two steps of a transaction, in milliseconds"),
    },
    errors=ERRORS,
    answers=ANSWERS,
    events=("ordered", "failover", "elected", "became-leader", "exit"),
    leadership=lambda options: ("became-leader", "term"),
    claims=CLAIMS,
    promises=promises,
    external=External(
        packages=("postgresql-15=15.*",),
        versions={"PostgreSQL": (f"{BIN}/postgres", "--version")},
        library="psycopg",
    ),
)
