"""A set that workers change under etcd's lock: what a distributed lock protects, and what it does not.

Kleppmann, "How to do distributed locking" (2016), and *Designing Data-Intensive Applications*, ch. 8, "Fencing tokens".
Clients ask ``worker`` nodes to add elements; a worker takes the lock in etcd (``server`` nodes), reads a list from the
``storage`` node, works for a while, and writes it back. ``fencing=on`` has the storage refuse the tokens of those who
held the lock before. ``pause=role-worker:1`` for more than two seconds shows the difference: the set loses elements.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from harness.node import Message
from harness.system import Option, Role, System

from systems_under_test.external.etcd import EXTERNAL, cluster
from systems_under_test.external.etcd.keeper import ELECTED
from systems_under_test.external.etcd_lock.claims import CLAIMS, FENCING
from systems_under_test.external.etcd_lock.client import ANSWERS, ERRORS, LockClient
from systems_under_test.external.etcd_lock.layout import WORKERS
from systems_under_test.external.etcd_lock.storage import FENCED

OTHERS: Final = ("worker", "storage")


def leader(statuses: Mapping[str, Message]) -> str | None:
    """The leader of etcd."""
    return cluster.leader(_members(statuses))


def ready(statuses: Mapping[str, Message]) -> bool:
    return cluster.ready(_members(statuses))


def _members(statuses: Mapping[str, Message]) -> dict[str, Message]:
    return {name: status for name, status in statuses.items() if status["role"] not in OTHERS}


def promises(options: Mapping[str, str]) -> frozenset[str]:
    return frozenset({"set"} if options[FENCING] == "on" else ())


SYSTEM: Final = System(
    name="etcd-lock",
    summary="A set that workers change under an etcd lock, with fencing tokens or without (external).",
    operations=frozenset({"add", "read"}),
    roles={
        "server": Role("systems_under_test.external.etcd.keeper:Keeper"),
        "worker": Role("systems_under_test.external.etcd_lock.worker:Worker", count=WORKERS, disk=False),
        "storage": Role("systems_under_test.external.etcd_lock.storage:Storage", count=1),
    },
    client=LockClient,
    workloads=("set",),
    ready=ready,
    leader=leader,
    options={
        FENCING: Option("off", ("off", "on"), "the storage refuses tokens that are older than what it has seen"),
        "work-ms": Option("100", None, "how long a worker works between its read and its write"),
    },
    errors=ERRORS,
    answers=ANSWERS,
    events=(ELECTED, FENCED, "exit"),
    claims=CLAIMS,
    promises=promises,
    external=replace(EXTERNAL, library=None),
)  # fmt: skip
