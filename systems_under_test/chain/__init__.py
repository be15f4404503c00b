"""Chain replication: updates enter at the head and flow down to the tail, which acknowledges them and answers queries.

So one replica, the tail, puts everything into one order, and all others have what it has.

R. van Renesse and F. B. Schneider, "Chain Replication for Supporting High Throughput and Availability", OSDI 2004; and,
with ``reads=apportioned``, J. Terrace and M. J. Freedman, "Object Storage on CRAQ", USENIX ATC 2009, where any replica
answers. *Designing Data-Intensive Applications*, 5.1, calls it a variant of synchronous replication.

A chain needs every replica that is in it, so it is only as available as somebody's decision who is: the ``master``s,
three nodes that keep the configuration by Raft. Read ``configuration``, ``node``, ``downstream``, ``master`` first.
"""

from __future__ import annotations

from collections.abc import Mapping

from harness.node import Message
from harness.system import Option, Role, System

from systems_under_test.blocks.key_value_client import ANSWERS, ERRORS
from systems_under_test.chain.bug import BUGS
from systems_under_test.chain.claims import CLAIMS
from systems_under_test.chain.client import ChainClient


def head(statuses: Mapping[str, Message]) -> str | None:
    """The head in the newest epoch; one that was taken out and has not noticed may say that it is the head, too."""
    heads = [(status["term"], node) for node, status in statuses.items() if status["role"] in ("head", "alone")]
    return max(heads)[1] if heads else None


def ready(statuses: Mapping[str, Message]) -> bool:
    """All replicas of the newest chain serve in its epoch."""
    replicas = [status for status in statuses.values() if status["role"] != "master"]
    newest = max(replicas, key=lambda status: int(status["term"]), default=None)
    if newest is None or not newest["chain"]:
        return False
    members = [statuses.get(node) for node in newest["chain"]]
    return all(each is not None and each["serving"] and each["term"] == newest["term"] for each in members)


def promises(options: Mapping[str, str]) -> frozenset[str]:
    """Everything; but where a tail that is one no more may answer, nothing that reads meanwhile."""
    return frozenset({"register", "set", "counter"} if options["tail-reads"] == "lease" else {"set"})


SYSTEM = System(
    name="chain",
    summary="Chain replication: head to tail, tail answers (OSDI 2004), or any replica (CRAQ)",
    operations=frozenset({"read", "write", "cas", "add", "inc", "append", "dump"}),
    roles={
        "replica": Role("systems_under_test.chain.node:Node"),
        "master": Role("systems_under_test.chain.master:Master", count=3),
    },
    client=ChainClient,
    workloads=("register", "set", "counter"),
    ready=ready,
    leader=head,
    options={
        "reads": Option("tail", ("tail", "apportioned"), "the tail answers queries, or any replica (CRAQ)"),
        "tail-reads": Option(
            "lease", ("lease", "any-epoch"), "any-epoch: one that was cut off goes on answering for its old epoch"
        ),
    },
    errors=ERRORS,
    answers=ANSWERS,
    bugs=BUGS,
    events=(
        "reconfigured",
        "head-removed",
        "middle-removed",
        "tail-removed",
        "took-place",
        "truncated",
        "disk-corrupt",
        "became-leader",
        "stepped-down",
    ),
    leadership=lambda options: ("became-leader", "term"),  # of the masters
    claims=CLAIMS,
    withstands=frozenset({"duplicate"}),
    promises=promises,
)
