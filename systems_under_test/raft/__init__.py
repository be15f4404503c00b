"""``raft``: a key-value store replicated by Raft; linearizable, available to a connected majority."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from harness.node import Message
from harness.system import ClientEnv, Option, Role, System

from systems_under_test.blocks.key_value_client import ANSWERS, ERRORS, KeyValueClient
from systems_under_test.blocks.quorum import majority
from systems_under_test.blocks.raft import ENTRIES_PER_MESSAGE
from systems_under_test.blocks.raft.milestone import EVENTS
from systems_under_test.blocks.raft.settings import ELECTION_TIMEOUT_MS, HEARTBEAT_MS, SNAPSHOT_ENTRIES
from systems_under_test.raft.bug import BUGS
from systems_under_test.raft.cap import CAP
from systems_under_test.raft.claims import CLAIMS
from systems_under_test.raft.node import Raft
from systems_under_test.raft.state_machine import SESSIONS_MAX


def leader(statuses: Mapping[str, Message]) -> str | None:
    """The node that leads the highest term; an older leader that has not noticed yet may say that it leads, too."""
    leading = [(status["term"], node) for node, status in statuses.items() if status["role"] == "leader"]
    return max(leading)[1] if leading else None


def ready(statuses: Mapping[str, Message]) -> bool:
    """Whether a majority of the members, those that do not answer included, believes in the leader in its term, and no
    change of the members is under way."""
    found = leader(statuses)
    if found is None:
        return False
    term, members = statuses[found]["term"], statuses[found]["members"]
    if statuses[found]["changing"]:
        return False
    answers = [(status["leader"], status["term"]) for node, status in statuses.items() if node in members]
    return answers.count((found, term)) >= majority(len(members))


def client(env: ClientEnv, options: Mapping[str, str]) -> KeyValueClient:
    """All requests go to the leader; "reads" is about what it does with them."""
    return KeyValueClient(env, {})


WORKLOADS: Final = ("register", "set", "counter", "sessions", "consistent-prefix")


def promises(options: Mapping[str, str]) -> frozenset[str]:
    """Everything; but a lease on a clock that may jump is none, and then only what needs no current read is left."""
    return frozenset({"set"} if options["reads"] == "lease-wall" else WORKLOADS)


SYSTEM: Final = System(
    name="raft",
    summary="Raft: replicated log, majority quorum, linearizable reads by ReadIndex",
    operations=frozenset({"read", "write", "cas", "add", "inc", "append", "dump"}),
    roles={"server": Role("systems_under_test.raft:Raft")},
    client=client,
    workloads=WORKLOADS,
    ready=ready,
    leader=leader,
    options={
        "heartbeat-ms": Option(str(HEARTBEAT_MS), None, "milliseconds between a leader's heartbeats"),
        "election-timeout-ms": Option(
            str(ELECTION_TIMEOUT_MS), None, "least milliseconds of silence before an election; the most is twice that"
        ),
        "pre-vote": Option(
            "on", ("on", "off"), "whether a server asks if it would be elected before it stands for election"
        ),
        "reads": Option(
            "index",
            ("index", "lease-monotonic", "lease-wall"),
            "a leader's reads ask a majority each time, or rest on a lease, measured by its monotonic or wall clock",
        ),
        "snapshot-entries": Option(
            str(SNAPSHOT_ENTRIES), None, "a snapshot whenever so many more entries have been applied; 0 for never"
        ),
        "sessions": Option(str(SESSIONS_MAX), None, "so many clients are remembered; others must register anew"),
        "membership": Option(
            "single",
            ("single", "joint"),
            "members are added and removed one by one, or any number at once by way of a joint configuration",
        ),
        "voters": Option("0", None, "so many nodes are members at first, the rest are spares; 0 for all"),
        "entries-per-message": Option(str(ENTRIES_PER_MESSAGE), None, "at most so many log entries in one message"),
    },
    errors=ERRORS,
    answers=ANSWERS,
    bugs=BUGS,
    claims=(*CLAIMS, CAP),
    events=EVENTS,
    leadership=lambda options: ("became-leader", "term"),
    withstands=frozenset({"duplicate", "bit-flip", "membership", "transfer"}),
    promises=promises,
)

__all__ = ["SYSTEM", "Raft", "leader", "ready"]
