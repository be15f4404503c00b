"""A pair of nodes, primary and standby, each of which can have the other switched off: failover without a third vote.

*Designing Data-Intensive Applications*, ch. 5, "Leader failure: Failover". Two nodes that do not hear each other cannot
tell who is to blame, and no majority of two survives one's death. So pairs "shoot the other node in the head" and go
on alone. ``switch=arbiter`` grants one of two orders; ``switch=obedient`` carries out both, and nobody is left;
``switch=stuck`` only says that it did, and both go on.

With ``failover=manual`` nodes shoot nobody: a person does, after a while. With ``replication=async`` the standby may
lack what was acknowledged; a ``cache`` beside the pair then still knows rows that are gone, by ids that are given anew.
Read ``node``, ``switch``, ``power`` first.
"""

from __future__ import annotations

from collections.abc import Mapping

from harness.node import Message
from harness.system import Option, Role, System

from systems_under_test.blocks.key_value_client import ERRORS
from systems_under_test.failover_pair.claims import CLAIMS
from systems_under_test.failover_pair.client import PairClient


def primary(statuses: Mapping[str, Message]) -> str | None:
    """The one that serves."""
    return next((node for node, status in sorted(statuses.items()) if status.get("serving")), None)


def ready(statuses: Mapping[str, Message]) -> bool:
    """One of the pair serves, and who is on, as the switch says, has caught up."""
    on = next((status["on"] for status in statuses.values() if status["role"] == "switch"), ())
    return primary(statuses) in on and all(statuses.get(node, {}).get("whole") for node in on)


def promises(options: Mapping[str, str]) -> frozenset[str]:
    """Everything, where replication is synchronous: an obedient switch costs the service, and not the data. One that
    is stuck leaves two primaries."""
    everything = {"register", "set", "counter", "unique-ids", "cached-rows"}
    return frozenset(everything if options["replication"] == "sync" and options["switch"] != "stuck" else ())


SYSTEM = System(
    name="failover-pair",
    summary="Primary and standby that order each other off at a power switch (DDIA ch. 5).",
    operations=frozenset({"read", "write", "cas", "add", "inc", "append", "generate", "look-up", "dump"}),
    roles={
        "node": Role("systems_under_test.failover_pair.node:Node", count=2),
        "switch": Role("systems_under_test.failover_pair.switch:Switch", count=1),
        "operator": Role("systems_under_test.failover_pair.operator:Operator", count=1, disk=False),
        "cache": Role("systems_under_test.failover_pair.cache:Cache", count=1, disk=False),
    },
    client=PairClient,
    workloads=("register", "set", "counter", "unique-ids", "cached-rows"),
    ready=ready,
    leader=primary,
    options={
        "replication": Option("sync", ("sync", "async"), "acknowledge what is on both disks, or on the primary's"),
        "switch": Option(
            "arbiter",
            ("arbiter", "obedient", "stuck"),
            "the switch grants one of two orders, carries out every one, or none though it says so",
        ),
        "failover": Option("automatic", ("automatic", "manual"), "nodes order each other off, or an operator does"),
        "operator-ms": Option("2000", None, "how long nobody serves until an operator acts; 0: nobody comes"),
    },
    errors=ERRORS,
    events=("ordered-off", "order-refused", "switched-off", "switched-on", "went-dark", "became-leader", "truncated",
            "disk-corrupt"),
    leadership=lambda options: ("became-leader", "generation"),
    claims=CLAIMS,
    promises=promises,
)  # fmt: skip
