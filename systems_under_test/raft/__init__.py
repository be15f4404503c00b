"""``raft``: a key-value store replicated by Raft; linearizable, available to a connected majority."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from harness.node import Message
from harness.system import Option, Role, System

from systems_under_test.blocks.key_value_client import ERRORS, KeyValueClient
from systems_under_test.blocks.quorum import majority
from systems_under_test.blocks.raft import ENTRIES_PER_MESSAGE
from systems_under_test.raft.bug import BUGS
from systems_under_test.raft.node import ELECTION_TIMEOUT_MS, HEARTBEAT_MS, Raft


def leader(statuses: Mapping[str, Message]) -> str | None:
    """The node that leads the highest term; an older leader that has not noticed yet may say that it leads, too."""
    leading = [(status["term"], node) for node, status in statuses.items() if status["role"] == "leader"]
    return max(leading)[1] if leading else None


def ready(statuses: Mapping[str, Message]) -> bool:
    """Whether a majority of all nodes, those that do not answer included, believes in the leader in its term."""
    found = leader(statuses)
    if found is None:
        return False
    term, nodes = statuses[found]["term"], statuses[found]["nodes"]
    believers = [status for status in statuses.values() if (status["leader"], status["term"]) == (found, term)]
    return len(believers) >= majority(nodes)


SYSTEM: Final = System(
    name="raft",
    summary="Raft: replicated log, majority quorum, linearizable reads by ReadIndex",
    operations=frozenset({"read", "write", "cas", "add", "inc", "append", "dump"}),
    roles={"server": Role("systems_under_test.raft:Raft")},
    client=KeyValueClient,
    workloads=("register", "set", "counter", "sessions", "consistent-prefix"),
    ready=ready,
    leader=leader,
    options={
        "heartbeat-ms": Option(str(HEARTBEAT_MS), None, "milliseconds between a leader's heartbeats"),
        "election-timeout-ms": Option(
            str(ELECTION_TIMEOUT_MS), None, "least milliseconds of silence before an election; the most is twice that"
        ),
        "entries-per-message": Option(str(ENTRIES_PER_MESSAGE), None, "at most so many log entries in one message"),
    },
    errors=ERRORS,
    bugs=BUGS,
    events=("election-started", "vote-granted", "became-leader", "stepped-down", "committed", "disk-corrupt"),
    leadership=lambda options: ("became-leader", "term"),
    withstands=frozenset({"duplicate", "bit-flip"}),
)

__all__ = ["SYSTEM", "Raft", "leader", "ready"]
