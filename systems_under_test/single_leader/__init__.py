"""Single-leader replication: one node takes all writes into its log and ships the log to the others.

*Designing Data-Intensive Applications*, chapter 5; *Patterns of Distributed Systems*, "Leader and Followers".

``replication=async`` answers when the leader
has the write on its own disk: after a failover, what was not shipped yet is lost, though it was acknowledged.
``replication=sync`` answers when every node has it: nothing is lost, and one silent follower stops all writes.
``replication=majority`` answers when a majority has it: nothing is lost, and a minority may be silent.
``replication=semi-sync`` answers when one chosen follower has it, too: nothing is lost if, with ``promotion=recorded``,
nobody else may succeed the leader; with ``promotion=freshest`` a majority that knows no better elects another.

``reads`` says who answers reads: the leader, as far as it knows (``leader``) or as a majority confirms (``confirmed``);
followers, which lag (``any``, ``sticky``); or followers as far as that does not show to who wrote and read before
(``own-writes``, ``monitored``, ``position``: see ``session`` and ``reading``). With ``partitions=2`` there are two
logs, and no order between them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from harness.node import Message
from harness.system import Option, Role, System

from systems_under_test.blocks.client_session import SESSIONS_MAX
from systems_under_test.blocks.key_value_client import ANSWERS, ERRORS
from systems_under_test.single_leader.bug import BUGS
from systems_under_test.single_leader.claims import CLAIMS
from systems_under_test.single_leader.partition import by_partition, client
from systems_under_test.single_leader.promise import promises


def present_leader(statuses: Mapping[str, Message]) -> str | None:
    """The leader of the newest generation; where generations are off, the one that most nodes follow."""
    followers = Counter(status.get("leader") for status in statuses.values())
    leading = [name for name, status in sorted(statuses.items()) if status.get("role") == "leader"]
    return max(leading, key=lambda name: (statuses[name]["term"], followers[name]), default=None)


def ready(statuses: Mapping[str, Message]) -> bool:
    """Every partition has a leader that its nodes follow."""
    return all(map(_led, by_partition(statuses)))


def _led(statuses: Mapping[str, Message]) -> bool:
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
    one_log = options.get("partitions", "1") == "1"  # each partition counts its own generations
    return ("became-leader", "generation") if elected and one_log else None


SYSTEM = System(
    name="single-leader",
    summary="One leader, a log shipped to followers, automatic failover (DDIA ch. 5).",
    operations=frozenset({"read", "write", "cas", "add", "inc", "append", "generate", "dump"}),
    roles={"node": Role(program="systems_under_test.single_leader.partition:Partitioned")},
    client=client,
    workloads=("set", "set-full", "register", "counter", "unique-ids", "sessions", "devices", "consistent-prefix"),
    ready=ready,
    leader=present_leader,
    options={
        "replication": Option(
            "async",
            ("async", "semi-sync", "majority", "sync"),
            "acknowledge after the leader's own sync, one chosen follower's, a majority's, or everyone's",
        ),
        "promotion": Option(
            "freshest",
            ("freshest", "recorded"),
            "vote for any log as fresh as one's own, or only for the pair that a majority has on record",
        ),
        "apply": Option(
            "high-water", ("high-water", "append"), "followers apply what is acknowledged, or all that they have"
        ),
        "joining": Option(
            "log",
            ("log", "snapshot", "file-copy"),
            "a new follower gets the whole log, a snapshot with its log position, or files as they are being written",
        ),
        "deduplication": Option("on", ("on", "off"), "off: a request that is sent again is executed again"),
        "sessions": Option(str(SESSIONS_MAX), None, "so many clients are remembered; others must register anew"),
        "failover": Option(
            "automatic", ("automatic", "none"), "elect a new leader by majority, or keep the first node"
        ),
        "reads": Option(
            "leader",
            ("leader", "confirmed", "any", "sticky", "own-writes", "monitored", "position", "position-only"),
            "read from the leader, alone or confirmed by a majority; any follower, or one; the leader after own "
            "writes, any follower later, unless it is too far behind; one that has what the session has seen",
        ),
        "recent-ms": Option(
            "100", None, "how long after a write a session reads from the leader, or a follower may lag"
        ),
        "travel": Option(
            "off",
            ("off", "on"),
            "on: a session reads in one region (--topology), any follower of it or with its position, and now and then "
            "changes it; then shared-position does nothing",
        ),
        "shared-position": Option("off", ("off", "on"), "on: a user's devices know of each other's writes"),
        "partitions": Option(
            "1", ("1", "2"), "2: half of the keys are in a log of their own, with a leader of its own"
        ),
        "detector": Option("fixed", ("fixed", "adaptive", "phi"), "how a follower suspects the leader"),
        "failover-ms": Option("400", None, "the silence, at least, after which a fixed detector's follower stands"),
        "service-ms": Option("0", None, "what a read costs a node, which serves one at a time"),
        "generation": Option("on", ("on", "off"), "off: leaders carry no number, a deposed one is not recognised"),
    },
    errors=ERRORS,
    answers=ANSWERS,
    bugs=BUGS,
    events=(
        "election-started",
        "vote-granted",
        "became-leader",
        "stepped-down",
        "truncated",
        "caught-up",
        "session-expired",
        "disk-corrupt",
        "copy-begun",
        "copied",
        "became-synchronous-follower",
        "synchronous-follower-chosen",
        "synchronous-follower-lost",
    ),
    leadership=leadership,
    claims=CLAIMS,
    withstands=frozenset({"duplicate"}),
    promises=promises,
)
