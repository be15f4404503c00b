"""CAP in one table (CO-12): what is left of a system on the minority side of a partition, for each way to replicate."""

from __future__ import annotations

from typing import Final

from harness.claim import Claim, Experiment, Source, Tabled, Thresholds, Variant

SINGLE_LEADER: Final = "single-leader"

CAP: Final = Claim(
    id="CO-12",
    sentence="Cut off from the majority, nodes can answer reads and writes, or be linearizable, and never both.",
    source=Source("DDIA", "ch. 9, The Cost of Linearizability", 337, "either Consistent or Available when Partitioned"),
    experiment=Experiment("register", faults="partition=isolate-leader:2", rate_hz=60.0),
    expect=Tabled(
        "systems, of which the leader and one follower are cut off",
        (
            Variant("raft, reads by ReadIndex"),
            Variant("raft, reads by lease", {"reads": "lease-monotonic"}),
            Variant("single leader, asynchronous", {"replication": "async"}, system=SINGLE_LEADER),
            Variant("single leader, majority", {"replication": "majority"}, system=SINGLE_LEADER),
            Variant(
                "single leader, majority, reads confirmed",
                {"replication": "majority", "reads": "confirmed"},
                system=SINGLE_LEADER,
            ),
            Variant(
                "single leader, majority, reads of any", {"replication": "majority", "reads": "any"},
                system=SINGLE_LEADER,
            ),
            Variant("single leader, synchronous", {"replication": "sync"}, system=SINGLE_LEADER),
        ),
        "minority-available:read+write",
        "linearizable",
    ),
    thresholds=Thresholds(runs=10),  # of each system
)  # fmt: skip
