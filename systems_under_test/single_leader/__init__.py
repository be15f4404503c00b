"""Single-leader replication: one node takes all writes into its log and ships the log to the others.

*Designing Data-Intensive Applications*, 5.1-5.2; *Patterns of Distributed Systems*, 2.2-2.8.

``replication=async`` answers when the leader
has the write on its own disk: after a failover, what was not shipped yet is lost, though it was acknowledged.
``replication=sync`` answers when every node has it: nothing is lost, and one silent follower stops all writes.
``replication=majority`` answers when a majority has it: nothing is lost, and a minority may be silent.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from harness.node import Message
from harness.system import Option, Role, System

from systems_under_test.blocks.key_value_client import ERRORS, KeyValueClient
from systems_under_test.single_leader.bug import BUGS


def present_leader(statuses: Mapping[str, Message]) -> str | None:
    """The leader of the newest generation; where generations are off, the one that most nodes follow."""
    followers = Counter(status.get("leader") for status in statuses.values())
    leading = [name for name, status in sorted(statuses.items()) if status.get("role") == "leader"]
    return max(leading, key=lambda name: (statuses[name]["term"], followers[name]), default=None)


def ready(statuses: Mapping[str, Message]) -> bool:
    """A leader serves, and every node that answers follows it; where leaders carry no number (term 0), any leader,
    for there a deposed one never learns of it."""
    name = present_leader(statuses)
    if name is None or not statuses[name]["serving"]:
        return False
    followed = {status.get("leader") for status in statuses.values() if status.get("role") != "corrupt"}
    return followed == {name} if statuses[name]["term"] else None not in followed


def leadership(options: Mapping[str, str]) -> tuple[str, str] | None:
    """A generation has at most one leader, if there are generations and elections."""
    elected = (options.get("generation", "on"), options.get("failover", "automatic")) == ("on", "automatic")
    return ("became-leader", "generation") if elected else None


SYSTEM = System(
    name="single-leader",
    summary="One leader, a log shipped to followers, automatic failover (DDIA 5.1-5.2).",
    operations=frozenset({"read", "write", "cas", "add", "inc", "append", "dump"}),
    roles={"node": Role(program="systems_under_test.single_leader.node:Node")},
    client=KeyValueClient,
    workloads=("set", "register", "counter", "sessions", "consistent-prefix"),
    ready=ready,
    leader=present_leader,
    options={
        "replication": Option(
            "async",
            ("async", "majority", "sync"),
            "acknowledge after the leader's own sync, a majority's, or everyone's",
        ),
        "failover": Option(
            "automatic", ("automatic", "none"), "elect a new leader by majority, or keep the first node"
        ),
        "reads": Option("leader", ("leader", "any", "sticky"), "read from the leader, any follower, or one follower"),
        "generation": Option("on", ("on", "off"), "off: leaders carry no number, a deposed one is not recognised"),
    },
    errors=ERRORS,
    bugs=BUGS,
    events=("election-started", "vote-granted", "became-leader", "stepped-down", "truncated", "disk-corrupt"),
    leadership=leadership,
    withstands=frozenset({"duplicate"}),
)
