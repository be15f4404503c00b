"""What a new leader must know of the old one: generations, the high-water mark, the client table (DDIA 5, POD)."""

from __future__ import annotations

from typing import Final

from harness.claim import (
    Claim,
    Converges,
    Curve,
    Experiment,
    Holds,
    Measured,
    Shape,
    Source,
    Thresholds,
    Variant,
    Violates,
)

from systems_under_test.single_leader.bug import PROMOTE_ANY_BACKUP

FAILOVER: Final = "ch. 5, Leader failure: Failover"
BUDGET: Final = Thresholds(runs=12)
TAKEN_OVER: Final = "partition=isolate-leader, kill=leader"
ASYNC: Final = Variant("asynchronous", {"replication": "async"})
NO_GENERATION: Final = Variant("without a generation clock", {"generation": "off"})
ON_APPEND: Final = Variant("applies on append", {"apply": "append"})
COPIED_FILES: Final = Variant("files copied while clients write", {"joining": "file-copy"})
NOT_CAUGHT_UP: Final = Variant("who has not caught up may be promoted", bugs=(PROMOTE_ANY_BACKUP,))
A_MAJORITY: Final = Variant("a majority", {"replication": "majority"})
ALL_MUST_ANSWER: Final = Variant("every node must answer", {"replication": "sync"})
NO_TABLE: Final = Variant("without a client table", {"deduplication": "off"})
SPLIT_BRAIN: Final = Experiment(
    "register", {"replication": "majority", "generation": "off"}, faults="partition=isolate-leader"
)

REBOOTS: Final = Experiment("set", {"replication": "majority"}, faults=", ".join(f"kill=n{i}" for i in range(1, 6)),
                            windows=tuple((1.5 + 2.0 * i, 3.45 + 2.0 * i) for i in range(5)),
                            time_limit_s=13.5)  # fmt: skip
"""One node after the other, each stopped when the one before it has just come back."""

FAILOVER_S: Final = 1.0
"""The silence until a follower stands (``failover-ms``), its patience, which may be as long, and the votes."""

ADDED: Final = Experiment("set", {"replication": "async", "joining": "snapshot"}, faults="wipe=followers:1",
                          windows=((1.5, 5.0),), rate_hz=60.0)  # fmt: skip
"""A follower, whichever it is, starts at 5 s with an empty disk. The nodes are the same all the time, and asynchronous
replication waits for nobody's acknowledgement: what makes a follower new is nothing but its empty log. It gets its copy
while clients write."""

NO_GAP_S: Final = 0.1
"""A few round trips and syncs, as at any other time."""

PREFIX: Final = ("incompatible-order", "gap", "reordered")

RETRIES: Final = "partition=clients-one-way, kill=leader"
"""Replies that get lost, and leaders who die between the deed and the word: clients ask again."""

CLAIMS: Final = (
    Claim(
        "SL-10",
        "When writes stop, the followers catch up, and all replicas hold the same.",
        Source("DDIA", "ch. 5, Problems with Replication Lag", 162,
               "if you stop writing to the database and wait a while, the followers will eventually catch up"),
        Experiment("set", {"replication": "async"}, faults="partition, kill=followers", probe_hz=4.0),
        Converges(10.0),
    ),
    Claim(
        "SL-11a",
        "A follower that is behind is promoted, and gives out auto-increment keys that its predecessor gave out.",
        Source("DDIA", FAILOVER, 158,
               "it reused some primary keys that were previously assigned by the old leader"),
        Experiment("unique-ids", {"replication": "async"}, faults=TAKEN_OVER),
        Violates(("duplicate",)),
    ),
    Claim(
        "SL-11b",
        "Where the new leader has everything that was acknowledged, no key is given out twice.",
        Source("DDIA", FAILOVER, 157,
               "The best candidate for leadership is usually the replica with the most up-to-date data changes"),
        Experiment("unique-ids", {"replication": "majority"}, faults=TAKEN_OVER),
        Holds(("duplicate",)),
        control=ASYNC,
    ),
    Claim(
        "SL-12a",
        "Without a generation clock two nodes lead at a time: who asks one does not find what the other was told.",
        Source("DDIA", FAILOVER, 158,
               "it could happen that two nodes both believe that they are the leader"),
        SPLIT_BRAIN,
        Violates(("non-linearizable",)),
    ),
    Claim(
        "SL-12b",
        "Both accept writes, and the replicas hold different data for good.",
        Source("DDIA", FAILOVER, 158,
               "it could happen that two nodes both believe that they are the leader"),
        SPLIT_BRAIN,
        Violates(("divergence",)),
    ),
    Claim(
        "SL-13a",
        "With a generation clock and a majority's acknowledgement nothing is lost and no replica goes its own way.",
        Source("POD", "ch. 9, Generation Clock", None,
               "A monotonically increasing number indicating the generation of the server."),
        Experiment("set", {"replication": "majority"}, faults="partition=isolate-leader"),
        Holds(("lost", "divergence")),
        control=NO_GENERATION,
    ),
    Claim(
        "SL-20a",
        "A new follower gets a snapshot with its position in the log, then the log from there, while clients write.",
        Source("DDIA", "ch. 5, Setting Up New Followers", 156,
               "the snapshot is associated with an exact position in the leader’s replication log"),
        ADDED,
        Holds(("lost", "divergence")),
        control=COPIED_FILES,
        told=("copied",),
    ),
    Claim(
        "SL-20b",
        "Nobody waits for a write while the new follower gets its copy.",
        Source("DDIA", "ch. 5, Setting Up New Followers", 155,
               "setting up a follower can usually be done without downtime"),
        ADDED,
        Measured(
            "how it gets the data",
            (Variant("a snapshot", {"joining": "snapshot"}),),
            (Curve("outage-s:add", Shape("at-most", bound=NO_GAP_S)),),
        ),
        thresholds=BUDGET,
        told=("copied",),
    ),
    Claim(
        "SL-21a",
        "Node after node is rebooted and catches up from its own log: nothing is lost, and all come to hold the same.",
        Source("DDIA", "ch. 5, Follower failure: Catch-up recovery", 157,
               "from its log, it knows the last transaction that was processed before the fault occurred"),
        REBOOTS,
        Holds(("lost", "divergence")),
        control=NOT_CAUGHT_UP,
        told=("caught-up",),
    ),
    Claim(
        "SL-21b",
        "Such reboots cost an outage of each node where all must acknowledge, and at most a failover's otherwise.",
        Source("DDIA", "ch. 5, Handling Node Outages", 156,
               "Being able to reboot individual nodes without downtime is a big advantage for operations and "
               "maintenance"),
        REBOOTS,
        Measured(
            "who must acknowledge",
            (A_MAJORITY, ALL_MUST_ANSWER),
            (Curve("outage-s:add", Shape("rises", ratio=1.3)),),
        ),
        thresholds=BUDGET,
        told=("caught-up",),
    ),
    Claim(
        "SL-21c",
        "Where a majority is enough, nobody waits for longer than a failover, whichever node is rebooted.",
        Source("DDIA", "ch. 5, Handling Node Outages", 156,
               "keep the system as a whole running despite individual node failures"),
        REBOOTS,
        Measured("who must acknowledge", (A_MAJORITY,), (Curve("outage-s:add", Shape("at-most", bound=FAILOVER_S)),)),
        thresholds=BUDGET,
        told=("caught-up",),
    ),
    Claim(
        "SL-22a",
        "Followers that apply only up to the high-water mark show nothing that is later lost.",
        Source("POD", "ch. 10, High-Water Mark", None,
               "An index in the write-ahead log showing the last successful replication."),
        # Not a register: a value that is not there any more may have been overwritten.
        Experiment("set-full", {"replication": "majority", "reads": "any"}, faults="partition=isolate-leader:2, "
                                                                                   "kill=leader"),
        Holds(("lost",)),
        control=ON_APPEND,
    ),
    Claim(
        "SL-22b",
        "What one reads from such a follower is always a beginning of the one log.",
        Source("POD", "ch. 10, High-Water Mark", None,
               "An index in the write-ahead log showing the last successful replication."),
        # Of each list by itself: who reads two of them from two followers may see the reply first (SL-9b).
        Experiment("consistent-prefix", {"replication": "majority", "reads": "any"},
                   faults="partition=isolate-leader:2, kill=leader"),
        Holds(PREFIX),
        control=ON_APPEND,
    ),
    Claim(
        "SL-23a",
        "Without client id and request number a request that is sent again is executed again.",
        Source("POD", "ch. 15, Idempotent Receiver", None, "Identify requests from clients uniquely"),
        Experiment("counter", {"replication": "majority", "deduplication": "off"}, faults=RETRIES),
        Violates(("counter-high", "counter-impossible")),
    ),
    Claim(
        "SL-23b",
        "With them, in a table that is replicated along with the data, it is executed once, whoever leads by then.",
        Source("POD", "ch. 15, Idempotent Receiver", None,
               "Identify requests from clients uniquely so you can ignore duplicate requests when client retries"),
        Experiment("counter", {"replication": "majority"}, faults=RETRIES),
        Holds(("counter-high", "counter-impossible")),
        control=NO_TABLE,
    ),
    Claim(
        "SL-23c",
        "The table forgets who has asked for nothing for longest, in all replicas alike; he must register anew.",
        Source("POD", "ch. 15, Idempotent Receiver", None,
               "Before sending any requests, the client registers itself with the server."),
        Experiment("counter", {"replication": "majority", "sessions": "8"}, faults=RETRIES, concurrency=12),
        Holds(("counter-high", "counter-impossible")),
        control=NO_TABLE,
        told=("session-expired",),
    ),
)  # fmt: skip
