"""What an acknowledgement is worth: synchronous, asynchronous and semi-synchronous replication (DDIA ch. 5)."""

from __future__ import annotations

from typing import Final

from harness.claim import (
    Available,
    Claim,
    Curve,
    Experiment,
    Holds,
    Measured,
    Shape,
    Source,
    Thresholds,
    Unavailable,
    Variant,
    Violates,
)

from systems_under_test.single_leader.bug import SEMI_SYNC, SEMI_SYNC_BECOMES_ASYNC

SYNCHRONOUS: Final = "ch. 5, Synchronous Versus Asynchronous Replication"
ASYNC: Final = Variant("asynchronous", {"replication": "async"})
SYNC: Final = Variant("synchronous", {"replication": "sync"})
PLAIN: Final = Variant("any majority elects the freshest of its own", {"promotion": "freshest"})
BECOMES_ASYNC: Final = Variant("becomes asynchronous silently", bugs=(SEMI_SYNC_BECOMES_ASYNC,))
ALL_ALIKE: Final = Thresholds(runs=10)
"""For faults that leave nothing to chance: every run shows it, or none."""

LONG: Final = ((3.0, 7.0),)
"""One fault, longer than any patience of client or failover."""

ONE_SILENT: Final = Experiment("register", {"replication": "sync"}, faults="pause=followers:1", windows=((3.0, 12.0),),
                               concurrency=20, rate_hz=60.0, time_limit_s=17.0)  # fmt: skip

CHOSEN_ONE_LOST: Final = "partition=isolate-leader, after became-synchronous-follower: pause=its-node, kill=leader"
CHOSEN_ONE_LOST_S: Final = ((1.0, 3.0), (0.0, 2.0), (3.0, 5.0))
"""The successor chooses its synchronous follower, which stops in that moment; and before that one goes on, or soon
after, the leader dies, having chosen a third."""

CLAIMS: Final = (
    Claim(
        "SL-1",
        "Synchronous replication: what was acknowledged survives the loss of the leader.",
        Source("DDIA", SYNCHRONOUS, 154, "we can be sure that the data is still available on the follower"),
        Experiment("set", {"replication": "sync"}, faults="partition=isolate-leader, kill=leader"),
        Holds(("lost",)),
        control=ASYNC,
    ),
    Claim(
        "SL-2",
        "Synchronous replication to all: one follower that does not answer stops all writes.",
        Source("DDIA", SYNCHRONOUS, 154, "any one node outage would cause the whole system to grind to a halt"),
        ONE_SILENT,
        Unavailable("write"),
        control=ASYNC,
        thresholds=ALL_ALIKE,
    ),
    Claim(
        "SL-2b",
        "Meanwhile the leader answers reads.",
        Source("DDIA", SYNCHRONOUS, 154, "the leader must block all writes and wait until the synchronous replica is "
                                         "available again"),
        ONE_SILENT,
        Measured(
            "one silent follower",
            (SYNC,),
            (Curve("answered-share:read", Shape("at-least", bound=0.9)),
             Curve("answered-share:write", Shape("at-most", bound=0.0))),
        ),
        thresholds=Thresholds(runs=12),
    ),
    Claim(
        "SL-3",
        "Asynchronous replication and automatic failover: acknowledged writes are lost.",
        Source("DDIA", "ch. 5, Leader failure: Failover", 157,
               "the old leader’s unreplicated writes to simply be discarded, which may violate clients’ durability "
               "expectations"),
        Experiment("set", {"replication": "async"}, faults="partition=isolate-leader, kill=leader"),
        Violates(("lost",)),
    ),
    Claim(
        "SL-3b",
        "Asynchronous replication: the leader takes writes though no follower is left.",
        Source("DDIA", SYNCHRONOUS, 155,
               "the leader can continue processing writes, even if all of its followers have fallen behind"),
        Experiment("set", {"replication": "async"}, faults="kill=followers", windows=LONG, time_limit_s=12.0),
        Available("add"),
        control=SYNC,
        thresholds=ALL_ALIKE,
    ),
    Claim(
        "SL-4a",
        "Semi-synchronous replication and election by any majority: acknowledged writes are lost with the pair.",
        Source("DDIA", SYNCHRONOUS, 154, "an up-to-date copy of the data on at least two nodes"),
        Experiment("set", {"replication": "semi-sync"}, faults="partition=isolate-leader:2"),
        Violates(("lost",)),
    ),
    Claim(
        "SL-4b",
        "Only the synchronous follower that a majority has on record may be promoted: nothing acknowledged is lost.",
        Source("DDIA", SYNCHRONOUS, 154, "an up-to-date copy of the data on at least two nodes"),
        Experiment("set", SEMI_SYNC, faults="partition=isolate-leader:2, kill=one"),
        Holds(("lost",)),
        control=PLAIN,
    ),
    Claim(
        "SL-4c",
        "Nothing is acknowledged between the loss of the synchronous follower and the catch-up of its replacement.",
        Source("DDIA", SYNCHRONOUS, 154,
               "If the synchronous follower becomes unavailable or slow, one of the asynchronous followers is made "
               "synchronous"),
        Experiment("set", SEMI_SYNC, faults=CHOSEN_ONE_LOST, windows=CHOSEN_ONE_LOST_S),
        Holds(("lost",)),
        control=BECOMES_ASYNC,
        told=("synchronous-follower-lost",),
    ),
)  # fmt: skip
