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
    Variant,
    Violates,
)

FAILOVER: Final = "ch. 5, Leader failure: Failover"
TAKEN_OVER: Final = "partition=isolate-leader, kill=leader"
ASYNC: Final = Variant("asynchronous", {"replication": "async"})
NO_GENERATION: Final = Variant("without a generation clock", {"generation": "off"})
ON_APPEND: Final = Variant("applies on append", {"apply": "append"})
COPIED_FILES: Final = Variant("files copied while clients write", {"joining": "file-copy"})
ALL_MUST_ANSWER: Final = Variant("every node must answer", {"replication": "sync"})
NO_TABLE: Final = Variant("without a client table", {"deduplication": "off"})
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
        "SL-12",
        "Without a generation clock two nodes lead at a time, and the data are corrupted.",
        Source("DDIA", FAILOVER, 158,
               "it could happen that two nodes both believe that they are the leader"),
        Experiment("register", {"replication": "majority", "generation": "off"}, faults="partition=isolate-leader"),
        Violates(("non-linearizable", "divergence")),
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
        "SL-20",
        "A new follower gets a snapshot with its position in the log, then the log from there, while clients write.",
        Source("DDIA", "ch. 5, Setting Up New Followers", 156,
               "the snapshot is associated with an exact position in the leader’s replication log"),
        Experiment("set", {"replication": "async", "joining": "snapshot"}, faults="wipe=followers:1", rate_hz=60.0),
        Holds(("divergence",)),
        control=COPIED_FILES,
    ),
    Claim(
        "SL-21",
        "Node after node is rebooted and catches up from its own log: a failover's outage, unless all must answer.",
        Source("DDIA", "ch. 5, Handling Node Outages", 156,
               "Being able to reboot individual nodes without downtime is a big advantage for operations and "
               "maintenance"),
        Experiment("set", {"replication": "majority"}, faults=", ".join(f"kill=n{i}" for i in range(1, 6)),
                   windows=tuple((2.0 + 3.0 * i, 4.0 + 3.0 * i) for i in range(5)), time_limit_s=19.0),
        Measured(
            "who must acknowledge",
            (Variant("a majority", {"replication": "majority"}), ALL_MUST_ANSWER),
            (Curve("outage-s:add", Shape("rises", ratio=1.3)),),
        ),
    ),
    Claim(
        "SL-22",
        "Followers that apply only up to the high-water mark show nothing that is later lost.",
        Source("POD", "ch. 10, High-Water Mark", None,
               "An index in the write-ahead log showing the last successful replication."),
        Experiment("set-full", {"replication": "majority", "reads": "any"}, faults="partition=isolate-leader:2, "
                                                                                   "kill=leader"),
        Holds(("lost",)),
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
)  # fmt: skip
