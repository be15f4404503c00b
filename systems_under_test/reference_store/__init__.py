"""``reference-store``: transactions in the memory of one node, with a switch for their isolation level.

What it is for: a level that is known to be broken in a known way, for workloads and checkers to be tried on, and as
the book tells it (Kleppmann, "Designing Data-Intensive Applications", ch. 7). Nothing is on disk: a node that was
killed has lost everything, and says so instead of serving (``kill``, ``restart`` and ``power-loss`` end in unknown).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from harness.node import Message
from harness.system import Option, Role, System

from systems_under_test.blocks.procedures import PROCEDURES
from systems_under_test.blocks.transactional_client import ERRORS, THINK_MS, TransactionalClient
from systems_under_test.reference_store.level import LEVELS, REPLICATION_MS


def serving(statuses: Mapping[str, Message]) -> str | None:
    """The node that has the data; None if it has lost them."""
    return next((node for node, status in sorted(statuses.items()) if status["serving"]), None)


def ready(statuses: Mapping[str, Message]) -> bool:
    return serving(statuses) is not None


PROMISED: Final[Mapping[str, frozenset[str]]] = {
    "serializable": frozenset({"list-append", "rw-register", "bank", "write-skew", "booking", "long-fork"}),
    "repeatable-read": frozenset({"list-append", "rw-register", "bank", "write-skew", "long-fork"}),  # reads no ranges
    "snapshot-isolation": frozenset({"bank", "long-fork"}),
    "parallel-snapshot-isolation": frozenset({"bank"}),
}
"""Level -> workloads that show none of what it lets happen; the levels below let all of it happen."""


def promises(options: Mapping[str, str]) -> frozenset[str]:
    return PROMISED.get(options["isolation"], frozenset())


SYSTEM: Final = System(
    name="reference-store",
    summary="transactions in one node's memory, with a switch for their isolation level (DDIA 7); a kill loses all",
    operations=frozenset(PROCEDURES),
    roles={"store": Role("systems_under_test.reference_store.node:Store", count=1, disk=False)},
    client=TransactionalClient,
    workloads=("list-append", "rw-register", "bank", "write-skew", "booking", "long-fork"),
    ready=ready,
    leader=serving,
    options={
        "isolation": Option("serializable", tuple(LEVELS), "how transactions that run side by side are kept apart"),
        THINK_MS: Option("20", None, "mean pause of a client between two steps of a transaction, in milliseconds"),
        REPLICATION_MS: Option(
            "200", None, "mean time between the sites of parallel-snapshot-isolation, in milliseconds"
        ),
    },
    errors=ERRORS,
    events=("data-lost",),
    withstands=frozenset({"duplicate"}),
    promises=promises,
)
