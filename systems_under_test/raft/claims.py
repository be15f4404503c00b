"""What is claimed of Raft (CO-1): each of its rules is needed, and with all of them it is linearizable.

Ongaro 2014 is the paper, in its extended version; Ongaro's dissertation is of the same year, with pages as printed.
"""

from __future__ import annotations

from typing import Final

from harness.claim import Claim, Curve, Experiment, Holds, Measured, Shape, Source, Thresholds, Variant, Violates

from systems_under_test.blocks.raft.bug import (
    ACKNOWLEDGE_BEFORE_SYNC,
    CHANGE_BEFORE_COMMIT,
    JUMP_WITHOUT_JOINT,
    LOCAL_READS,
    READ_BEFORE_FIRST_COMMIT,
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

REPLACED: Final = Experiment(
    "set", options={"voters": "3", "membership": "joint"}, faults="membership=replace-majority, partition", nodes=5
)
"""Two of three members are replaced by two who are new, so that the old and the new majority need not overlap."""

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
)  # fmt: skip
