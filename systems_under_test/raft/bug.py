"""The mistakes that ``--bug`` seeds into ``raft``: what each is, what exposes it, how it shows."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from harness.system import Bug

from systems_under_test.blocks.raft.bug import (
    ACKNOWLEDGE_BEFORE_SYNC,
    APPEND_WITHOUT_PREVIOUS_CHECK,
    APPLIED_INDEX_SAVED_APART,
    CHANGE_BEFORE_COMMIT,
    COMMIT_EARLIER_TERM_BY_COUNT,
    CORRUPT_RECORD_ENDS_LOG,
    JUMP_WITHOUT_JOINT,
    LEASE_WITHOUT_BOUND,
    LOCAL_READS,
    NO_PRE_VOTE,
    READ_BEFORE_FIRST_COMMIT,
    SNAPSHOT_DROPS_NEWER_SUFFIX,
    TERM_NOT_PERSISTED,
    TRUNCATE_ON_EVERY_APPEND,
    UNKNOWN_REPORTED_AS_FAILED,
    VOTE_NOT_PERSISTED,
    VOTE_WITHOUT_UP_TO_DATE_CHECK,
    WIPED_SERVER_VOTES,
)

NO_CLIENT_DEDUPLICATION: Final = "no-client-deduplication"
SNAPSHOT_OMITS_CLIENT_TABLE: Final = "snapshot-omits-client-table"
APPLY_READS_CLOCK: Final = "apply-reads-clock"

TWO_VOTES: Final = (
    "after any vote-granted: restart=its-node, after any vote-granted: restart=its-node, partition=bridge, "
    "partition=bridge, partition=bridge, restart=leader, restart=leader, restart=leader"
)
"""Two halves elect without hearing each other, and the one voter who hears both restarts in between."""

ANSWERS_LOST: Final = (
    "after 20th operation inc: partition=clients-one-way:1, after 26th operation inc: kill=leader, "
    "after 60th operation inc: partition=clients-one-way:1, after 66th operation inc: kill=leader"
)
"""The leader executes what clients ask for and its answers are lost; as it dies, they ask its successor again."""

BUGS: Final[Mapping[str, Bug]] = {
    VOTE_NOT_PERSISTED: Bug(
        row=33,
        summary="the vote is not saved: a server that restarts may vote twice in a term",
        faults=TWO_VOTES,
        options={
            "pre-vote": "off"
        },  # with it a server that restarts votes for nobody for a while, and hides the mistake
        workloads=("register", "set"),
        shows_as=("EV", "LIN", "SET", "DIV"),
    ),
    TERM_NOT_PERSISTED: Bug(
        row=34,
        summary="the current term is not saved, nor the vote in it: a server restarts in its last entry's term",
        faults=TWO_VOTES,
        options={
            "pre-vote": "off"
        },  # with it a server that restarts votes for nobody for a while, and hides the mistake
        workloads=("register", "set"),
        shows_as=("EV", "LIN", "SET", "DIV"),
    ),
    ACKNOWLEDGE_BEFORE_SYNC: Bug(
        row=35,
        summary="entries are acknowledged when they are written, and synced some time later",
        faults="power-loss=all",
        workloads=("set", "register"),
        shows_as=("SET", "LIN", "DIV"),
    ),
    VOTE_WITHOUT_UP_TO_DATE_CHECK: Bug(
        row=36,
        summary="a vote is granted to any candidate, however old its log is",
        faults="partition, kill",
        workloads=("set", "register"),
        shows_as=("SET", "LIN", "DIV"),
    ),
    COMMIT_EARLIER_TERM_BY_COUNT: Bug(
        row=37,
        summary="an entry of an earlier term is committed as soon as a majority holds it (Figure 8)",
        # Figure 8: an entry that few have; a leader that dies with its first entry on its own disk alone; the first
        # leader again, cut off when it commits what it has shipped of the earlier term, alone in its message.
        faults="after any operation add: partition=isolate-leader:2, "
        "after failpoint before-first-append: kill=its-node, after committed: partition=isolate-its-node",
        # Who died is back soon after it has committed, and has the later term.
        sizes={"windows": ((0.0, 0.7), (0.0, 0.7), (0.0, 2.5)), "time_limit_s": 5.0},
        random_faults="kill=leader, restart=leader, partition, kill=leader",
        options={"entries-per-message": "1"},
        workloads=("set",),
        shows_as=("DIV", "SET", "LIN"),
    ),
    APPEND_WITHOUT_PREVIOUS_CHECK: Bug(
        row=38,
        summary="a follower appends without comparing the term of the entry before",
        faults="after any leader-change: partition=isolate-its-node, partition=isolate-leader, kill=leader",
        workloads=("set", "register"),
        shows_as=("DIV", "SET", "LIN"),
    ),
    TRUNCATE_ON_EVERY_APPEND: Bug(
        row=39,
        summary="a follower cuts its log at every append, not only at a conflict",
        faults="reorder, duplicate, kill",
        workloads=("set", "register"),
        shows_as=("SET", "LIN", "DIV"),
    ),
    LOCAL_READS: Bug(
        row=40,
        summary="a leader answers reads by itself, without asking whether it still leads",
        faults="partition=isolate-leader, partition=isolate-leader, slow-node=leader, slow-node=leader",
        workloads=("register",),
        shows_as=("LIN",),
    ),
    LEASE_WITHOUT_BOUND: Bug(
        row=41,
        summary="a leader's lease is as long as an election timeout, and measured by its wall clock",
        # The clock of a leader that is cut off is set back: because it was ahead, or to a false time. Clients are many
        # and ask seldom, so that some are still with it.
        options={"reads": "lease-monotonic", "election-timeout-ms": "600"},
        faults="partition=isolate-leader, clock=jump-leader, clock=jump-leader",
        sizes={
            "windows": ((2.0, 5.0), (1.0, 2.3), (2.4, 5.0)),
            "concurrency": 80,
            "rate_hz": 60.0,
            "time_limit_s": 5.0,
        },
        workloads=("register",),
        shows_as=("LIN",),
    ),
    READ_BEFORE_FIRST_COMMIT: Bug(
        row=42,
        summary="a new leader answers reads before it has committed an entry of its term",
        faults="restart=leader, restart=leader, loss, loss",
        workloads=("register",),
        shows_as=("LIN",),
    ),
    CHANGE_BEFORE_COMMIT: Bug(
        row=43,
        summary="a new leader changes the members before it has committed an entry of its term",
        # Four members. The leader is cut off with the spare, and adds it; the next leader, which knows nothing of that,
        # removes one, and hears only one of the two who elected it. The first one has a majority of five again when it
        # hears the other, who has nothing newer.
        faults="after 20th operation add: partition=isolate-leader:2, after 20th operation add: membership=grow, "
        "after failpoint before-first-append: partition=isolate-its-node:2, "
        "after failpoint before-first-append: membership=remove-one-its-node",
        options={"voters": "4"},
        sizes={"nodes": 5},
        workloads=("set",),
        shows_as=("SET", "LIN", "DIV", "EV"),
    ),
    JUMP_WITHOUT_JOINT: Bug(
        row=44,
        summary="members are replaced all at once, with no joint phase: old and new majorities need not overlap",
        faults="membership=replace-majority, partition, membership=replace-majority",
        options={"voters": "3", "membership": "joint"},
        sizes={"nodes": 5},
        workloads=("set", "register"),
        shows_as=("SET", "LIN", "DIV", "EV"),
    ),
    WIPED_SERVER_VOTES: Bug(
        row=45,
        summary="a server that finds its disk empty, though it has run before, votes and counts like any other",
        # One server is behind; of the two that have everything one is down and the other comes back with nothing.
        faults="after operation add: partition=isolate-n2, after 20th operation add: kill=leader, "
        "after 20th operation add: wipe=n3",
        sizes={"nodes": 3},
        workloads=("set",),
        shows_as=("SET", "LIN", "DIV", "EV"),
    ),
    SNAPSHOT_DROPS_NEWER_SUFFIX: Bug(
        row=46,
        summary="a snapshot of the leader takes the place of the whole log, also of what follows it there",
        # One snapshot in the run, of which followers are in need, and a second copy of it that comes late: a later
        # snapshot would mend the damage.
        faults="after 100th operation add: pause=followers:2, after snapshot-taken: duplicate, "
        "after snapshot-taken: duplicate",
        options={"snapshot-entries": "110"},
        workloads=("set",),
        shows_as=("DIV", "SET", "LIN"),
    ),
    SNAPSHOT_OMITS_CLIENT_TABLE: Bug(
        row=47,
        summary="a snapshot has the store and not the table of clients' requests",
        faults="partition=clients, restart=leader, restart, restart",
        options={"snapshot-entries": "5"},
        workloads=("counter", "register"),
        shows_as=("CNT", "DIV", "LIN"),
    ),
    NO_PRE_VOTE: Bug(
        row=57,
        summary="no pre-vote, and no loyalty to a leader that is heard: whoever hears none deposes it",
        # Two halves that hear each other's terms, through the node between them, and not each other's leader. Long
        # timeouts, so that an election takes seconds; with pre-votes there is none.
        faults="partition=bridge",
        options={"election-timeout-ms": "2000", "heartbeat-ms": "200"},
        workloads=("set",),
        shows_as=("AVL",),
        gap_s=1.5,
    ),
    APPLY_READS_CLOCK: Bug(
        row=49,
        summary="a command whose client has given up by now is not executed; each server asks its own clock",
        faults="clock, restart",
        workloads=("set", "counter", "register"),
        shows_as=("DIV", "SET", "CNT", "LIN"),
    ),
    UNKNOWN_REPORTED_AS_FAILED: Bug(
        row=50,
        summary="a leader that is deposed says of the writes in its log that they failed; the next one may commit them",
        faults="partition=isolate-leader-one-way",
        workloads=("set", "register"),
        shows_as=("SET", "LIN"),
    ),
    NO_CLIENT_DEDUPLICATION: Bug(
        row=48,
        summary="a request that a client sent again is executed again",
        faults=ANSWERS_LOST,
        workloads=("counter", "register"),
        shows_as=("CNT", "LIN"),
    ),
    APPLIED_INDEX_SAVED_APART: Bug(
        row=51,
        summary="the index of what is applied is saved beside the snapshot, before it: what lies between is skipped",
        faults="after failpoint before-snapshot: kill=its-node, kill, kill",
        options={"snapshot-entries": "20"},
        workloads=("set", "counter", "register"),
        shows_as=("DIV", "SET", "CNT", "LIN"),
    ),
    CORRUPT_RECORD_ENDS_LOG: Bug(
        row=52,
        summary="a record that does not verify is taken for the end of the log, and what follows is cut",
        faults="bit-flip",
        workloads=("set", "register"),
        shows_as=("SET", "LIN", "DIV"),
    ),
}
