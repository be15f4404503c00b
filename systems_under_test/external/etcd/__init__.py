"""etcd 3.4: keys and values that a majority has agreed on (Raft), with transactions of one request.

``reads=linearizable``, as etcd is by default, asks a majority whether the member is up to date; ``serializable`` reads
are the member's own, and may be stale. ``isolation`` says what a transaction compares when it commits: all that it has
read, or only what it writes, which lets write skew happen. Read ``keeper``, ``client`` and ``transaction`` first.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from harness.system import External, Option, Role, System

from systems_under_test.external.etcd.claims import CLAIMS
from systems_under_test.external.etcd.client import ANSWERS, ERRORS, ISOLATION, OPERATIONS, READS, THINK_MS, EtcdClient
from systems_under_test.external.etcd.cluster import leader, ready
from systems_under_test.external.etcd.keeper import ELECTED
from systems_under_test.external.etcd.transaction import SERIALIZABLE, SNAPSHOT

EXTERNAL: Final = External(("etcd-server=3.4.*",), versions={"etcd": ("/usr/bin/etcd", "--version")}, library="aetcd")

LINEARIZABLE: Final = "linearizable"
WORKLOADS: Final = (
    "register", "list-append", "set", "set-full", "counter", "unique-ids", "sessions", "rw-register", "bank",
    "write-skew", "booking", "long-fork",
)  # fmt: skip
WRITES_SKEWED: Final = frozenset({"list-append", "rw-register", "write-skew", "booking"})
"""Workloads that show that a transaction did not compare what it had read."""


def promises(options: Mapping[str, str]) -> frozenset[str]:
    """Everything by default; under snapshot isolation all but write skew. Local reads promise hardly anything."""
    if options[READS] != LINEARIZABLE:
        return frozenset({"unique-ids"})
    return frozenset(WORKLOADS) - (WRITES_SKEWED if options[ISOLATION] == SNAPSHOT else frozenset())


SYSTEM: Final = System(
    name="etcd",
    summary="etcd 3.4: keys, compare-and-set and transactions over Raft (external).",
    operations=OPERATIONS,
    roles={"server": Role("systems_under_test.external.etcd.keeper:Keeper")},
    client=EtcdClient,
    workloads=WORKLOADS,
    ready=ready,
    leader=leader,
    options={
        READS: Option(LINEARIZABLE, (LINEARIZABLE, "serializable"),
                      "reads ask a majority whether the member is up to date, or are the member's own"),
        ISOLATION: Option(SERIALIZABLE, (SERIALIZABLE, SNAPSHOT),
                          "a transaction compares all that it has read before it writes, or only what it writes"),
        THINK_MS: Option("0", None, "mean pause of a client between two steps of a transaction, in milliseconds"),
    },
    errors=ERRORS,
    answers=ANSWERS,
    events=(ELECTED, "exit"),
    claims=CLAIMS,
    promises=promises,
    external=EXTERNAL,
)  # fmt: skip
