"""What is claimed of Raft (CO-1): each of its rules is needed, and with all of them it is linearizable.

Ongaro 2014 is the paper, in its extended version; Ongaro's dissertation is of the same year, with pages as printed.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from harness.claim import Claim, Curve, Experiment, Holds, Measured, Shape, Source, Thresholds, Variant, Violates

from systems_under_test.blocks.raft.bug import (
    ACKNOWLEDGE_BEFORE_SYNC,
    CHANGE_BEFORE_COMMIT,
    COMMIT_EARLIER_TERM_BY_COUNT,
    JUMP_WITHOUT_JOINT,
    LOCAL_READS,
    READ_BEFORE_FIRST_COMMIT,
    SNAPSHOT_DROPS_NEWER_SUFFIX,
    VOTE_NOT_PERSISTED,
    VOTE_WITHOUT_UP_TO_DATE_CHECK,
)
from systems_under_test.raft.bug import BUGS, TWO_VOTES

PAPER: Final = "Ongaro and Ousterhout 2014"
DISSERTATION: Final = "Ongaro, dissertation 2014"
RAFT_DEV: Final = "Ongaro, raft-dev mailing list 2015"

NOT_LINEARIZABLE: Final = ("non-linearizable",)

CUT_OFF: Final = "partition=isolate-leader, partition=isolate-leader, slow-node=leader, slow-node=leader"
"""A leader that is replaced while it still believes that it leads, or that notices late."""

SET_BACK: Final = Experiment(
    "register",
    options={"election-timeout-ms": "600"},
    faults="partition=isolate-leader, clock=jump-leader, clock=jump-leader",
    windows=((2.0, 5.0), (1.0, 2.3), (2.4, 5.0)),
    concurrency=80,
    rate_hz=60.0,
    time_limit_s=5.0,
)
"""A leader is cut off, and its wall clock is set back: either it was ahead and is corrected, or it jumps back. Clients
are many and ask seldom: who has just asked for a read, which an old leader answers, does not look for another."""

RUNS_SLOW: Final = replace(
    SET_BACK, faults="drift=slow-leader, partition=isolate-leader", windows=((1.5, 5.0), (2.0, 5.0))
)
"""The oscillator of a leader runs slow, and with it the clock that measures its lease; then it is cut off."""

REPLACED: Final = Experiment(
    "set", options={"voters": "3", "membership": "joint"}, faults="membership=replace-majority, partition", nodes=5
)
"""Two of three members are replaced by two who are new, so that the old and the new majority need not overlap."""

HANDED_OVER: Final = Experiment(
    "set",
    faults="transfer=any, partition, kill, transfer=cut-off",
    windows=((1.5, 2.5), (2.0, 5.5), (3.0, 4.5), (6.5, 8.0)),
)
"""A leader hands over just before some are cut off and some die; the next one is to hand over to whom nobody hears."""

CLAIMS: Final[tuple[Claim, ...]] = (
    Claim(
        id="CO-1a",
        sentence="A leader that asks a majority whether it still leads answers no stale read.",
        source=Source(
            PAPER, "8 Client interaction", 13,
            "having the leader exchange heartbeat messages with a majority of the cluster before responding to "
            "read-only requests",
        ),
        experiment=Experiment("register", faults=CUT_OFF),
        expect=Holds(NOT_LINEARIZABLE),
        control=Variant("the leader answers by itself", bugs=(LOCAL_READS,)),
    ),
    Claim(
        id="CO-1b",
        sentence="A leader that answers reads by itself, without a lease, answers stale ones once it is replaced.",
        source=Source(
            DISSERTATION, "6.4 Processing read-only queries more efficiently", 73,
            "it would return stale results, which are not linearizable",
        ),
        experiment=Experiment("register", bugs=(LOCAL_READS,), faults=CUT_OFF),
        expect=Violates(NOT_LINEARIZABLE),
    ),
    Claim(
        id="CO-1c",
        sentence="A new leader does not answer reads before it has committed an entry of its own term.",
        source=Source(
            PAPER, "8 Client interaction", 13,
            "having each leader commit a blank no-op entry into the log at the start of its term",
        ),
        experiment=Experiment("register", faults="restart=leader, restart=leader, loss, loss"),
        expect=Holds(NOT_LINEARIZABLE),
        control=Variant("reads at once", bugs=(READ_BEFORE_FIRST_COMMIT,)),
        thresholds=Thresholds(runs=60),
    ),
    Claim(
        id="CO-1d",
        sentence="Only a server whose log has all committed entries is elected, because voters compare it with theirs.",
        source=Source(
            PAPER, "5.4.1 Election restriction", 8,
            "the voter denies its vote if its own log is more up-to-date than that of the candidate",
        ),
        experiment=Experiment("set", faults="partition, kill"),
        expect=Holds(),
        control=Variant("any candidate gets the vote", bugs=(VOTE_WITHOUT_UP_TO_DATE_CHECK,)),
        thresholds=Thresholds(runs=45),
    ),
    Claim(
        id="CO-1e",
        sentence="What is acknowledged survives the loss of power on all servers, because it was synced before.",
        source=Source(
            PAPER, "Figure 2, State", 4,
            "Updated on stable storage before responding to RPCs",
        ),
        experiment=Experiment("set", faults="power-loss=all"),
        expect=Holds(),
        control=Variant("acknowledged first, synced later", bugs=(ACKNOWLEDGE_BEFORE_SYNC,)),
    ),
    Claim(
        id="CO-1j",
        sentence="A term has one leader, because a server that restarts remembers its vote.",
        source=Source(
            DISSERTATION, "3.8 Persisted state and server restarts", None,
            "this is necessary to prevent the server from voting twice in the same term",
        ),
        # Without pre-votes: with them a server that restarts votes for nobody for a while, which hides a lost vote.
        experiment=Experiment("register", options={"pre-vote": "off"}, faults=TWO_VOTES),
        expect=Holds(),
        control=Variant("the vote is not saved", bugs=(VOTE_NOT_PERSISTED,)),
    ),
    Claim(
        id="CO-1f",
        sentence="A lease on a clock that jumps lets a leader which was replaced answer stale reads.",
        source=Source(
            DISSERTATION, "6.4.1 Using clocks to reduce messaging for read-only queries", 74,
            "If the assumptions are violated, the system could return arbitrarily stale information.",
        ),
        experiment=SET_BACK.varied(Variant("wall", options={"reads": "lease-wall"})),
        expect=Violates(NOT_LINEARIZABLE),
    ),
    Claim(
        id="CO-1g",
        sentence="A lease needs clocks that run alike, not clocks that show the same time: measured by a monotonic "
        "clock, it answers no stale read while wall clocks jump.",
        source=Source(
            DISSERTATION, "6.4.1 Using clocks to reduce messaging for read-only queries", 74,
            "The lease approach assumes a bound on clock drift across servers",
        ),
        experiment=SET_BACK.varied(Variant("monotonic", options={"reads": "lease-monotonic"})),
        expect=Holds(NOT_LINEARIZABLE),
        control=Variant("a wall clock measures the lease", options={"reads": "lease-wall"}),
    ),
    Claim(
        id="CO-1h",
        sentence="Within its lease a leader answers reads without asking anybody, which is faster.",
        source=Source(
            DISSERTATION, "6.4.1 Using clocks to reduce messaging for read-only queries", 73,
            "reply to read-only queries during that period without any additional communication",
        ),
        experiment=Experiment("register", time_limit_s=5.0),
        expect=Measured(
            over="reads",
            points=(
                Variant("index", options={"reads": "index"}),
                Variant("lease-monotonic", options={"reads": "lease-monotonic"}),
            ),
            curves=(Curve("median-ms:read", Shape("falls", ratio=1.5)),),
        ),
        thresholds=Thresholds(runs=5),
    ),
    Claim(
        id="CO-1i",
        sentence="Servers that do not hear the leader depose it again and again, unless they ask for pre-votes first.",
        source=Source(
            DISSERTATION, "9.6 Preventing disruptions when a server rejoins the cluster", 137,
            "a candidate only increments its term if it first learns from a majority of the cluster",
        ),
        experiment=Experiment("set", faults="partition=bridge", windows=((1.0, 9.0),)),
        expect=Measured(
            over="pre-vote",
            points=(
                Variant("off", options={"pre-vote": "off"}),
                Variant("on", options={"pre-vote": "on"}),
            ),
            curves=(
                Curve("leader-changes", Shape("falls", ratio=3.0)),
                Curve("outage-s:add", Shape("falls", ratio=2.0)),
            ),
        ),
        thresholds=Thresholds(runs=10),
    ),
    Claim(
        id="CO-1k",
        sentence="Members can be replaced all at once without losing anything, if for a while both the old and the "
        "new majority must agree.",
        source=Source(
            PAPER, "6 Cluster membership changes", None,
            "requires separate majorities from both the old and new configurations",
        ),
        experiment=REPLACED,
        expect=Holds(),
        control=Variant("no joint phase", bugs=(JUMP_WITHOUT_JOINT,)),
        told=("members-changed",),
    ),
    Claim(
        id="CO-1l",
        sentence="Servers that switch from the old members to the new ones in one step lose what was acknowledged.",
        source=Source(
            PAPER, "6 Cluster membership changes", None,
            "any approach where servers switch directly from the old configuration to the new configuration is unsafe",
        ),
        experiment=REPLACED.varied(Variant("no joint phase", bugs=(JUMP_WITHOUT_JOINT,))),
        expect=Violates(("lost",)),
    ),
    Claim(
        id="CO-1m",
        sentence="Members can be changed one by one without a joint phase, if a new leader waits for a commit of its "
        "own term.",
        source=Source(
            RAFT_DEV, "Bug in single-server membership changes", None,
            "a leader may not append a new configuration entry until it has committed an entry from its current term",
        ),
        experiment=Experiment("set", options={"voters": "4"}, faults=BUGS[CHANGE_BEFORE_COMMIT].faults, nodes=5),
        expect=Holds(),
        control=Variant("it does not wait", bugs=(CHANGE_BEFORE_COMMIT,)),
        thresholds=Thresholds(runs=60),
    ),
    Claim(
        id="CO-1p",
        sentence="That a majority has an entry of an earlier term does not commit it: a leader counts only for entries "
        "of its own term, and those before them are committed with them.",
        source=Source(
            PAPER, "5.4.2 Committing entries from previous terms", 9,
            "Raft never commits log entries from previous terms by counting replicas.",
        ),
        experiment=Experiment(
            "set",
            options=BUGS[COMMIT_EARLIER_TERM_BY_COUNT].options,
            faults=BUGS[COMMIT_EARLIER_TERM_BY_COUNT].faults,
            rate_hz=20.0,
            **BUGS[COMMIT_EARLIER_TERM_BY_COUNT].sizes,
        ),
        expect=Holds(),
        control=Variant("it counts for any entry", bugs=(COMMIT_EARLIER_TERM_BY_COUNT,)),
        thresholds=Thresholds(runs=60),
    ),
    Claim(
        id="CO-1q",
        sentence="A log may be cut down to a snapshot, and a follower sent the snapshot in its stead, if it keeps the "
        "entries that it has beyond it.",
        source=Source(
            PAPER, "7 Log compaction", 12,
            "entries following the snapshot are still valid and must be retained",
        ),
        experiment=Experiment(
            "set",
            options=BUGS[SNAPSHOT_DROPS_NEWER_SUFFIX].options,
            # Two die and miss what the snapshot has by then; when they are sent it, it comes twice, once of them late.
            faults="after 90th operation add: kill=followers:2, after snapshot-taken: duplicate, "
            "after snapshot-taken: duplicate",
            windows=((0.0, 2.0), (0.0, 3.0), (0.0, 3.0)),
            rate_hz=20.0,
        ),
        expect=Holds(),
        control=Variant("the snapshot takes the place of the whole log", bugs=(SNAPSHOT_DROPS_NEWER_SUFFIX,)),
        told=("snapshot-taken", "snapshot-installed"),
    ),
    Claim(
        id="CO-1r",
        sentence="A leader can hand over to a server of its choice and nothing is lost: it brings that one's log up to "
        "its own, and others vote for it only if they have nothing newer.",
        source=Source(
            DISSERTATION, "3.10 Leadership transfer extension", 28,
            "The prior leader fully updates the target server's log to match its own",
        ),
        experiment=HANDED_OVER,
        expect=Holds(),
        control=Variant("any candidate gets the vote", bugs=(VOTE_WITHOUT_UP_TO_DATE_CHECK,)),
    ),
    Claim(
        id="CO-1s",
        sentence="A lease that a leader measures by its own monotonic clock outlives the patience of the others if "
        "that clock runs slower than theirs by more than the bound, and stale reads are answered.",
        source=Source(
            DISSERTATION, "6.4.1 Using clocks to reduce messaging for read-only queries", 74,
            "over a given time period, no server's clock increases more than this bound times any other",
        ),
        experiment=RUNS_SLOW.varied(Variant("monotonic", options={"reads": "lease-monotonic"})),
        expect=Violates(NOT_LINEARIZABLE),
        providers=("sim",),
    ),
    Claim(
        id="CO-1t",
        sentence="A leader that asks a majority before each read needs no clock: it may run as slow as it will.",
        source=Source(
            PAPER, "2 Replicated state machines", 2,
            "faulty clocks and extreme message delays can, at worst, cause availability problems",
        ),
        experiment=RUNS_SLOW.varied(Variant("index", options={"reads": "index"})),
        expect=Holds(NOT_LINEARIZABLE),
        control=Variant("a lease", options={"reads": "lease-monotonic"}),
        providers=("sim",),
    ),
)  # fmt: skip
