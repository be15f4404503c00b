"""What an acknowledgement is worth: synchronous, asynchronous and semi-synchronous replication (DDIA ch. 5)."""

from __future__ import annotations

from typing import Final

from harness.claim import Available, Claim, Experiment, Holds, Source, Unavailable, Variant, Violates

from systems_under_test.single_leader.bug import SEMI_SYNC, SEMI_SYNC_BECOMES_ASYNC

SYNCHRONOUS: Final = "ch. 5, Synchronous Versus Asynchronous Replication"
ASYNC: Final = Variant("asynchronous", {"replication": "async"})
SYNC: Final = Variant("synchronous", {"replication": "sync"})
PLAIN: Final = Variant("any majority elects the freshest of its own", {"promotion": "freshest"})
BECOMES_ASYNC: Final = Variant("becomes asynchronous silently", bugs=(SEMI_SYNC_BECOMES_ASYNC,))
LONG: Final = ((3.0, 7.0),)
"""One fault, longer than any patience of client or failover."""

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
        Experiment("register", {"replication": "sync"}, faults="pause=followers:1", windows=((3.0, 12.0),),
                   concurrency=20, rate_hz=60.0, time_limit_s=17.0),
        Unavailable("write"),
        control=ASYNC,
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
        Experiment("set", SEMI_SYNC, faults="after any became-synchronous-follower: pause=its-node, "
                                            "partition=isolate-leader, kill=leader"),
        Holds(("lost",)),
        control=BECOMES_ASYNC,
    ),
)  # fmt: skip
